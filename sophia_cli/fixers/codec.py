"""File reports as plain values and back, for the cache and for worker processes."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.findings import Category, Edit, Fact, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.analysis import FileReport
from sophia_cli.project.cache_file import Values


def report_to_values(report: FileReport) -> Values:
    """Return a report as values that JSON holds; `report_from_values` with the same path is its inverse."""
    return [report.compiles, report.lines, [_finding_to_values(finding) for finding in report.findings]]


def report_from_values(path: str, values: Values) -> FileReport | None:
    """Return the report that `report_to_values` made of a file, None when the values are not one."""
    try:
        match values:
            case [bool(compiles), int(lines), [*findings]]:
                return FileReport(path, tuple(_finding_from_values(path, item) for item in findings), compiles, lines)
    except ValueError:
        return None
    return None


def _finding_to_values(finding: Finding) -> Values:
    region = finding.region
    data: list[Values] = [[key, value] for key, value in finding.data.items()]
    return [
        finding.rule,
        finding.name,
        finding.category.value,
        finding.severity.value,
        [region.line, region.column, region.end_line, region.end_column],
        finding.message,
        data,
        None if finding.fix is None else _fix_to_values(finding.fix),
        finding.revealed,
    ]


def _finding_from_values(path: str, values: Values) -> Finding:
    match values:
        case [
            str(rule),
            str(name),
            str(category),
            str(severity),
            [int(line), int(column), int(end_line), int(end_column)],
            str(message),
            [*data],
            fix,
            bool(revealed),
        ]:
            return Finding(
                rule=rule,
                name=name,
                category=Category(category),
                severity=Severity(severity),
                path=path,
                region=Region(line, column, end_line, end_column),
                message=message,
                data=dict(_fact_from_values(item) for item in data),
                fix=None if fix is None else _fix_from_values(fix),
                revealed=revealed,
            )
    raise ValueError("not a finding")


def _fix_to_values(fix: Fix) -> Values:
    edits: list[Values] = [[edit.path, edit.start, edit.end, edit.replacement.decode("latin-1")] for edit in fix.edits]
    return [fix.title, fix.safety.value, edits, fix.evidence, fix.confidence, fix.group, fix.alternatives]


def _fix_from_values(values: Values) -> Fix:
    match values:
        case [
            str(title),
            str(safety),
            [*edits],
            [*evidence],
            int() | float() as confidence,
            (str() | None) as group,
            [*alternatives],
        ]:
            return Fix(
                title=title,
                safety=Safety(safety),
                edits=tuple(_edit_from_values(item) for item in edits),
                evidence=_texts(evidence),
                confidence=confidence,
                group=group,
                alternatives=_texts(alternatives),
            )
    raise ValueError("not a fix")


def _edit_from_values(values: Values) -> Edit:
    match values:
        case [str(path), int(start), int(end), str(replacement)]:
            return Edit(path, start, end, replacement.encode("latin-1"))
    raise ValueError("not an edit")


def _fact_from_values(values: Values) -> tuple[str, Fact]:
    match values:
        case [str(key), (str() | bool() | int() | float() | None) as fact]:
            return key, fact
        case [str(key), [*texts]]:
            return key, _texts(texts)
    raise ValueError("not a fact")


def _texts(values: Sequence[Values]) -> tuple[str, ...]:
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) != len(values):
        raise ValueError("not a list of texts")
    return texts
