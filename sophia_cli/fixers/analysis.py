"""From one file's bytes to its findings: decode, compile, repair when broken, then the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sophia_cli.core.findings import Finding
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.rule import AnyRule, Rule
from sophia_cli.fixers.syntax.compiler import compile_fault, tree_or_fault
from sophia_cli.fixers.syntax.large_text import LARGE, first_fault
from sophia_cli.fixers.syntax.limits import is_too_deep
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.view import FileView
from sophia_cli.project.history.model import GoodVersion, NeverCompiled
from sophia_cli.project.source import SourceText, decode

if TYPE_CHECKING:
    import ast

    from sophia_cli.fixers.syntax.lessons import Lesson

__all__ = [
    "AnalysisContext",
    "FileReport",
    "GoodVersion",
    "analyse",
    "compile_fault",
    "repaired",
    "report_of",
    "view_of",
    "with_findings",
]


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """What a file's analysis may know about its project.

    `python` is the version the project declares, or the running one. `named` is true when the user named this very
    file. `modules` are the dotted names of the project's own modules. `good` is the file's last compiling version.
    `never_compiled` is set instead where history knows the file and no version of it compiled. `lessons` say how the
    damage that tools did to many files of the project is taken back; `damage` names that damage where it was done to
    this file, and `by_tool` says that the commit that broke this file did so to others. `evidence_key` changes with
    everything that history and the other files say about this one.
    """

    python: tuple[int, int]
    named: bool = False
    modules: frozenset[str] = frozenset()
    good: GoodVersion | None = None
    lessons: tuple[Lesson, ...] = ()
    never_compiled: NeverCompiled | None = None
    damage: tuple[str, ...] = ()
    by_tool: bool = False
    evidence_key: str = ""


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file's outcome: its findings, whether it compiles, and its length in lines."""

    path: str
    findings: tuple[Finding, ...]
    compiles: bool
    lines: int


def with_findings(report: FileReport, more: Sequence[Finding]) -> FileReport:
    """Return a report with more findings, in order."""
    if not more:
        return report
    return replace(report, findings=tuple(sorted((*report.findings, *more), key=lambda finding: finding.sort_key)))


def view_of(
    path: str, data: bytes, context: AnalysisContext, knows: Callable[[ast.Module, str], bool] | None = None
) -> FileView:
    """Return what rules see of a file, before any repair. With `knows`, which may tell of a tree that it surely
    compiles, the tree is made too."""
    source = decode(data)
    fault = None
    if isinstance(source, SourceText):
        found = tree_or_fault(source.text, knows=knows) if knows is not None and len(source.text) < LARGE else None
        tree, fault = (None, found) if isinstance(found, SyntaxFault) else (found, None)
        if found is None:
            fault = first_fault(source.text, compile_fault)
        if fault is None:
            return FileView(path=path, data=data, source=source, tree=tree)
    # Its expressions take longer to compile than a warm scan takes, which has no use for them.
    from sophia_cli.fixers.syntax.odd_input import looks_like_not_python, looks_like_python_2

    not_python = looks_like_not_python(data)
    if fault is None or not isinstance(source, SourceText):
        return FileView(path=path, data=data, source=source, not_python=not_python)
    python_2 = not_python is None and not is_too_deep(fault) and looks_like_python_2(source.text)
    return FileView(path=path, data=data, source=source, fault=fault, python_2=python_2, not_python=not_python)


def report_of(view: FileView, rules: Sequence[AnyRule]) -> FileReport:
    """Return what `rules` say about a view; those that read the whole project say nothing about one file."""
    findings = [finding for rule in rules if isinstance(rule, Rule) for finding in rule.check(view)]
    if view.data is not None and b"sophia: ignore" in view.data and isinstance(view.source, SourceText):
        from sophia_cli.fixers.selection import without_suppressed

        findings = list(without_suppressed(view.source.lines, findings))
    compiles = isinstance(view.source, SourceText) and view.fault is None
    lines = view.source.text.count("\n") if isinstance(view.source, SourceText) else 0
    return FileReport(view.path, tuple(sorted(findings, key=lambda f: f.sort_key)), compiles, lines)


def analyse(path: str, data: bytes, context: AnalysisContext, rules: Sequence[AnyRule]) -> FileReport:
    """Return the findings of `rules` for one file's bytes. Pure: the same arguments give the same report."""
    return report_of(repaired(view_of(path, data, context), context), rules)


def repaired(view: FileView, context: AnalysisContext) -> FileView:
    """Return the view of a file that does not compile with its repair, or with the newer Python that it needs."""
    if isinstance(view.source, SourceText) and view.fault is None:
        return view
    from sophia_cli.fixers.syntax.past import origin_of

    view = replace(
        view,
        origin=origin_of(context.good),
        never_compiled=context.never_compiled,
        damage=context.damage,
        named=context.named,
    )
    if view.fault is None or not isinstance(view.source, SourceText) or not view.is_repairable:
        return view
    # The engine and its learned costs are only read for a file that is broken.
    from sophia_cli.fixers.syntax.engine import older_spelling, repair

    older = older_spelling(view.source.text, view.fault)
    if older is not None:
        needs, spelling = older
        if needs <= context.python:
            # Only the Python that runs Sophia is too old for it.
            return replace(view, fault=None)
        return replace(view, needs_python=needs, repair=spelling)
    mended = repair(view.source.text, view.fault, good=context.good, lessons=context.lessons, by_tool=context.by_tool)
    return replace(view, repair=mended)
