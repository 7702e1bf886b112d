"""Laws of the supervisor that hold for every sequence of events."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.deploy.supervisor import next_state
from sophia_cli.deploy.supervisor_events import (
    Action,
    Adopted,
    CloseIncident,
    DependencyDown,
    DependencyUp,
    Event,
    Exited,
    Kill,
    MemoryExceeded,
    OpenIncident,
    Probed,
    Spawn,
    Spawned,
    SpawnFailed,
    StartRequested,
    StopRequested,
    Terminate,
    TimerFired,
)
from sophia_cli.deploy.supervisor_model import (
    RUNNING_PHASES,
    TRANSITIONS,
    Cause,
    Phase,
    Policy,
    Probing,
    State,
    Threshold,
)
from sophia_cli.project.settings.service_model import RestartWhen

ALLOWED = dict(TRANSITIONS)
NAMES = st.sampled_from(("db", "cache"))
THRESHOLDS = st.none() | st.builds(Threshold, st.integers(1, 3), st.integers(1, 2), st.sampled_from((0.0, 5.0)))
POLICIES = st.builds(
    Policy,
    when=st.sampled_from(RestartWhen),
    backoff_s=st.sampled_from((0.0, 0.1, 1.0)),
    max_backoff_s=st.sampled_from((1.0, 30.0)),
    max_restarts=st.integers(0, 4),
    within_s=st.sampled_from((5.0, 60.0)),
    startup=THRESHOLDS,
    readiness=THRESHOLDS,
    liveness=THRESHOLDS,
)
# Mostly of the generation that runs (0 here, filled in below), sometimes of another one.
AGES = st.sampled_from((0, 0, 0, 0, -1, 1))
EVENTS = st.one_of(
    st.just(StartRequested()),
    st.just(StopRequested()),
    st.builds(Spawned, AGES),
    st.builds(SpawnFailed, AGES, st.just("no program"), st.floats(0, 1)),
    st.builds(Exited, AGES, st.sampled_from((None, 0, 1)), st.sampled_from((None, 9)), st.floats(0, 1), st.booleans()),
    st.builds(Probed, AGES, st.sampled_from(Probing), st.booleans(), st.just("timeout")),
    st.builds(MemoryExceeded, AGES, st.just(2), st.just(1)),
    st.just(TimerFired()),
    st.just(TimerFired()),
    st.builds(Adopted, st.booleans()),
    st.builds(DependencyDown, NAMES),
    st.builds(DependencyUp, NAMES),
)
MOMENTS = st.lists(st.tuples(EVENTS, st.sampled_from((0.0, 0.1, 1.0, 12.0, 70.0))), max_size=60)


@dataclass(frozen=True, slots=True)
class Moment:
    """One event: when, the state before and after, and what was asked for."""

    now: float
    event: Event
    before: State
    after: State
    actions: tuple[Action, ...]


def dated(event: Event, generation: int) -> Event:
    match event:
        case Spawned(age):
            return Spawned(generation + age)
        case SpawnFailed(age, reason, jitter):
            return SpawnFailed(generation + age, reason, jitter)
        case Exited(age, code, signal, jitter, memory):
            return Exited(generation + age, code, signal, jitter, memory)
        case Probed(age, probing, passed, detail):
            return Probed(generation + age, probing, passed, detail)
        case MemoryExceeded(age, used, limit):
            return MemoryExceeded(generation + age, used, limit)
        case _:
            return event


def lived(policy: Policy, moments: list[tuple[Event, float]]) -> list[Moment]:
    """Return what happened; half of the time passes until the timer is due, as in a real loop."""
    state, now = State(), 0.0
    told: list[Moment] = []
    for event, pause in moments:
        now += pause
        if isinstance(event, TimerFired) and state.deadline is not None:
            now = max(now, state.deadline)
        event = dated(event, state.generation)
        after, actions = next_state(policy, state, event, now)
        told.append(Moment(now, event, state, after, actions))
        state = after
    return told


@given(POLICIES, MOMENTS)
def test_phases_change_only_as_the_table_says(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    for moment in lived(policy, moments):
        if moment.before.phase is not moment.after.phase:
            assert moment.after.phase in ALLOWED[moment.before.phase]


@given(POLICIES, MOMENTS)
def test_there_are_never_two_live_processes(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    live: set[int] = set()
    for moment in lived(policy, moments):
        if isinstance(moment.event, (Exited, SpawnFailed)):
            live.discard(moment.event.generation)
        if isinstance(moment.event, Adopted) and not moment.before.is_live:
            live.add(moment.after.generation)
        live.update(action.generation for action in moment.actions if isinstance(action, Spawn))
        assert live == ({moment.after.generation} if moment.after.is_live else set())
        assert moment.after.is_live == (moment.after.phase in RUNNING_PHASES | {Phase.STOPPING})


@given(POLICIES, MOMENTS)
def test_only_the_live_process_is_asked_to_end(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    for moment in lived(policy, moments):
        for action in moment.actions:
            if isinstance(action, (Terminate, Kill)):
                assert action.generation == moment.after.generation
                assert moment.after.is_live


@given(POLICIES, MOMENTS)
def test_failed_is_left_only_when_somebody_asks(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    for moment in lived(policy, moments):
        if moment.before.phase is Phase.FAILED and moment.after.phase is not Phase.FAILED:
            assert isinstance(moment.event, (StartRequested, StopRequested, Adopted))


@given(POLICIES, MOMENTS)
def test_there_is_no_restart_storm(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    automatic: list[float] = []
    allowed = 0
    for moment in lived(policy, moments):
        if isinstance(moment.event, StartRequested):
            # A request is a fresh beginning: one start for it, and the restarts count anew.
            automatic, allowed = [], 1
        if any(isinstance(action, Spawn) for action in moment.actions):
            automatic.append(moment.now)
        recent = [time for time in automatic if time > moment.now - policy.within_s]
        assert len(recent) <= policy.max_restarts + allowed


@given(POLICIES, MOMENTS)
def test_one_incident_at_a_time_and_each_closes_once(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    open_now: int | None = None
    opened = 0
    for moment in lived(policy, moments):
        for action in moment.actions:
            if isinstance(action, OpenIncident):
                assert open_now is None
                opened += 1
                assert action.number == opened
                open_now = opened
            if isinstance(action, CloseIncident):
                assert action.number == open_now
                assert action.seconds >= 0
                open_now = None
        assert open_now == (None if moment.after.incident is None else moment.after.incident.number)


@given(POLICIES, MOMENTS)
def test_every_unexpected_end_has_its_incident(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    for moment in lived(policy, moments):
        if (
            isinstance(moment.event, (Exited, SpawnFailed))
            and moment.event.generation == moment.before.generation
            and moment.before.phase in RUNNING_PHASES
            and moment.after.phase is not Phase.STOPPED
        ):
            assert moment.after.incident is not None
            assert isinstance(moment.after.incident.cause, Cause)


@given(POLICIES, MOMENTS)
def test_whatever_waits_has_something_that_wakes_it(policy: Policy, moments: list[tuple[Event, float]]) -> None:
    for moment in lived(policy, moments):
        state = moment.after
        if state.phase in (Phase.BACKOFF, Phase.STOPPING, Phase.STARTING):
            assert state.deadline is not None
        elif state.phase is Phase.WAITING:
            assert state.dependencies_down
        else:
            assert state.deadline is None
        assert not (state.phase is Phase.BACKOFF and not state.is_wanted)


@settings(max_examples=50)
@given(POLICIES, MOMENTS, st.floats(-1e6, 1e6))
def test_only_differences_of_times_matter(policy: Policy, moments: list[tuple[Event, float]], shift: float) -> None:
    whole = float(round(shift))
    state, moved, now = State(), State(), 0.0
    for event, pause in moments:
        # Quarters of a second, so that no sum is rounded.
        now += round(pause * 4) / 4
        event = dated(event, state.generation)
        state, actions = next_state(policy, state, event, now)
        moved, same = next_state(policy, moved, event, now + whole)
        assert [type(action) for action in same] == [type(action) for action in actions]
        assert moved.phase is state.phase
