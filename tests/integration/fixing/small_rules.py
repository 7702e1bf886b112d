"""Small rules for one purpose each, and short ways to run them on real files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.analysis import AnalysisContext, FileReport, analyse
from sophia_cli.fixers.mending.verify import Version
from sophia_cli.fixers.rule import Reads, Rule
from sophia_cli.fixers.view import FileView

PYTHON = (3, 11)

Replacement = Callable[[re.Match[bytes]], bytes]


def replacing(
    number: int,
    pattern: bytes,
    replacement: bytes | Replacement,
    *,
    safety: Safety = Safety.SAFE,
    severity: Severity = Severity.WARNING,
    group: str | None = None,
    confidence: float = 0.9,
    title: str | None = None,
) -> Rule:
    """Return a rule that finds a pattern of bytes and replaces each occurrence."""
    name = f"small-{number}"

    def check(view: FileView) -> Iterator[Finding]:
        data = view.data or b""
        for match in re.finditer(pattern, data):
            new = replacement(match) if callable(replacement) else replacement
            line = data.count(b"\n", 0, match.start()) + 1
            column = match.start() - (data.rfind(b"\n", 0, match.start()) + 1) + 1
            yield Finding(
                rule=rule.id,
                name=name,
                category=Category.SUSPICIOUS,
                severity=severity,
                path=view.path,
                region=Region(line, column, line, column + 1),
                message=f"{match.group().decode('utf-8', 'replace')} stands here",
                fix=Fix(
                    title or f"replace by {new.decode()}",
                    safety,
                    (Edit(view.path, match.start(), match.end(), new),),
                    ("the test says so",),
                    confidence,
                    group=group,
                ),
            )

    rule = Rule(f"SPH{number}", name, Category.SUSPICIOUS, severity, "for a test", Reads.BYTES, check, "for a test")
    return rule


def reporting_faults() -> Rule:
    """Return a rule that reports the compiler's objection and has no fix."""

    def check(view: FileView) -> Iterator[Finding]:
        if view.fault is not None:
            at = view.fault
            yield Finding(
                rule="SPH100",
                name="small-fault",
                category=Category.CORRECTNESS,
                severity=Severity.ERROR,
                path=view.path,
                region=Region(at.line, at.column, at.line, at.column),
                message=at.message,
            )

    return Rule(
        "SPH100", "small-fault", Category.CORRECTNESS, Severity.ERROR, "for a test", Reads.SYNTAX, check, "for a test"
    )


def analysing(*rules: Rule) -> Callable[[str, bytes], FileReport]:
    """Return an analysis with these rules."""
    return lambda path, data: analyse(path, data, AnalysisContext(python=PYTHON), rules)


def versions(analysis: Callable[[str, bytes], FileReport], **files: bytes) -> list[Version]:
    """Return files in memory as the engine takes them; `a` stands for `a.py`."""
    return [Version(data, analysis(f"{name}.py", data)) for name, data in files.items()]


def write(root: Path, **files: bytes) -> None:
    """Write files; `a` stands for `a.py`."""
    for name, data in files.items():
        (root / f"{name}.py").write_bytes(data)
