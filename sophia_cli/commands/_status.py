"""What is known of the services: from the agent where one runs, else from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.core.service_status import AgentStatus, Health, ServiceState, ServiceStatus
from sophia_cli.deploy.link.client import AgentLink, connect_agent
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_codec import UnreadableValues, record_from
from sophia_cli.project.state_folder import StateFolder


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The agent (None when it does not run) and the services that were asked for."""

    agent: AgentStatus | None
    services: tuple[ServiceStatus, ...]


def project_status(state: StateFolder, names: tuple[str, ...]) -> ProjectStatus:
    """Return the status of the named services, of all when none is named.

    A declared service that was never deployed is `not-deployed`. UsageError (`service-unknown`) for any other name.
    """
    link = connect_agent(state.path) if state.exists() else None
    agent = None
    if link is not None:
        with link:
            agent = agent_status(link)
    found = agent.services if agent else _unwatched(state)
    known = {service.name: service for service in found}
    for service in load_settings(state.root).services:
        known.setdefault(service.name, _absent(service.name, service.port, service.replicas, agent is None))
    return ProjectStatus(agent, tuple(_named(known, name) for name in names) if names else tuple(known.values()))


def agent_status(link: AgentLink) -> AgentStatus:
    """Return what the agent says about itself and its services."""
    try:
        return record_from(AgentStatus, link.ask("status"))
    except UnreadableValues as error:
        raise UnavailableError(
            "agent-of-other-version",
            f"the agent answers in another form than this Sophia reads: {error}",
            hint="`sophia agent stop`, then `sophia agent start`; the services go on meanwhile",
        ) from error


def _unwatched(state: StateFolder) -> tuple[ServiceStatus, ...]:
    """Return the services whose processes run although no agent does, as these processes tell it themselves."""
    if not state.exists():
        return ()
    from sophia_cli.project.host.processes import processes_of_project, running_for_s

    first: dict[str, ServiceStatus] = {}
    for process in processes_of_project(str(state.root)):
        # The first process of an instance leads its session; the others are what it started.
        if process.identity.pid != process.session or process.service in first:
            continue
        first[process.service] = ServiceStatus(
            name=process.service,
            state=ServiceState.UNWATCHED,
            health=Health.UNKNOWN,
            release=int(process.release) if process.release.isdigit() else None,
            previous=None,
            port=None,
            pid=process.identity.pid,
            uptime_s=running_for_s(process.identity),
            restarts=0,
            incidents=0,
            wanted=1,
            ready=0,
            reason="it runs, but no agent looks after it; `sophia agent start` takes it over",
        )
    return tuple(first.values())


def _absent(name: str, port: int | None, replicas: int, is_unknown: bool) -> ServiceStatus:
    reason = "no agent runs" if is_unknown else None
    return ServiceStatus(
        name=name,
        state=ServiceState.ABSENT,
        health=Health.UNKNOWN,
        release=None,
        previous=None,
        port=port,
        pid=None,
        uptime_s=None,
        restarts=0,
        incidents=0,
        wanted=replicas,
        ready=0,
        reason=reason,
    )


def _named(known: dict[str, ServiceStatus], name: str) -> ServiceStatus:
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"services: {', '.join(known) or 'none'}"
    raise UsageError("service-unknown", f"no service is called `{name}`", hint=hint)
