"""What the rules about imports share: findings with the severity that an import deserves, and edits at places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sophia_cli.core.findings import Edit, Fact, Finding, Fix, Region, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.project.code.facts import Guard, Place
from sophia_cli.project.imports.model import Import
from sophia_cli.project.source import SourceText, line_edits


def finding_at(
    rule: ProjectRule,
    path: str,
    place: Place,
    message: str,
    data: Mapping[str, Fact],
    *,
    severity: Severity | None = None,
    fix: Fix | None = None,
) -> Finding:
    """Return a finding of `rule` at a place of a file."""
    region = Region(place.line, place.column, place.end_line, place.end_column)
    return finding_of(rule, path, region, message, data, severity=severity, fix=fix)


def judged(view: ProjectView) -> Iterator[Import]:
    """Yield the imports that rules speak of.

    Left out is what a test asserts to fail, and what may be the text of another file in a string that is not closed: a
    relative import, where the file lies in no package.
    """
    modules = view.graph.modules
    for item in view.graph.imports:
        fact = item.fact
        if fact.guard is Guard.EXPECTED:
            continue
        if fact.is_certain or not fact.level or modules.is_package(item.importer.rpartition("/")[0]):
            yield item


def severity_of(item: Import) -> Severity:
    """Return ERROR, or WARNING for an import whose failure the file provides for."""
    return Severity.WARNING if item.is_guarded else Severity.ERROR


def circumstances(item: Import) -> dict[str, Fact]:
    """Return what is said of every import: when it runs, and whether the file provides for its failure."""
    return {"lazy": item.is_lazy, "guarded": item.is_guarded}


def place_edits(source: SourceText, replacements: Iterable[tuple[Place, str]], path: str) -> tuple[Edit, ...]:
    """Return the edits that put these texts at these places, which do not overlap; one edit a line or run of lines.

    Raises UnicodeEncodeError when the file's encoding lacks a character of a replacement.
    """
    lines = source.lines
    by_lines: dict[tuple[int, int], list[tuple[Place, str]]] = defaultdict(list)
    for place, text in replacements:
        by_lines[place.line, place.end_line].append((place, text))
    edits: list[Edit] = []
    for (first, last), group in sorted(by_lines.items()):
        text = "\n".join(lines[first - 1 : last])
        for place, replacement in sorted(group, key=lambda item: (-item[0].line, -item[0].column)):
            end = sum(len(line) + 1 for line in lines[first - 1 : place.end_line - 1]) + place.end_column - 1
            text = text[: place.column - 1] + replacement + text[end:]
        edits.append(line_edits(source, first - 1, last, text.split("\n"), path))
    return tuple(edits)
