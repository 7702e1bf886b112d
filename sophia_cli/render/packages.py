"""Changes of packages, as text and as JSON fields."""

from __future__ import annotations

from sophia_cli.core.packages import PackageAction, PackagesReport, PackageStep
from sophia_cli.render.json import Json
from sophia_cli.render.style import Style, Tone, plural, visible

_NAMED = 8
_SIGNS = {
    PackageAction.INSTALL: ("+", Tone.GOOD),
    PackageAction.UPGRADE: ("^", Tone.NOTE),
    PackageAction.DOWNGRADE: ("v", Tone.WARNING),
    PackageAction.REMOVE: ("-", Tone.WARNING),
}


def packages_text(report: PackagesReport, style: Style) -> str:
    """Return a line for every package that changes, who asks for it, and what is left as it is and why."""
    lines = []
    if report.changes_something:
        head = f"packages in {visible(report.environment)} (Python {report.python}, resolved by {report.resolver})"
        lines.append(style.paint(head, Tone.STRONG))
    lines += [_step(step, style) for step in report.steps]
    for lock in report.locks:
        lines.append(f"  {visible(lock.path)} is compiled anew: {visible(', '.join(lock.changes)) or 'no pin changes'}")
    lines += [style.paint(f"  {visible(note.name)}: {visible(note.reason)}", Tone.FAINT) for note in report.notes]
    return "\n".join(lines) + "\n" if lines else ""


def packages_summary(report: PackagesReport, dry_run: bool) -> str:
    """Return one line: how many packages changed, or would."""
    locks = "".join(f"; {visible(lock.path)} compiled anew" for lock in report.locks)
    if not report.steps:
        held = f"{plural(report.unchanged, 'package')} in {visible(report.environment)} as declared"
        return f"{held}; nothing to install{locks}"
    verb = "would change" if dry_run else "changed" if report.applied else "not changed"
    same = f"; {report.unchanged} already as declared" if report.unchanged else ""
    named = [f"{visible(step.name)} {visible(step.after or '')}".strip() for step in report.steps[:_NAMED]]
    rest = len(report.steps) - len(named)
    names = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"{plural(len(report.steps), 'package')} {verb} in {visible(report.environment)}: {names}{same}{locks}"


def packages_fields(report: PackagesReport | None) -> Json | None:
    """Return the field `packages` of a document, null where nothing was to be installed."""
    if report is None:
        return None
    return {
        "environment": report.environment,
        "python": report.python,
        "resolver": report.resolver,
        "applied": report.applied,
        "unchanged": report.unchanged,
        "resolved": report.resolved,
        "locks": [{"path": lock.path, "changes": list(lock.changes)} for lock in report.locks],
        "steps": [
            {
                "name": step.name,
                "action": step.action.value,
                "before": step.before,
                "after": step.after,
                "wanted_by": list(step.wanted_by),
            }
            for step in report.steps
        ],
        "notes": [{"name": note.name, "reason": note.reason} for note in report.notes],
    }


def _step(step: PackageStep, style: Style) -> str:
    sign, tone = _SIGNS[step.action]
    versions = " -> ".join(visible(version) for version in (step.before, step.after) if version is not None)
    wanted = f"  ({', '.join(visible(one) for one in step.wanted_by)})" if step.wanted_by else ""
    return f"  {style.paint(sign, tone)} {step.action.value:<9} {visible(step.name)} {versions}{wanted}"
