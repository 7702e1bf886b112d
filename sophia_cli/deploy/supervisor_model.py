"""The state of a supervised instance: its phases, the policy it goes by, and all that is known of it.

Times are seconds of a monotonic clock that the caller passes in. A generation is the number of one spawn: what is said
of an earlier one (a late exit, a probe that was under way) does not count.
"""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import Probe
from sophia_cli.project.settings.service_model import RestartWhen, Service


class Phase(Enum):
    """Where an instance is."""

    STOPPED = "stopped"
    WAITING = "waiting"  # for something that it depends on
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"  # it runs, but may not get traffic
    STOPPING = "stopping"
    BACKOFF = "backoff"  # until it is started again
    FAILED = "failed"  # given up; only an event from outside leads on


_UP = frozenset({Phase.READY, Phase.UNREADY, Phase.STOPPING})
_AGAIN = frozenset({Phase.STARTING, Phase.BACKOFF, Phase.WAITING, Phase.FAILED})
_BEGUN = frozenset({Phase.STARTING, Phase.WAITING, Phase.READY})

# From a phase, those that one event may lead to; an instance that runs without probes is ready once it is spawned.
TRANSITIONS: tuple[tuple[Phase, frozenset[Phase]], ...] = (
    (Phase.STOPPED, _BEGUN),
    (Phase.WAITING, frozenset({Phase.STARTING, Phase.BACKOFF, Phase.STOPPED, Phase.READY})),
    (Phase.STARTING, _UP | _AGAIN | {Phase.STOPPED}),
    (Phase.READY, _UP | _AGAIN | {Phase.STOPPED}),
    (Phase.UNREADY, _UP | _AGAIN | {Phase.STOPPED}),
    (Phase.STOPPING, _AGAIN | {Phase.STOPPED}),
    (Phase.BACKOFF, _BEGUN | {Phase.STOPPED}),
    (Phase.FAILED, _BEGUN | {Phase.STOPPED}),
)
RUNNING_PHASES = frozenset({Phase.STARTING, Phase.READY, Phase.UNREADY})


class Probing(Enum):
    """Which question a probe answers."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


class Cause(Enum):
    """Why an incident was opened."""

    SPAWN_FAILED = "spawn-failed"
    EXITED = "exited"
    OUT_OF_MEMORY = "out-of-memory"
    MEMORY_LIMIT = "memory-limit"
    START_TIMEOUT = "start-timeout"
    HUNG = "hung"
    NOT_READY = "not-ready"


class Recovery(Enum):
    """What is done about an incident."""

    RESTART = "restart"
    STOP_AND_RESTART = "stop-and-restart"
    WAIT_FOR_DEPENDENCY = "wait-for-dependency"
    WAIT_FOR_READINESS = "wait-for-readiness"
    GIVE_UP = "give-up"
    ROLL_BACK = "roll-back"  # the agent's own decision, once an instance has been given up


class Outcome(Enum):
    """How an incident ended."""

    RECOVERED = "recovered"  # a probe has said so (or, without one, the process runs)
    STOPPED = "stopped"  # somebody stopped the instance meanwhile, or it ended by itself as it may


class AfterStop(Enum):
    """What follows when the process that is being stopped has ended."""

    STAY = "stay"
    START = "start"
    HEAL = "heal"


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many answers in a row decide; failures in the first `start_period_s` seconds of a process do not count."""

    failures: int = 3
    successes: int = 1
    start_period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a service that its supervisor goes by.

    After `stable_s` seconds of being ready an instance counts as settled: its next restart is immediate again. What
    hangs gets `unhealthy_grace_s` seconds to end by itself.
    """

    when: RestartWhen = RestartWhen.ALWAYS
    backoff_s: float = 0.1
    max_backoff_s: float = 30.0
    max_restarts: int = 5
    within_s: float = 60.0
    stable_s: float = 10.0
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0
    unhealthy_grace_s: float = 1.0
    startup: Threshold | None = None
    readiness: Threshold | None = None
    liveness: Threshold | None = None


def policy_of(service: Service) -> Policy:
    """Return what a service's settings mean to the supervisor of its instances."""
    return Policy(
        when=service.restart.when,
        backoff_s=service.restart.backoff_s,
        max_backoff_s=service.restart.max_backoff_s,
        max_restarts=service.restart.max_restarts,
        within_s=service.restart.within_s,
        start_timeout_s=service.start_timeout_s,
        stop_timeout_s=service.stop_timeout_s,
        startup=_threshold(service.startup),
        readiness=_threshold(service.readiness),
        liveness=_threshold(service.liveness),
    )


def _threshold(probe: Probe | None) -> Threshold | None:
    return None if probe is None else Threshold(probe.failures, probe.successes, probe.start_period_s)


@dataclass(frozen=True, slots=True)
class Incident:
    """The open incident of an instance; whatever else fails before it is over belongs to it."""

    number: int
    cause: Cause
    detail: str
    detected_at: float


@dataclass(frozen=True, slots=True)
class Streak:
    """How often in a row a probe failed or passed last."""

    failures: int = 0
    successes: int = 0

    def counted(self, passed: bool) -> Streak:
        """Return the streak after one more answer."""
        return Streak(0, self.successes + 1) if passed else Streak(self.failures + 1, 0)


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of an instance between two events.

    `is_live`: a process of `generation` runs or is being started. `restarts` are the times of the automatic restarts in
    the window of the policy, `attempt` is how many there were since it last settled, `unready_starts` how many in a row
    never got ready. `resume_at` is when a restart that waits for a dependency would be due; None for a first start.
    `is_owed`: the next start makes up for one that the machine refused, so it counts as no restart.
    """

    phase: Phase = Phase.STOPPED
    generation: int = 0
    is_live: bool = False
    deadline: float | None = None
    after_stop: AfterStop = AfterStop.STAY
    spawned_at: float = 0.0
    has_booted: bool = False
    was_ready: bool = False
    ready_since: float | None = None
    readiness: Streak = Streak()
    liveness: Streak = Streak()
    startup: Streak = Streak()
    restarts: tuple[float, ...] = ()
    restart_count: int = 0
    attempt: int = 0
    unready_starts: int = 0
    resume_at: float | None = None
    is_owed: bool = False
    dependencies_down: frozenset[str] = frozenset()
    incident: Incident | None = None
    incident_count: int = 0
    reason: str | None = None


def due_probes(policy: Policy, state: State) -> frozenset[Probing]:
    """Return which probes are to be run on the instance in this state."""
    if not state.is_live or state.phase not in RUNNING_PHASES:
        return frozenset()
    due: set[Probing] = set()
    if policy.startup is not None and not state.has_booted:
        return frozenset({Probing.STARTUP})
    if policy.readiness is not None:
        due.add(Probing.READINESS)
    if policy.liveness is not None and state.has_booted:
        due.add(Probing.LIVENESS)
    return frozenset(due)
