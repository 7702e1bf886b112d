"""What `sophia verify` saw, as text: a line for every check, failures and their count last."""

from __future__ import annotations

from sophia_cli.core.checks import CheckedService, CheckResult, VerifyReport, VerifyVerdict
from sophia_cli.render.style import Style, Tone, plural, visible


def verify_text(report: VerifyReport, style: Style) -> str:
    """Return the whole report; a verbose one shows what every check saw, and what was left out."""
    lines: list[str] = []
    for service in report.services:
        lines += [style.paint(f"{visible(service.name)}  {visible(service.url)}", Tone.STRONG)]
        lines += _listed(report, service) if report.verdict is VerifyVerdict.LISTED else _ran(report, service, style)
        lines.append("")
    return "\n".join(lines) + ("\n" if lines else "") + verify_summary(report, style)


def verify_summary(report: VerifyReport, style: Style) -> str:
    """Return how many checks passed, and which did not."""
    if report.verdict is VerifyVerdict.LISTED:
        return f"{plural(len(report.listed), 'check')} would run\n"
    failed = report.failed
    left_out = f", {len(report.skipped)} left out" if report.skipped else ""
    ran = plural(len(report.checks), "check")
    if not failed:
        return style.paint(f"{ran} passed", Tone.GOOD) + f"{left_out}\n"
    names = "".join(f"  {visible(check.service)}: {visible(check.name)}\n" for check in failed)
    return style.paint(f"{len(failed)} of {ran} failed", Tone.ERROR) + f"{left_out}\n{names}"


def _ran(report: VerifyReport, service: CheckedService, style: Style) -> list[str]:
    lines = [line for check in report.checks if check.service == service.name for line in _result(check, style)]
    if style.verbose:
        skipped = [one for one in report.skipped if one.service == service.name]
        lines += [style.paint(f"  skip  {visible(one.name)}: {visible(one.reason)}", Tone.FAINT) for one in skipped]
    return lines


def _result(check: CheckResult, style: Style) -> list[str]:
    if check.passed:
        seen = f": {visible(check.message)}" if style.verbose else ""
        took = style.paint(f"  {check.duration_ms:.0f} ms", Tone.FAINT)
        return [f"  {style.paint('ok', Tone.GOOD)}    {visible(check.name)}{seen}{took}"]
    return [f"  {style.paint('FAIL', Tone.ERROR)}  {visible(check.name)}", f"        {visible(check.message)}"]


def _listed(report: VerifyReport, service: CheckedService) -> list[str]:
    return [f"  {one.kind.value:<9}  {visible(one.name)}" for one in report.listed if one.service == service.name]
