"""What the rules of repaired syntax share: a finding for every place that a repair changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.syntax.model import Kind, Repair, Site, SyntaxFault
from sophia_cli.fixers.view import FileView
from sophia_cli.project.source import SourceText, line_edits


def rule_of_kind(kind: Kind, rule_id: str, summary: str, manual: str) -> Rule:
    """Return the rule that reports the sites of one kind."""

    def check(view: FileView) -> Iterator[Finding]:
        yield from site_findings(view, kind, lambda: rule)

    rule = Rule(
        id=rule_id,
        name=kind.value,
        category=Category.CORRECTNESS,
        severity=Severity.ERROR,
        summary=summary,
        reads=Reads.SYNTAX,
        check=check,
        manual=manual,
    )
    return rule


def site_findings(view: FileView, kind: Kind, rule: Callable[[], Rule]) -> Iterator[Finding]:
    """Yield a finding for each site of `kind` in the view's repair."""
    repair, fault, source = view.repair, view.fault, view.source
    if repair is None or fault is None or not isinstance(source, SourceText) or view.needs_python is not None:
        return
    nearest = min(repair.sites, key=lambda site: _distance(site, fault), default=None)
    for site in repair.sites:
        if site.kind is kind:
            yield finding_of(
                rule(),
                view.path,
                _region(site, source),
                fault.message if site is nearest else site.title,
                data=facts(view),
                fix=fix_of_site(view.path, source, site, repair, repair.safety),
            )


def fix_of_site(path: str, source: SourceText, site: Site, repair: Repair, safety: Safety) -> Fix:
    """Return the fix of one site; the sites of a repair stand or fall together."""
    edit = line_edits(source, site.start, site.end, list(site.replacement), path)
    return Fix(
        title=site.title,
        safety=safety,
        edits=(edit,),
        evidence=repair.evidence,
        confidence=repair.confidence,
        group=f"syntax:{path}",
        alternatives=repair.alternatives,
    )


def facts(view: FileView) -> dict[str, Fact]:
    """Return the facts about a broken file: the compiler's words and place, and what history says."""
    data: dict[str, Fact] = {}
    if view.fault is not None:
        data = {"error": view.fault.message, "error_line": view.fault.line, "error_type": view.fault.type}
    return {**data, **past_facts(view)}


def past_facts(view: FileView) -> dict[str, Fact]:
    """Return the commit that broke the file, or the one that added it broken, and damage that it shares with others."""
    data: dict[str, Fact] = {}
    if view.origin is not None:
        data["commit"] = view.origin.commit
        data["commit_summary"] = view.origin.summary
        data["good_commit"] = view.origin.good_commit
        data["good_path"] = view.origin.good_path
    if view.never_compiled is not None:
        data["never_compiled"] = True
        data["added_commit"] = view.never_compiled.commit
        data["added_commit_summary"] = view.never_compiled.summary
    if view.damage:
        data["damage"] = view.damage
    return data


def fault_region(fault: SyntaxFault) -> Region:
    """Return where the compiler points, never an empty or backward region."""
    end_column = fault.end_column if fault.end_line > fault.line else max(fault.end_column, fault.column)
    return Region(fault.line, fault.column, fault.end_line, end_column)


def _distance(site: Site, fault: SyntaxFault) -> int:
    line = fault.line - 1
    return 0 if site.start <= line <= max(site.end - 1, site.start) else abs(site.start - line)


def _region(site: Site, source: SourceText) -> Region:
    lines = source.lines
    first = min(site.start, max(len(lines) - 1, 0))
    last = min(max(site.end - 1, first), max(len(lines) - 1, 0))
    text = lines[first] if lines else ""
    column = len(text) - len(text.lstrip()) + 1 if text.strip() else 1
    return Region(first + 1, column, last + 1, len(lines[last]) + 1 if lines else 1)
