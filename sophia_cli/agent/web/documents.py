"""What the web API answers, as types: its JSON and the OpenAPI document both come from them."""

from __future__ import annotations

from typing import TypeVar

from sophia_cli.agent.state.rows import IncidentRow
from sophia_cli.core.report import SCHEMA_VERSION
from sophia_cli.core.service_status import AgentStatus, ServiceState, ServiceStatus, health_score
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.messages import Json
from sophia_cli.project.settings.service_codec import to_values

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Health:
    """`/health`: whether the web API has the agent behind it, `ok` or `agent-gone`."""

    status: str


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """The agent: `since` is when it started (UTC, ISO 8601), `busy_with` who changes services at the moment.

    `state_note` is null unless the agent's state cannot be written: then it says why, and how much waits for that.
    """

    pid: int
    version: str
    state: str
    since: str
    busy_with: str | None
    web: str | None
    web_note: str | None
    state_note: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The services in figures: `health_score` is the share that is ready, in percent (null: none is wanted to run)."""

    services: int
    running: int
    health_score: float | None
    incidents: int


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """`/api/v1/status`: the agent, the services in figures, and each of them."""

    schema_version: int
    agent: AgentFacts
    summary: Summary
    services: tuple[ServiceStatus, ...]


@dataclass(frozen=True, slots=True)
class ServicesDocument:
    """`/api/v1/services`: each service, those first that others depend on."""

    schema_version: int
    services: tuple[ServiceStatus, ...]


@dataclass(frozen=True, slots=True)
class ServiceDocument:
    """`/api/v1/services/{name}`: one service."""

    schema_version: int
    service: ServiceStatus


@dataclass(frozen=True, slots=True)
class IncidentsDocument:
    """`/api/v1/incidents`: failures from detection to verified recovery, latest first."""

    schema_version: int
    incidents: tuple[IncidentRow, ...]


def status_document(agent: AgentStatus) -> StatusDocument:
    """Return the answer of `/api/v1/status`."""
    services = agent.services
    return StatusDocument(
        SCHEMA_VERSION,
        AgentFacts(
            agent.pid,
            agent.version,
            agent.state,
            agent.since,
            agent.busy_with,
            agent.web,
            agent.web_note,
            agent.state_note,
        ),
        Summary(
            services=len(services),
            running=sum(service.state is ServiceState.RUNNING for service in services),
            health_score=health_score(services),
            incidents=sum(service.incidents for service in services),
        ),
        services,
    )


def json_of(document: object) -> Json:
    """Return the JSON values of a document, numbers to the thousandth."""
    return _rounded(to_values(document))


def _rounded(value: Json) -> Json:
    match value:
        case float():
            return round(value, 3)
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {name: _rounded(item) for name, item in value.items()}
        case _:
            return value
