"""How services are, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.report import SCHEMA_VERSION
from sophia_cli.core.service_status import AgentStatus, InstanceStatus, ServiceState, ServiceStatus, health_score
from sophia_cli.render.json import document


def status_json(agent: AgentStatus | None, services: Sequence[ServiceStatus], exit_code: int, duration_s: float) -> str:
    """Return the document of `sophia status`."""
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "command": "status",
            "verdict": "well" if exit_code == 0 else "unwell",
            "exit_code": exit_code,
            "duration_s": round(duration_s, 3),
            "run_id": None,
            "summary": {
                "services": len(services),
                "running": sum(service.state is ServiceState.RUNNING for service in services),
                "health_score": health_score(tuple(services)),
                "incidents": sum(service.incidents for service in services),
            },
            "agent": None if agent is None else agent_fields(agent),
            "services": [_service(service) for service in services],
        }
    )


def agent_fields(agent: AgentStatus) -> dict[str, object]:
    """Return what is told of the agent itself."""
    return {
        "pid": agent.pid,
        "version": agent.version,
        "state": agent.state,
        "since": agent.since,
        "busy_with": agent.busy_with,
        "web": agent.web,
        "web_note": agent.web_note,
        "state_note": agent.state_note,
    }


def _service(service: ServiceStatus) -> dict[str, object]:
    return {
        "name": service.name,
        "state": service.state.value,
        "health": service.health.value,
        "release": service.release,
        "previous": service.previous,
        "port": service.port,
        "pid": service.pid,
        "uptime_s": _rounded(service.uptime_s),
        "restarts": service.restarts,
        "incidents": service.incidents,
        "wanted": service.wanted,
        "ready": service.ready,
        "reason": service.reason,
        "notes": list(service.notes),
        "instances": [_instance(instance) for instance in service.instances],
    }


def _instance(instance: InstanceStatus) -> dict[str, object]:
    return {
        "name": instance.name,
        "release": instance.release,
        "role": instance.role.value,
        "phase": instance.phase,
        "pid": instance.pid,
        "uptime_s": _rounded(instance.uptime_s),
        "restarts": instance.restarts,
        "memory_bytes": instance.memory_bytes,
        "log": instance.log,
        "reason": instance.reason,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
