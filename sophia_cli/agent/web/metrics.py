"""`/metrics`: the services in the text format of Prometheus, version 0.0.4, with its units and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sophia_cli.core.service_status import AgentStatus, ServiceStatus, health_score
from sophia_cli.core.values import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _OfService:
    """A metric of every service; a service without a value has no sample."""

    name: str
    kind: str
    help: str
    value: Callable[[ServiceStatus], float | None]


_OF_SERVICES = (
    _OfService("sophia_service_up", "gauge", "Whether at least one instance is ready.", lambda one: one.ready > 0),
    _OfService("sophia_service_instances_ready", "gauge", "Instances that are ready.", lambda one: one.ready),
    _OfService("sophia_service_instances_wanted", "gauge", "Instances that are to run.", lambda one: one.wanted),
    _OfService(
        "sophia_service_restarts_total",
        "counter",
        "How often an instance was started again without anybody asking.",
        lambda one: one.restarts,
    ),
    _OfService("sophia_service_incidents_open", "gauge", "Failures that are not over.", lambda one: one.incidents),
    _OfService("sophia_service_release", "gauge", "The number of the release that serves.", lambda one: one.release),
    _OfService(
        "sophia_service_uptime_seconds",
        "gauge",
        "For how long the instance that serves longest runs.",
        lambda one: one.uptime_s,
    ),
    _OfService(
        "sophia_service_memory_bytes",
        "gauge",
        "Resident memory of the first processes of all instances.",
        lambda one: _memory(one),
    ),
)


def metrics_text(agent: AgentStatus, incidents: int) -> str:
    """Return all metrics; `incidents` is how many there ever were."""
    lines = [
        *_family("sophia_agent_up", "gauge", "Whether the agent answers.", [("", 1)]),
        *_family("sophia_agent_info", "gauge", "The agent.", [(_labels({"version": agent.version}), 1)]),
        *_family(
            "sophia_agent_start_time_seconds",
            "gauge",
            "When the agent started, in seconds since 1970.",
            [("", datetime.fromisoformat(agent.since).timestamp())],
        ),
        *_family("sophia_incidents_total", "counter", "Failures of all services, ever.", [("", incidents)]),
    ]
    score = health_score(agent.services)
    ratio = [] if score is None else [("", score / 100)]
    lines += _family("sophia_health_score_ratio", "gauge", "Share of the wanted services that are ready.", ratio)
    for metric in _OF_SERVICES:
        values = ((service.name, metric.value(service)) for service in agent.services)
        samples = [(_labels({"service": name}), value) for name, value in values if value is not None]
        lines += _family(metric.name, metric.kind, metric.help, samples)
    return "\n".join(lines) + "\n"


def agent_down_text() -> str:
    """Return the metrics while no agent answers."""
    return "\n".join(_family("sophia_agent_up", "gauge", "Whether the agent answers.", [("", 0)])) + "\n"


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    values = [f"{name}{labels} {_number(value)}" for labels, value in samples]
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *values] if values else []


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 6))


def _labels(labels: dict[str, str]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _memory(service: ServiceStatus) -> float | None:
    known = [one.memory_bytes for one in service.instances if one.memory_bytes is not None]
    return sum(known) if known else None
