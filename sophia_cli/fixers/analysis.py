"""From one file's bytes to its findings: decode, compile, repair when broken, then the rules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sophia_cli.core.findings import Finding
from sophia_cli.fixers.rule import Rule
from sophia_cli.fixers.syntax.large_text import first_fault
from sophia_cli.fixers.syntax.limits import is_too_deep
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.view import FileView
from sophia_cli.project.history.model import GoodVersion
from sophia_cli.project.source import SourceText, decode

if TYPE_CHECKING:
    from sophia_cli.fixers.syntax.lessons import Lesson


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """What a file's analysis may know about its project.

    `python` is the version the project declares, or the running one. `named` is true when the user named this very
    file. `modules` are the dotted names of the project's own modules. `good` is the file's last compiling version.
    `lessons` say how the damage that tools did to many files of the project is taken back.
    """

    python: tuple[int, int]
    named: bool = False
    modules: frozenset[str] = frozenset()
    good: GoodVersion | None = None
    lessons: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file's outcome: its findings, whether it compiles, and its length in lines."""

    path: str
    findings: tuple[Finding, ...]
    compiles: bool
    lines: int


def compile_fault(text: str, path: str = "<source>") -> SyntaxFault | None:
    """Return what the compiler objects to first, None when the text compiles. Never raises for any text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        column = max(1, error.offset or 1)
        return SyntaxFault(
            line=line,
            column=column,
            end_line=error.end_lineno or line,
            end_column=error.end_offset or column,
            message=error.msg or "invalid syntax",
            type=type(error).__name__,
        )
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxFault(1, 1, 1, 1, f"{type(error).__name__}: {error}", type(error).__name__)
    return None


def view_of(path: str, data: bytes, context: AnalysisContext) -> FileView:
    """Return what rules see of a file, before any repair."""
    source = decode(data)
    fault = first_fault(source.text, compile_fault) if isinstance(source, SourceText) else None
    if isinstance(source, SourceText) and fault is None:
        return FileView(path=path, data=data, source=source)
    # Its expressions take longer to compile than a warm scan takes, which has no use for them.
    from sophia_cli.fixers.syntax.odd_input import looks_like_not_python, looks_like_python_2

    not_python = looks_like_not_python(data)
    if fault is None or not isinstance(source, SourceText):
        return FileView(path=path, data=data, source=source, not_python=not_python)
    python_2 = not_python is None and not is_too_deep(fault) and looks_like_python_2(source.text)
    return FileView(path=path, data=data, source=source, fault=fault, python_2=python_2, not_python=not_python)


def report_of(view: FileView, rules: Sequence[Rule]) -> FileReport:
    """Return what `rules` say about a view."""
    findings = [finding for rule in rules for finding in rule.check(view)]
    compiles = isinstance(view.source, SourceText) and view.fault is None
    lines = view.source.text.count("\n") if isinstance(view.source, SourceText) else 0
    return FileReport(view.path, tuple(sorted(findings, key=lambda f: f.sort_key)), compiles, lines)


def analyse(path: str, data: bytes, context: AnalysisContext, rules: Sequence[Rule]) -> FileReport:
    """Return the findings of `rules` for one file's bytes. Pure: the same arguments give the same report."""
    return report_of(view_of(path, data, context), rules)
