"""How services are, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sophia_cli.core.service_status import (
    AgentStatus,
    Health,
    InstanceStatus,
    ServiceState,
    ServiceStatus,
    health_score,
)
from sophia_cli.render.style import Style, Tone, plural, visible

_HEADER = ("SERVICE", "STATE", "HEALTH", "RELEASE", "PORT", "PID", "UPTIME", "RESTARTS", "INCIDENTS")
_BAD = frozenset({ServiceState.FAILED, ServiceState.DEGRADED})
_COMING = frozenset({ServiceState.STARTING, ServiceState.WAITING, ServiceState.RESTARTING})


def status_text(agent: AgentStatus | None, services: Sequence[ServiceStatus], style: Style) -> str:
    """Return a table of the services, below each why it is not well and what to know, and the whole in one line."""
    rows = [_row(service) for service in services]
    widths = [max(len(row[column]) for row in (_HEADER, *rows)) for column in range(len(_HEADER))]
    lines = [style.paint(_line(_HEADER, widths), Tone.FAINT)] if rows else []
    for service, row in zip(services, rows, strict=True):
        lines.append(_painted(service, _line(row, widths), style))
        # Without an agent the reason is one for all, and the last line tells it.
        if service.reason and agent is not None:
            lines.append(f"  {visible(service.reason)}")
        lines += [f"  note: {visible(note)}" for note in service.notes]
        if style.verbose:
            lines += [f"  {line}" for line in _instances(service.instances)]
    if agent is not None and agent.state_note:
        lines.append(style.paint(f"agent: {visible(agent.state_note)}", Tone.WARNING))
    lines.append(style.paint(status_summary(agent, services).rstrip("\n"), Tone.STRONG))
    return "\n".join(lines) + "\n"


def status_summary(agent: AgentStatus | None, services: Sequence[ServiceStatus]) -> str:
    """Return the whole in one line."""
    total = plural(len(services), "service")
    if agent is None:
        unwatched = sum(service.state is ServiceState.UNWATCHED for service in services)
        if not unwatched:
            return f"0 of {total} running; no agent runs\n"
        return f"{unwatched} of {total} running, unwatched: no agent runs; `sophia agent start` takes them over\n"
    score = health_score(tuple(services))
    ready = sum(service.state is ServiceState.RUNNING for service in services)
    health = "" if score is None else f", health {score:.0f} %"
    busy = f", changing services for {visible(agent.busy_with)}" if agent.busy_with else ""
    return f"{ready} of {total} running{health}; agent pid {agent.pid} {agent.state}{busy}\n"


def _row(service: ServiceStatus) -> tuple[str, ...]:
    ready = f" {service.ready}/{service.wanted}" if service.wanted > 1 else ""
    return (
        visible(service.name),
        service.state.value + ready,
        "-" if service.health is Health.UNKNOWN else service.health.value,
        _or_dash(service.release),
        _or_dash(service.port),
        _or_dash(service.pid),
        "-" if service.uptime_s is None else duration(service.uptime_s),
        str(service.restarts),
        str(service.incidents),
    )


def duration(seconds: float) -> str:
    """Return a time span as people say it: `45s`, `12m`, `3h 5m`, `4d 2h`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _painted(service: ServiceStatus, line: str, style: Style) -> str:
    if service.state in _BAD:
        return style.paint(line, Tone.ERROR)
    return style.paint(line, Tone.WARNING) if service.state in _COMING else line


def _instances(instances: Sequence[InstanceStatus]) -> Iterator[str]:
    for one in instances:
        memory = "" if one.memory_bytes is None else f", {one.memory_bytes / 1e6:.0f} MB"
        since = "" if one.uptime_s is None else f", up {duration(one.uptime_s)}"
        pid = "" if one.pid is None else f", pid {one.pid}"
        yield f"{one.name}: {one.role.value}, {one.phase}{pid}{since}{memory}, log {visible(one.log)}"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)
