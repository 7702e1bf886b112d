"""What a deployment did, for people."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.deploy_report import DeployReport, DeployVerdict, ServiceAction, ServiceReport, Trouble
from sophia_cli.render.style import Style, Tone, plural, visible

_TONES = {
    ServiceAction.DEPLOYED: Tone.GOOD,
    ServiceAction.ROLLED_BACK: Tone.ERROR,
    ServiceAction.FAILED: Tone.ERROR,
    ServiceAction.SKIPPED: Tone.WARNING,
    ServiceAction.PLANNED: Tone.STRONG,
}


def deploy_text(report: DeployReport, style: Style) -> str:
    """Return one line a service, the trouble where there was some, and what the whole came to."""
    told = [service for service in report.services if service.is_asked or style.verbose]
    width = max((len(service.name) for service in told), default=0)
    lines: list[str] = []
    for service in told:
        lines += _service_lines(service, width, report, style)
    lines += [style.paint(f"note: {visible(note)}", Tone.NOTE) for note in report.notes]
    lines.append(style.paint(deploy_summary(report), Tone.STRONG))
    return "\n".join(lines) + "\n"


def deploy_summary(report: DeployReport) -> str:
    """Return the whole in one sentence, with what to do next where there is something."""
    counts = [
        f"{plural(count, 'service')} {_action_word(action, report)}"
        for action in ServiceAction
        if (count := sum(service.action is action and service.is_asked for service in report.services))
    ]
    told = ", ".join(counts) or "no services"
    match report.verdict:
        case DeployVerdict.PLANNED:
            told += "; nothing was done"
        case DeployVerdict.DEPLOYED if replaced := _replaced(report):
            told += f" in {report.duration_s:.1f} s. Back: sophia rollback {' '.join(replaced)}"
        case DeployVerdict.ROLLED_BACK if report.command != "rollback":
            told += "; what served before serves on"
        case DeployVerdict.INCOMPLETE:
            told += "; something could not be taken back: see `sophia status`"
        case _:
            pass
    return told


def _replaced(report: DeployReport) -> tuple[str, ...]:
    """Return the services that have a release to go back to after a deployment."""
    deployed = (service for service in report.services if service.action is ServiceAction.DEPLOYED)
    return tuple(service.name for service in deployed if service.previous)


def _action_word(action: ServiceAction, report: DeployReport) -> str:
    """Return what was done with services, in the word of the command that did it."""
    is_restart = report.command == "restart" and action is ServiceAction.DEPLOYED
    return "restarted" if is_restart else action.value


def _service_lines(service: ServiceReport, width: int, report: DeployReport, style: Style) -> Iterator[str]:
    action = _action_word(service.action, report)
    # Being rolled back is what a rollback was for.
    is_wanted = report.command == "rollback" and service.action is ServiceAction.ROLLED_BACK
    tone = Tone.GOOD if is_wanted else _TONES.get(service.action)
    shown = style.paint(f"{action:<11}", tone) if tone else f"{action:<11}"
    yield f"{visible(service.name):<{width}}  {shown}  {_facts(service)}".rstrip()
    indent = " " * (width + 2)
    for reason in service.reasons:
        yield f"{indent}{style.paint(visible(reason), Tone.FAINT)}"
    if style.verbose or service.action is ServiceAction.PLANNED:
        for step in service.steps:
            which = f" #{step.instance}" if step.instance else ""
            timing = "" if service.action is ServiceAction.PLANNED else f"  {step.duration_s:.2f} s"
            mark = "" if step.passed else style.paint("  failed", Tone.ERROR)
            detail = f"  {visible(step.detail)}" if step.detail else ""
            yield f"{indent}{step.name}{which}{timing}{mark}{detail}"
    if service.trouble is not None:
        yield from _trouble_lines(service.trouble, indent, style)


def _facts(service: ServiceReport) -> str:
    facts: list[str] = []
    if service.release is not None:
        was = f" (was {service.previous})" if service.previous not in (None, service.release) else ""
        facts.append(f"release {service.release}{was}")
    if service.port is not None:
        facts.append(f"port {service.port}")
    if service.pid is not None:
        facts.append(f"pid {service.pid}")
    if service.duration_s:
        facts.append(f"{service.duration_s:.2f} s")
    return ", ".join(facts)


def _trouble_lines(trouble: Trouble, indent: str, style: Style) -> Iterator[str]:
    yield f"{indent}{style.paint('cause:', Tone.ERROR)} {visible(trouble.cause)}"
    if trouble.last_probe:
        yield f"{indent}last probe: {visible(trouble.last_probe)}"
    if trouble.log_lines:
        yield f"{indent}last lines of its log:"
        yield from (f"{indent}  | {visible(line)}" for line in trouble.log_lines)
    if trouble.hint:
        yield f"{indent}hint: {visible(trouble.hint)}"
