"""What is known of the services: from the agent where one runs, else from the settings."""

from __future__ import annotations

import contextlib

from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.core.nearest import did_you_mean
from sophia_cli.core.service_status import AgentStatus, Health, ServiceState, ServiceStatus
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.link.client import AgentLink, AgentLost, connect_agent
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import AgentSettings
from sophia_cli.project.settings.service_codec import UnreadableValues, record_from
from sophia_cli.project.state_folder import StateFolder

# An agent may end in the moment in which it is asked.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The agent (None when it does not run) and the services that were asked for.

    `unreadable` is why the settings could not be asked for services that were never deployed.
    """

    agent: AgentStatus | None
    services: tuple[ServiceStatus, ...]
    unreadable: str | None = None


def project_status(state: StateFolder, names: tuple[str, ...]) -> ProjectStatus:
    """Return the status of the named services, of all when none is named.

    A declared service that was never deployed is `not-deployed`. UsageError (`service-unknown`) for any other name, and
    whatever is wrong with the settings where nothing was ever deployed.
    """
    agent = running_agent_status(state)
    found = agent.services if agent else unwatched(state)
    known = {service.name: service for service in found}
    unreadable: str | None = None
    try:
        for service in load_settings(state.root).services:
            known.setdefault(service.name, _absent(service.name, service.port, service.replicas, agent is None))
    except UsageError as error:
        # What runs is looked at most while somebody edits the settings.
        if not known:
            raise
        unreadable = f"{error.location}: {error.message}" if error.location else error.message
    chosen = tuple(_named(known, name) for name in names) if names else tuple(known.values())
    return ProjectStatus(agent, chosen, unreadable)


def running_agent_status(state: StateFolder) -> AgentStatus | None:
    """Return what the agent of a project says about itself and its services, None when none runs."""
    for _ in range(_TRIES):
        link = connect_agent(state.path) if state.exists() else None
        if link is None:
            return None
        with link, contextlib.suppress(AgentLost):
            return agent_status(link)
    return None


def runs_unwatched(state: StateFolder) -> bool:
    """Tell whether services of a project run while no agent does."""
    link = connect_agent(state.path) if state.exists() else None
    if link is not None:
        link.close()
        return False
    return any(service.state is ServiceState.UNWATCHED for service in unwatched(state))


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


def agent_settled(link: AgentLink, settings: AgentSettings) -> list[str]:
    """Have the agent go by its settings as they are now; returns what that changes, for people."""
    port = settings.web_port if settings.web else None
    if link.ask("web-settings", {"port": port}).get("changed") is not True:
        return []
    return ["the web API is turned off" if port is None else f"the web API is served at port {port} from now on"]


def unwatched(state: StateFolder) -> tuple[ServiceStatus, ...]:
    """Return the deployed services while no agent runs: what was written down, and which processes go on."""
    if not state.exists():
        return ()
    from sophia_cli.deploy.known_releases import known_releases
    from sophia_cli.project.host.processes import processes_of_project, running_for_s

    found: dict[str, ServiceStatus] = {}
    for known in known_releases(state.path):
        down = _without_agent(known.service, ServiceState.STOPPED, known.release, "no agent runs")
        found[known.service] = replace(down, previous=known.previous)
    running: set[str] = set()
    for process in processes_of_project(str(state.root)):
        # The first process of an instance leads its session; the others are what it started.
        if process.identity.pid != process.session or process.service in running:
            continue
        running.add(process.service)
        release = int(process.release) if process.release.isdigit() else None
        reason = "it runs, but no agent looks after it; `sophia agent start` takes it over"
        up = _without_agent(process.service, ServiceState.UNWATCHED, release, reason)
        uptime_s = running_for_s(process.identity)
        found[process.service] = replace(up, pid=process.identity.pid, uptime_s=uptime_s)
    return tuple(found.values())


def _without_agent(name: str, state: ServiceState, release: int | None, reason: str) -> ServiceStatus:
    return ServiceStatus(
        name=name,
        state=state,
        health=Health.UNKNOWN,
        release=release,
        previous=None,
        port=None,
        pid=None,
        uptime_s=None,
        restarts=0,
        incidents=0,
        wanted=1,
        ready=0,
        reason=reason,
    )


def _absent(name: str, port: int | None, replicas: int, is_unknown: bool) -> ServiceStatus:
    reason = "no agent runs" if is_unknown else "never deployed"
    absent = _without_agent(name, ServiceState.ABSENT, None, reason)
    return replace(absent, port=port, wanted=replicas)


def _named(known: dict[str, ServiceStatus], name: str) -> ServiceStatus:
    if name in known:
        return known[name]
    hint = did_you_mean(name, known, f"services: {', '.join(known) or 'none'}")
    raise UsageError("service-unknown", f"no service is called `{name}`", hint=hint)
