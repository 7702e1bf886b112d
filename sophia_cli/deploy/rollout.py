"""One service from one release to another, as a pure state machine over steps that are data.

The steps are known before the first one is done, so `--plan` prints what is executed. Every step that leaves something
behind has an undo step; a failure undoes what was done, last thing first. The state is a value that is written down
before each action, so whoever takes over from a killed agent goes on from it (`resumed`).
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, assert_never

from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.settings.service_model import Canary


class Step(Enum):
    """What is done to bring one instance of the new release in."""

    START_CANDIDATE = "start-candidate"  # on a private address
    PROVE = "prove"  # startup and readiness probes
    GATE = "gate"  # the checks that guard a rollout
    STOP_CANDIDATE = "stop-candidate"  # where the serving process is another one than the candidate
    STOP_OLD = "stop-old"  # strategy "replace": never two at once
    START_SERVING = "start-serving"  # on the public address from the start
    ATTACH = "attach"  # the candidate takes the public address too
    VERIFY = "verify"  # it is the new instance itself that answers there
    CANARY = "canary"  # it has a share of the requests, and must not fail more often than the old ones
    DRAIN_OLD = "drain-old"  # the old one finishes what it has and ends
    SOAK = "soak"  # nothing may die for a while


class UndoStep(Enum):
    """What takes a step back."""

    STOP_NEW = "stop-new"  # it has no traffic
    DRAIN_NEW = "drain-new"  # it may have traffic
    RESTORE_OLD = "restore-old"  # an instance of the old release serves again


class Handover(Enum):
    """How an instance comes to the public address."""

    ATTACH = "attach"  # one process: candidate first, public afterwards
    RESTART = "restart"  # a candidate proves the release, another process of it serves
    DIRECT = "direct"  # no candidate: workers, and what cannot share an address
    PROXY = "proxy"  # one process, always private: HAProxy serves the public address


@dataclass(frozen=True, slots=True)
class Work:
    """One service to bring from `previous` (None: nothing runs) to `release`; counts are instances.

    `canary` is what the first instance goes through before an old one leaves.
    """

    service: str
    release: int
    previous: int | None
    handover: Handover
    instances: int
    old_instances: int
    replaces: bool
    gates: bool
    soak_s: float
    canary: Canary | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A step, and the instance of the service (from 0) that it is about."""

    step: Step
    instance: int


@dataclass(frozen=True, slots=True)
class PlannedUndo:
    """An undo step, and the instance that it is about."""

    step: UndoStep
    instance: int


class Phase(Enum):
    """Where a rollout is."""

    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    ROLLED_BACK = "rolled-back"
    STUCK = "stuck"  # an undo step failed as well: a person must look


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a rollout is: `done` steps of `steps_of(work)` are finished; `undo` is what is left to take back."""

    work: Work
    phase: Phase = Phase.RUNNING
    done: int = 0
    cause: str | None = None
    undo: tuple[PlannedUndo, ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase in (Phase.DONE, Phase.ROLLED_BACK, Phase.STUCK)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The action that was asked for was done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The action that was asked for failed; `cause` is told to people."""

    cause: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The new release broke by itself while another step was under way (it died, for instance)."""

    cause: str


Outcome: TypeAlias = Succeeded | Failed | Broken
Action: TypeAlias = Planned | PlannedUndo


def steps_of(work: Work) -> tuple[Planned, ...]:
    """Return the steps of a rollout, in order."""
    steps: list[Planned] = []
    for instance in range(max(work.instances, work.old_instances)):
        steps += [Planned(step, instance) for step in _instance_steps(work, instance)]
    if work.instances:
        steps.append(Planned(Step.SOAK, 0))
    return tuple(steps)


def _instance_steps(work: Work, instance: int) -> list[Step]:
    is_wanted, has_old = instance < work.instances, instance < work.old_instances
    if not is_wanted:
        return [Step.DRAIN_OLD]
    if work.replaces:
        return [*([Step.STOP_OLD] if has_old else []), Step.START_SERVING, Step.PROVE]
    gate = [Step.GATE] if work.gates else []
    if work.handover is Handover.PROXY:
        begun = Step.START_CANDIDATE if work.old_instances else Step.START_SERVING
        is_canary = work.canary is not None and instance == 0 and has_old
        watch = [Step.CANARY] if is_canary else []
        started = [begun, Step.PROVE, *gate, Step.ATTACH, Step.VERIFY, *watch]
    elif work.old_instances == 0 or work.handover is Handover.DIRECT:
        # Where nothing serves yet there is nothing to protect: the first instances start where they will stay.
        started = [Step.START_SERVING, Step.PROVE, *gate]
    elif work.handover is Handover.ATTACH:
        started = [Step.START_CANDIDATE, Step.PROVE, *gate, Step.ATTACH, Step.VERIFY]
    else:
        proof = [Step.START_CANDIDATE, Step.PROVE, *gate, Step.STOP_CANDIDATE] if instance == 0 else []
        started = [*proof, Step.START_SERVING, Step.PROVE, Step.VERIFY]
    return [*started, *([Step.DRAIN_OLD] if has_old else [])]


def first_action(rollout: Rollout) -> Action | None:
    """Return what is to be done, None when the rollout is over."""
    match rollout.phase:
        case Phase.RUNNING:
            return steps_of(rollout.work)[rollout.done]
        case Phase.UNDOING:
            return rollout.undo[0]
        case Phase.DONE | Phase.ROLLED_BACK | Phase.STUCK:
            return None
        case _:
            assert_never(rollout.phase)


def begun(work: Work) -> Rollout:
    """Return the rollout of some work before its first step; one without steps is done."""
    return Rollout(work) if steps_of(work) else Rollout(work, Phase.DONE)


def next_state(rollout: Rollout, outcome: Outcome) -> Rollout:
    """Return where a rollout is after its action had an outcome; ValueError when it was over."""
    match rollout.phase:
        case Phase.RUNNING:
            return _advanced(rollout, outcome)
        case Phase.UNDOING:
            return _undone(rollout, outcome)
        case Phase.DONE | Phase.ROLLED_BACK | Phase.STUCK:
            raise ValueError("the rollout is over")
        case _:
            assert_never(rollout.phase)


def _advanced(rollout: Rollout, outcome: Outcome) -> Rollout:
    match outcome:
        case Succeeded():
            done = rollout.done + 1
            is_last = done == len(steps_of(rollout.work))
            return replace(rollout, done=done, phase=Phase.DONE if is_last else Phase.RUNNING)
        case Failed() | Broken():
            return _taken_back(rollout, outcome.cause)
        case _:
            assert_never(outcome)


def _undone(rollout: Rollout, outcome: Outcome) -> Rollout:
    match outcome:
        case Succeeded():
            trouble = rollout.trouble
        case Failed() | Broken():
            # One thing that cannot be taken back is no reason to leave the rest.
            trouble = (*rollout.trouble, outcome.cause)
        case _:
            assert_never(outcome)
    left = rollout.undo[1:]
    if left:
        return replace(rollout, undo=left, trouble=trouble)
    return replace(rollout, undo=(), trouble=trouble, phase=Phase.STUCK if trouble else Phase.ROLLED_BACK)


def _taken_back(rollout: Rollout, cause: str) -> Rollout:
    undo = undo_of(rollout)
    phase = Phase.UNDOING if undo else Phase.ROLLED_BACK
    return replace(rollout, phase=phase, cause=cause, undo=undo)


def undo_of(rollout: Rollout) -> tuple[PlannedUndo, ...]:
    """Return what takes a rollout back: its finished steps and the one under way, last thing first."""
    steps = steps_of(rollout.work)[: rollout.done + 1]
    undo: list[PlannedUndo] = []
    for planned in reversed(steps):
        step = _undo_step(planned.step)
        if step is None:
            continue
        undone = PlannedUndo(step, planned.instance)
        # An attached candidate is drained; that it was once started on a private address needs no step of its own.
        if step is UndoStep.STOP_NEW and PlannedUndo(UndoStep.DRAIN_NEW, planned.instance) in undo:
            continue
        if undone in undo:
            continue
        undo.append(undone)
    if rollout.work.replaces:
        # Never two at once: the new one ends before the old one starts again.
        undo.sort(key=lambda item: item.step is UndoStep.RESTORE_OLD)
    return tuple(undo)


def _undo_step(step: Step) -> UndoStep | None:
    match step:
        case Step.START_CANDIDATE:
            return UndoStep.STOP_NEW
        case Step.START_SERVING | Step.ATTACH:
            return UndoStep.DRAIN_NEW
        case Step.STOP_OLD | Step.DRAIN_OLD:
            return UndoStep.RESTORE_OLD
        case Step.PROVE | Step.GATE | Step.STOP_CANDIDATE | Step.VERIFY | Step.CANARY | Step.SOAK:
            return None
        case _:
            assert_never(step)


def resumed(rollout: Rollout) -> Rollout:
    """Return how a rollout goes on after the agent that ran it was killed.

    Forward from where the new release had proved itself on the public address (the step under way is done again; every
    step can be), else back: an unproved candidate is not worth the uncertainty.
    """
    if rollout.phase is not Phase.RUNNING:
        return rollout
    steps = steps_of(rollout.work)
    proved = {Step.DRAIN_OLD, Step.SOAK}
    if steps[rollout.done].step in proved or any(planned.step in proved for planned in steps[: rollout.done]):
        return rollout
    return _taken_back(rollout, "the agent was ended in the middle of the rollout")
