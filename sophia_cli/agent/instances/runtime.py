"""One service as the agent runs it: which release, which instances, and what all of it comes to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from sophia_cli.agent.instances.instance import Instance, InstanceName, Surroundings, is_over, is_ready, once_only
from sophia_cli.core.service_status import Health, InstanceStatus, Role, ServiceState, ServiceStatus
from sophia_cli.core.values import replace
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.supervisor_events import CloseIncident, DependencyDown, StartRequested
from sophia_cli.deploy.supervisor_model import Outcome, Phase, Policy, Threshold, policy_of
from sophia_cli.project.host.processes import resident_bytes
from sophia_cli.project.settings.service_model import Service

# A service without a startup probe is asked whether it serves at all; its start timeout decides when that is too late.
_BOOT = Threshold(failures=1_000_000)


class ServiceRuntime:
    """A service and its instances. `release` is the one that serves, None before the first deployment came through.

    `failure` is why the first one did not. `moved_port` is where it listens in place of `moved_from`, which its
    settings name and somebody else held.
    """

    def __init__(self, name: str, around: Surroundings) -> None:
        self.name = name
        self.release: Release | None = None
        self.failure: str | None = None
        self.previous: int | None = None
        self.good: tuple[int, ...] = ()
        self.is_stopped = False
        self.moved_port: int | None = None
        self.moved_from: int | None = None
        self.restarts_before = 0
        self.open_incidents = 0
        self.is_rolling = False
        self._around = around
        self._instances: dict[str, Instance] = {}

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All instances, whatever their role."""
        return tuple(self._instances.values())

    @property
    def restarts(self) -> int:
        """How often instances were started again without anybody asking for it."""
        return self.restarts_before + sum(one.state.restart_count for one in self._instances.values())

    def active(self) -> tuple[Instance, ...]:
        """The instances that serve, or are to."""
        return tuple(one for one in self._instances.values() if one.role is Role.ACTIVE)

    def of(self, batch: str, number: int, *roles: Role) -> Instance | None:
        """Return the latest instance of a batch and number in one of the roles, None when there is none."""
        found = (
            one
            for one in reversed(self._instances.values())
            if one.batch == batch and one.id.number == number and one.role in roles
        )
        return next(found, None)

    def create(self, release: Release, number: int, role: Role, batch: str, *, is_public: bool) -> Instance:
        """Return a new instance, not started yet; until its release came through nothing restarts it.

        A batch is what one rollout brings in.
        """
        nonce = secrets.token_hex(3)
        name = InstanceName(f"{self.name}-{release.number}-{number}-{nonce}", self.name, release.number, number)
        instance = Instance(
            name, once_only(policy_for(release.service)), role, batch, self._around, is_public=is_public
        )
        return self._introduced(instance, release)

    def keep(self, name: InstanceName, release: Release, role: Role, batch: str) -> Instance:
        """Return an instance for a process that an earlier agent started."""
        policy = policy_for(release.service)
        instance = Instance(name, policy, role, batch, self._around, is_public=role is not Role.CANDIDATE)
        return self._introduced(instance, release)

    def _introduced(self, instance: Instance, release: Release) -> Instance:
        self._instances[instance.id.name] = instance
        for name in self._around.down_of(release.service):
            instance.send(DependencyDown(name))
        return instance

    def remove(self, instance: Instance) -> None:
        """Forget an instance that is over."""
        instance.forget()
        incident = instance.state.incident
        if incident is not None:
            # Another instance stands in its place now.
            seconds = self._around.loop.time() - incident.detected_at
            self._around.record.incident(instance, CloseIncident(incident.number, Outcome.RECOVERED, seconds))
        self.restarts_before += instance.state.restart_count
        self._instances.pop(instance.id.name, None)

    def listens_on(self, port: int | None, wanted: int | None) -> None:
        """Know where callers are let in, and where its settings want it to be."""
        is_moved = port != wanted
        self.moved_port, self.moved_from = (port, wanted) if is_moved else (None, None)

    def settle(self, release: Release) -> None:
        """Take a release that came through as the one that serves; its instances are restarted from now on."""
        if self.release is not None and self.release.number != release.number:
            self.previous = self.release.number
        self.release = release
        self.failure = None
        self.is_stopped = False
        self.good = tuple(sorted({*self.good, release.number}))
        for instance in self.instances:
            if is_over(instance.state):
                self.remove(instance)
        self.supervise()

    def supervise(self) -> None:
        """Have the instances that serve restarted as the settings say."""
        if self.release is not None:
            for instance in self.active():
                instance.supervise(policy_for(self.release.service))

    def start_missing(self, batch: str) -> None:
        """Start the instances that should serve and are not there."""
        if self.release is None or self.is_stopped:
            return
        here = {one.id.number: one for one in self.active()}
        for number in range(self.release.service.replicas):
            instance = here.get(number)
            if instance is None:
                instance = self.create(self.release, number, Role.ACTIVE, batch, is_public=True)
                instance.supervise(policy_for(self.release.service))
            instance.send(StartRequested())

    def is_up(self) -> bool:
        """Whether at least one instance is ready."""
        return any(is_ready(one.state) for one in self.active())

    def status(self, port: int | None, now: float) -> ServiceStatus:
        """Return what people are told of the service at that time of the agent's clock."""
        active = self.active()
        ready = [one for one in active if is_ready(one.state)]
        oldest = min(ready or active, key=lambda one: one.started_at or now, default=None)
        wanted = 0 if self.release is None or self.is_stopped else self.release.service.replicas
        settled = None if self.release is None else self.release.number
        serving = _serving(ready, settled)
        return ServiceStatus(
            name=self.name,
            state=self._state(len(ready), wanted),
            health=_health(active),
            release=serving,
            previous=self.previous if serving == settled else settled,
            port=port,
            pid=None if oldest is None or oldest.identity is None else oldest.identity.pid,
            uptime_s=None if oldest is None or oldest.identity is None else _uptime(oldest, now),
            restarts=self.restarts,
            incidents=self.open_incidents,
            wanted=wanted,
            ready=len(ready),
            instances=tuple(self._instance_statuses(now)),
            reason=next((one.state.reason for one in active if one.state.reason and one not in ready), self._why_not()),
            notes=tuple(dict.fromkeys((*self._moves(), *(note for one in active for note in one.notes)))),
        )

    def _state(self, ready: int, wanted: int) -> ServiceState:
        if self.release is None:
            if self._instances or self.is_rolling:
                return ServiceState.STARTING
            return ServiceState.ABSENT if self.failure is None else ServiceState.FAILED
        if self.is_stopped:
            return ServiceState.STOPPED
        if ready >= wanted:
            return ServiceState.RUNNING
        phases = [one.state.phase for one in self.active()]
        if ready:
            return ServiceState.DEGRADED
        if Phase.FAILED in phases:
            return ServiceState.FAILED
        if Phase.WAITING in phases:
            return ServiceState.WAITING
        if Phase.BACKOFF in phases or any(one.state.restart_count for one in self.active()):
            return ServiceState.RESTARTING
        return ServiceState.DEGRADED if Phase.UNREADY in phases else ServiceState.STARTING

    def _why_not(self) -> str | None:
        if self.failure is None or self._instances or self.is_rolling:
            return None
        return f"it never came through a deployment: {self.failure}; `sophia logs {self.name}` tells more"

    def _moves(self) -> Iterator[str]:
        if self.moved_port is not None and self.moved_port != self.moved_from and not self.is_stopped:
            yield f"it listens on port {self.moved_port}, since {self.moved_from} was held when it was to be opened"

    def _instance_statuses(self, now: float) -> Iterator[InstanceStatus]:
        for one in self._instances.values():
            yield InstanceStatus(
                name=one.id.name,
                release=one.id.release,
                role=one.role,
                phase=one.state.phase.value,
                pid=None if one.identity is None else one.identity.pid,
                uptime_s=None if one.identity is None else _uptime(one, now),
                restarts=one.state.restart_count,
                memory_bytes=None if one.identity is None else resident_bytes(one.identity.pid),
                log=f"{self.name}.log",
                reason=one.state.reason,
            )


def _serving(ready: Sequence[Instance], settled: int | None) -> int | None:
    """Return the release that callers reach: near the end of a rollout one that is not settled serves alone."""
    releases = [one.id.release for one in ready]
    return settled if settled in releases or not releases else releases[0]


def policy_for(service: Service) -> Policy:
    """Return what the supervisor of a service's instances goes by.

    Whoever serves gets its drain timeout to finish requests before the stop timeout begins to run.
    """
    policy = policy_of(service)
    if service.port is None:
        return policy
    return replace(
        policy,
        startup=policy.startup or _BOOT,
        stop_timeout_s=service.drain_timeout_s + service.stop_timeout_s,
    )


def _health(active: tuple[Instance, ...]) -> Health:
    phases = {one.state.phase for one in active}
    if not phases or phases <= {Phase.STARTING, Phase.WAITING, Phase.STOPPED}:
        return Health.UNKNOWN
    return Health.HEALTHY if phases == {Phase.READY} else Health.UNHEALTHY


def _uptime(instance: Instance, now: float) -> float | None:
    return None if instance.started_at is None else max(0.0, now - instance.started_at)
