"""What a deployment is made of: the project read once, its services compared with what runs, releases written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli.commands.deploying.reading import ReadProject, read_project
from sophia_cli.commands.deploying.startable import check_apps, check_interpreters
from sophia_cli.commands.deploying.strict import StrictWish, as_wished, check_haproxy
from sophia_cli.commands.operating.declared import no_services
from sophia_cli.core.service_status import ServiceState, ServiceStatus
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.candidates import candidate_of, needed_files, search_path_of
from sophia_cli.deploy.fingerprint import Fingerprint
from sophia_cli.deploy.link.messages import Json
from sophia_cli.deploy.plan import Active, Candidate, DeploymentPlan, ServicePlan, Wanted, plan_deployment
from sophia_cli.deploy.releases.model import PackageLock, Release, ReleaseDraft
from sophia_cli.deploy.releases.sources import Left, Sources, read_sources
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.project.clock import Clock
from sophia_cli.project.dependencies.installed import Environment
from sophia_cli.project.history.repository import find_repository, head_commit
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.packages.outline import EnvironmentOutline, outline_environment, without_uvicorn
from sophia_cli.project.root import find_root
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import PackageSet
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

if TYPE_CHECKING:
    from sophia_cli.deploy.releases.environment_spec import EnvironmentSpec
    from sophia_cli.project.secrets.model import Secret


@dataclass(frozen=True, slots=True)
class Workshop:
    """The project as it is now, ready to become releases."""

    project: ReadProject
    state: StateFolder
    environment: str
    services: tuple[Service, ...]
    graph: ImportGraph
    sources: Sources
    outline: EnvironmentOutline
    secrets: Mapping[str, Mapping[str, Secret]]
    candidates: tuple[Candidate, ...]
    spec: EnvironmentSpec | None


def open_workshop(path: Path, environment: str | None, say: Callable[[str], None], wish: StrictWish) -> Workshop:
    """Read everything that decides what is deployed; `wish` goes over the settings.

    UsageError for settings without services (`no-services`); for an app that does not exist (`app-missing`) or a secret
    that no place has, of a service that the wish is about; and whatever reading the project raises.
    """
    root = find_root(path)
    state, settings = StateFolder(root), load_settings(root)
    services = as_wished(settings.for_environment(environment), wish)
    if not services:
        raise no_services(settings.source)
    say("reading the project")
    project = read_project(root, settings)
    graph, installed = project.graph, project.installed
    check_apps(project, environment, wish.names)
    outline = outline_environment(root, settings.project.python, os.environ)
    check_interpreters([one for one in services if not wish.names or one.name in wish.names], outline, settings.source)
    persist = sorted({path for service in services for path in service.persist})
    watched = sorted({pattern for service in services for pattern in service.watch})
    sources = read_sources(root, persist=persist, also=needed_files(services, graph), patterns=watched)
    named = frozenset(wish.names or (service.name for service in services))
    secrets = {
        service.name: _secrets(service, root, environment or "", is_needed=service.name in named)
        for service in services
    }
    spec = _spec(project)
    planned_outline = _planned_outline(spec, outline)
    candidates = _candidates(state, services, graph, sources, planned_outline, installed, secrets, environment or "")
    name = environment or ""
    return Workshop(project, state, name, services, graph, sources, outline, secrets, tuple(candidates), spec)


def conditions(workshop: Workshop) -> list[str]:
    """Return what a person should know about the conditions under which services run."""
    notes: list[str] = []
    if workshop.outline.is_own:
        notes.append(
            "the project has no virtual environment, so its services run in Sophia's own; "
            "`[project] python` names another"
        )
    if workshop.spec is None and (lacking := without_uvicorn(workshop.outline, workshop.services)):
        names = ", ".join(f"`{name}`" for name in lacking[:3]) + (" and others" if len(lacking) > 3 else "")
        notes.append(
            f"uvicorn is not found in the environment of `{workshop.outline.python}`, where {names} would need it for "
            "`app`: install it there, or give a `command`"
        )
    large = [out.path for out in workshop.sources.linked_out if out.why is Left.TOO_LARGE]
    if large:
        shown = ", ".join(f"`{path}`" for path in large[:3]) + (" and others" if len(large) > 3 else "")
        notes.append(f"too large to be copied, so all releases share the file of the project: {shown}")
    return notes


def planned(workshop: Workshop, running: Sequence[ServiceStatus], wanted: Wanted) -> DeploymentPlan:
    """Return what a deployment would do, given the services that run."""
    store = ReleaseStore(workshop.state)
    active: dict[str, Active] = {}
    for service in running:
        if service.release is not None:
            release = store.read(service.name, service.release)
            is_down = service.state in (ServiceState.STOPPED, ServiceState.FAILED)
            active[service.name] = Active(release.service, release.number, store.fingerprint(release), is_down)
    return plan_deployment(workshop.candidates, active, wanted)


def make_releases(workshop: Workshop, plan: DeploymentPlan, clock: Clock, say: Callable[[str], None]) -> list[Release]:
    """Return what the plan brings in, in its order; a release is written for every service that gets another one.

    Raises UnavailableError (`haproxy-missing`) before anything is written.
    """
    check_haproxy(plan)
    store = ReleaseStore(workshop.state)
    made: dict[str, Release] = {}
    if plan.to_deploy:
        lock = _lock(workshop, clock, say)
        say(f"copying releases of {len(plan.to_deploy)} services")
        drafts: list[ReleaseDraft] = []
        for service in plan.to_deploy:
            assert service.candidate is not None, "what is deployed has a candidate"
            drafts.append(_draft(workshop, service, service.candidate.fingerprint, lock, clock))
        made = {release.name: release for release in store.create_all(drafts, workshop.sources, clock)}
    # What is down without a change comes in with the release that it had.
    return [made.get(one.name) or store.read(one.name, one.previous or 0) for one in plan.to_bring_in]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is done of a deployment before the agent answers: the project is read, and where none of its services was
    ever deployed there is a plan whose releases are written already.
    """

    workshop: Workshop
    wanted: Wanted
    first: tuple[DeploymentPlan, list[Release]] | None = None

    def followed(
        self, running: Sequence[ServiceStatus], clock: Clock, say: Callable[[str], None]
    ) -> tuple[DeploymentPlan, list[Release]]:
        """Return the plan to follow, given what runs, and what it brings in; raises what `make_releases` raises."""
        if self.first is not None and not running:
            return self.first
        plan = planned(self.workshop, running, self.wanted)
        return plan, make_releases(self.workshop, plan, clock, say)


def prepared(workshop: Workshop, wanted: Wanted, clock: Clock, say: Callable[[str], None]) -> Prepared:
    """Return what can be done before the agent of a project answers that has just been started.

    Should somebody else deploy first, releases that were written stay unused until they are pruned. Raises what
    `make_releases` raises.
    """
    if ReleaseStore(workshop.state).services():
        return Prepared(workshop, wanted)
    plan = planned(workshop, (), wanted)
    return Prepared(workshop, wanted, (plan, make_releases(workshop, plan, clock, say)))


def secrets_for(workshop: Workshop, made: Sequence[Release]) -> dict[str, Json]:
    """Return the values of the secrets of some releases, by service and name, for the agent's memory."""
    return {
        release.name: {name: value.reveal() for name, value in workshop.secrets[release.name].items()}
        for release in made
        if workshop.secrets[release.name]
    }


def prune_releases(workshop: Workshop, running: Sequence[ServiceStatus], clock: Clock) -> list[str]:
    """Remove old releases; returns notes about those that were kept because somebody put files there."""
    store = ReleaseStore(workshop.state)
    notes: list[str] = []
    for service in running:
        protected = {number for number in (service.release, service.previous) if number is not None}
        pruned = store.prune(service.name, protected, clock)
        notes += [
            f"release {kept.number} of {service.name} was kept: it holds {', '.join(kept.files[:3])}"
            for kept in pruned.kept
        ]
    if workshop.spec is not None:
        from sophia_cli.deploy.releases.environments import EnvironmentStore

        EnvironmentStore(workshop.state).prune(store.environments(), clock)
    return notes


def _draft(
    workshop: Workshop, service: ServicePlan, fingerprint: Fingerprint, lock: PackageLock, clock: Clock
) -> ReleaseDraft:
    assert service.candidate is not None, "what is deployed has a candidate"
    settings = service.candidate.service
    return ReleaseDraft(
        service=settings,
        created=clock.now().isoformat(timespec="seconds"),
        environment=workshop.environment,
        commit=_commit(workshop.project.root),
        fingerprint=fingerprint,
        lock=lock,
        search_path=search_path_of(settings, workshop.graph, workshop.outline),
    )


def _lock(workshop: Workshop, clock: Clock, say: Callable[[str], None]) -> PackageLock:
    outline = workshop.outline
    if workshop.spec is None:
        return PackageLock(outline.python, outline.version, outline.distributions)
    from sophia_cli.deploy.releases.environments import EnvironmentStore

    return EnvironmentStore(workshop.state).ensure(workshop.spec, os.environ, clock, say)


def _spec(project: ReadProject) -> EnvironmentSpec | None:
    """Return what the environment of a release holds, None where services run in the project's own."""
    if project.settings.project.environment is PackageSet.SHARED:
        return None
    from sophia_cli.deploy.releases.environments import project_spec

    return project_spec(project.root, project.settings.project.python, os.environ)


def _planned_outline(spec: EnvironmentSpec | None, outline: EnvironmentOutline) -> EnvironmentOutline:
    if spec is None:
        return outline
    from sophia_cli.deploy.releases.environments import outline_of

    return outline_of(spec, outline)


def _candidates(
    state: StateFolder,
    services: Sequence[Service],
    graph: ImportGraph,
    sources: Sources,
    outline: EnvironmentOutline,
    installed: Environment,
    secrets: Mapping[str, Mapping[str, Secret]],
    environment: str,
) -> list[Candidate]:
    addresses = {service.name: f"{service.host}:{service.port}" for service in services if service.port is not None}
    hashes = sources.hashes
    found: list[Candidate] = []
    for service in services:
        own = secrets[service.name]
        keyed = _keyed(state, own) if own else {}
        found.append(
            candidate_of(
                service,
                graph,
                hashes,
                outline,
                installed,
                keyed,
                environment=environment,
                addresses={name: addresses[name] for name in service.depends_on if name in addresses},
            )
        )
    return found


def _keyed(state: StateFolder, secrets: Mapping[str, Secret]) -> Mapping[str, str]:
    from sophia_cli.project.secrets.keyed_hash import keyed_hash, project_key

    return {name: keyed_hash(project_key(state), name, value) for name, value in secrets.items()}


def _secrets(service: Service, root: Path, environment: str, *, is_needed: bool) -> Mapping[str, Secret]:
    if not service.secrets:
        return {}
    from sophia_cli.project.secrets.chain import find_secrets, resolve_secrets
    from sophia_cli.project.secrets.providers import usual_providers

    providers = usual_providers(root, environment or None, os.environ)
    # Whoever deploys one service need not know the secrets of all.
    resolved = (
        resolve_secrets(service.name, service.secrets, providers)
        if is_needed
        else find_secrets(service.secrets, providers)
    )
    return {found.name: found.value for found in resolved}


def _commit(root: Path) -> str | None:
    repository = find_repository(root)
    return None if repository is None else head_commit(repository)
