"""Laws of the supervisor that hold for every sequence of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

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
    AfterStop,
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
    st.builds(SpawnFailed, AGES, st.just("no program"), st.floats(0, 1), st.booleans()),
    st.builds(Exited, AGES, st.sampled_from((None, 0, 1)), st.sampled_from((None, 9)), st.floats(0, 1), st.booleans()),
    st.builds(Probed, AGES, st.sampled_from(Probing), st.booleans(), st.just("timeout")),
    st.builds(MemoryExceeded, AGES, st.just(2), st.just(1)),
    st.just(TimerFired()),
    st.just(TimerFired()),
    st.builds(Adopted, st.booleans()),
    st.builds(DependencyDown, NAMES),
    st.builds(DependencyUp, NAMES),
)


@dataclass(frozen=True, slots=True)
class Natural:
    """Whatever comes next in a life that leads somewhere: a start, a passed probe, the end that was asked for."""

    choice: int


MOMENTS = st.lists(
    st.tuples(st.builds(Natural, st.integers(0, 2)) | EVENTS, st.sampled_from((0.0, 0.0, 0.1, 1.0, 12.0, 70.0))),
    min_size=15,
    max_size=45,
)


Moments: TypeAlias = list[tuple[Event | Natural, float]]
# A worker without probes is ready at once, so it can crash as fast as it is let.
QUICK = st.lists(st.tuples(st.builds(Natural, st.just(0)), st.sampled_from((0.0, 0.1, 1.0))), min_size=30, max_size=45)


def natural(state: State, choice: int) -> Event:
    ended = Exited(0, 1, None, 0.5)
    match state.phase:
        case Phase.STOPPED | Phase.FAILED:
            return StartRequested()
        case Phase.WAITING:
            return DependencyUp(sorted(state.dependencies_down)[0])
        case Phase.STARTING:
            return (Spawned(0), Probed(0, Probing.STARTUP, True), Probed(0, Probing.READINESS, True))[choice]
        case Phase.READY | Phase.UNREADY:
            return (ended, Probed(0, Probing.LIVENESS, False), Probed(0, Probing.READINESS, True))[choice]
        case Phase.STOPPING:
            return ended
        case Phase.BACKOFF:
            return TimerFired()


@dataclass(frozen=True, slots=True)
class Moment:
    """One event: when, the state before and after, and what was asked for."""

    now: float
    event: Event
    before: State
    after: State
    actions: tuple[Action, ...]


def dated(event: Event | Natural, state: State) -> Event:
    generation = state.generation
    match event:
        case Natural(choice):
            return dated(natural(state, choice), state)
        case Spawned(age):
            return Spawned(generation + age)
        case SpawnFailed(age, reason, jitter, is_shortage):
            return SpawnFailed(generation + age, reason, jitter, is_shortage)
        case Exited(age, code, signal, jitter, memory):
            return Exited(generation + age, code, signal, jitter, memory)
        case Probed(age, probing, passed, detail):
            return Probed(generation + age, probing, passed, detail)
        case MemoryExceeded(age, used, limit):
            return MemoryExceeded(generation + age, used, limit)
        case _:
            return event


def lived(policy: Policy, moments: Moments) -> list[Moment]:
    """Return what happened; half of the time passes until the timer is due, as in a real loop."""
    state, now = State(), 0.0
    told: list[Moment] = []
    for event, pause in moments:
        now += pause
        due = dated(event, state)
        if isinstance(due, TimerFired) and state.deadline is not None:
            now = max(now, state.deadline)
        after, actions = next_state(policy, state, due, now)
        told.append(Moment(now, due, state, after, actions))
        state = after
    return told


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_phases_change_only_as_the_table_says(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        if moment.before.phase is not moment.after.phase:
            assert moment.after.phase in ALLOWED[moment.before.phase]


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_there_are_never_two_live_processes(policy: Policy, moments: Moments) -> None:
    live: set[int] = set()
    for moment in lived(policy, moments):
        if isinstance(moment.event, (Exited, SpawnFailed)):
            live.discard(moment.event.generation)
        if isinstance(moment.event, Adopted) and not moment.before.is_live:
            live.add(moment.after.generation)
        live.update(action.generation for action in moment.actions if isinstance(action, Spawn))
        assert live == ({moment.after.generation} if moment.after.is_live else set())
        assert moment.after.is_live == (moment.after.phase in RUNNING_PHASES | {Phase.STOPPING})


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_only_the_live_process_is_asked_to_end(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        for action in moment.actions:
            if isinstance(action, (Terminate, Kill)):
                assert action.generation == moment.after.generation
                assert moment.after.is_live


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_failed_is_left_only_when_somebody_asks(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        if moment.before.phase is Phase.FAILED and moment.after.phase is not Phase.FAILED:
            assert isinstance(moment.event, (StartRequested, StopRequested, Adopted))


def most_restarts(policy: Policy, moments: Moments) -> int:
    """Return the most automatic restarts within the window; a request to start is a fresh beginning."""
    automatic: list[float] = []
    most = 0
    for moment in lived(policy, moments):
        is_asked = isinstance(moment.event, StartRequested) and moment.before.phase not in RUNNING_PHASES
        if is_asked or (moment.before.resume_at is None and moment.before.phase is Phase.WAITING):
            automatic = []
        elif any(isinstance(action, Spawn) for action in moment.actions):
            if moment.before.after_stop is AfterStop.START or moment.before.is_owed:
                continue
            automatic.append(moment.now)
        most = max(most, sum(time > moment.now - policy.within_s for time in automatic))
    return most


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_there_is_no_restart_storm(policy: Policy, moments: Moments) -> None:
    assert most_restarts(policy, moments) <= policy.max_restarts


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_a_start_that_the_machine_refused_is_made_up_for_once(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        if any(isinstance(action, Spawn) for action in moment.actions):
            assert not moment.after.is_owed
        if moment.after.is_owed:
            assert not moment.after.is_live
        if moment.before.is_owed:
            assert moment.after.restart_count == moment.before.restart_count


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3), QUICK)
def test_what_crashes_as_fast_as_it_is_let_is_given_up(max_restarts: int, moments: Moments) -> None:
    policy = Policy(max_restarts=max_restarts, max_backoff_s=1.0)
    first_life = [(StartRequested(), 0.0), *moments]
    assert most_restarts(policy, first_life) <= max_restarts
    assert any(moment.after.phase is Phase.FAILED for moment in lived(policy, first_life))


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_one_incident_at_a_time_and_each_closes_once(policy: Policy, moments: Moments) -> None:
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


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_every_unexpected_end_has_its_incident(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        if (
            isinstance(moment.event, (Exited, SpawnFailed))
            and moment.event.generation == moment.before.generation
            and moment.before.phase in RUNNING_PHASES
            and moment.after.phase is not Phase.STOPPED
        ):
            assert moment.after.incident is not None
            assert isinstance(moment.after.incident.cause, Cause)


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS)
def test_whatever_waits_has_something_that_wakes_it(policy: Policy, moments: Moments) -> None:
    for moment in lived(policy, moments):
        state = moment.after
        if state.phase in (Phase.BACKOFF, Phase.STOPPING, Phase.STARTING):
            assert state.deadline is not None
        elif state.phase is Phase.WAITING:
            assert state.dependencies_down
        else:
            # One that has booted and was never ready is still bound by its start timeout.
            assert (state.deadline is not None) is (state.phase is Phase.UNREADY and not state.was_ready)


@settings(max_examples=40, deadline=None)
@given(POLICIES, MOMENTS, st.floats(-1e6, 1e6))
def test_only_differences_of_times_matter(policy: Policy, moments: Moments, shift: float) -> None:
    whole = float(round(shift))
    state, moved, now = State(), State(), 0.0
    for event, pause in moments:
        # Quarters of a second, so that no sum is rounded.
        now += round(pause * 4) / 4
        due = dated(event, state)
        state, actions = next_state(policy, state, due, now)
        moved, same = next_state(policy, moved, due, now + whole)
        assert [type(action) for action in same] == [type(action) for action in actions]
        assert moved.phase is state.phase
