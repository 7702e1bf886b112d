"""One instance of a service, as a pure state machine: an event and the time give the next state and what to do.

Restarts: at once for an instance that had been ready, then with growing, jittered waits; `max_restarts` within
`within_s` seconds, or that many starts in a row that never get ready, end in `failed`. While a dependency is down
nothing is restarted or blamed for it: the instance waits.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from sophia_cli.core.values import replace
from sophia_cli.deploy.supervisor_events import (
    Action,
    ActOnIncident,
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
    AfterStop,
    Cause,
    Incident,
    Outcome,
    Phase,
    Policy,
    Probing,
    Recovery,
    State,
    Streak,
    Threshold,
)
from sophia_cli.project.settings.service_model import RestartWhen

Step: TypeAlias = tuple[State, tuple[Action, ...]]
_KILL_AGAIN_S = 1.0


def next_state(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Return the state after an event and the actions to perform in their order.

    What does not fit (an earlier generation, a second start) changes nothing. After the actions the caller waits until
    `State.deadline` at most and sends `TimerFired`.
    """
    match event:
        case StartRequested():
            return _start_requested(policy, state, now)
        case StopRequested():
            return _stop_requested(policy, state, now)
        case Spawned():
            return _spawned(policy, state, now) if _is_current(state, event.generation) else (state, ())
        case SpawnFailed():
            if not _is_current(state, event.generation):
                return state, ()
            if event.is_shortage and state.phase is not Phase.STOPPING and policy.when is not RestartWhen.NEVER:
                return _delayed(policy, state, event, now)
            return _ended(policy, state, Cause.SPAWN_FAILED, event.reason, now, event.jitter)
        case Exited():
            return _exited(policy, state, event, now) if _is_current(state, event.generation) else (state, ())
        case Probed():
            is_asked = _is_current(state, event.generation) and state.phase in RUNNING_PHASES
            return _probed(policy, state, event, now) if is_asked else (state, ())
        case MemoryExceeded():
            if not (_is_current(state, event.generation) and state.phase in RUNNING_PHASES):
                return state, ()
            detail = f"{event.used // 1_000_000} MB in memory, the limit is {event.limit // 1_000_000} MB"
            return _stop_to_heal(state, Cause.MEMORY_LIMIT, detail, now, policy.stop_timeout_s)
        case TimerFired():
            is_due = state.deadline is not None and now >= state.deadline
            return _timer_fired(policy, state, now) if is_due else (state, ())
        case Adopted():
            return (state, ()) if state.is_live else _adopted(policy, state, event, now)
        case DependencyDown():
            down = state.dependencies_down | {event.name}
            return replace(state, dependencies_down=down, readiness=Streak(), liveness=Streak()), ()
        case DependencyUp():
            return _dependency_up(policy, state, event, now)
        case _:
            assert_never(event)


def _is_current(state: State, generation: int) -> bool:
    return state.is_live and state.generation == generation


def _start_requested(policy: Policy, state: State, now: float) -> Step:
    match state.phase:
        case Phase.STOPPED | Phase.FAILED | Phase.BACKOFF:
            fresh = replace(state, restarts=(), attempt=0, unready_starts=0, resume_at=None, reason=None)
            if state.dependencies_down:
                return replace(fresh, phase=Phase.WAITING, deadline=None), ()
            return _spawn(policy, fresh, now)
        case Phase.STOPPING:
            after = AfterStop.HEAL if state.after_stop is AfterStop.HEAL else AfterStop.START
            return replace(state, after_stop=after), ()
        case Phase.WAITING | Phase.STARTING | Phase.READY | Phase.UNREADY:
            return state, ()
        case _:
            assert_never(state.phase)


def _stop_requested(policy: Policy, state: State, now: float) -> Step:
    match state.phase:
        case Phase.STOPPED:
            return state, ()
        case Phase.WAITING | Phase.BACKOFF | Phase.FAILED:
            return _stopped(state, now)
        case Phase.STOPPING:
            return replace(state, after_stop=AfterStop.STAY), ()
        case Phase.STARTING | Phase.READY | Phase.UNREADY:
            stopping = replace(state, after_stop=AfterStop.STAY)
            return _stopping(stopping, now + policy.stop_timeout_s)
        case _:
            assert_never(state.phase)


def _spawned(policy: Policy, state: State, now: float) -> Step:
    if state.phase is Phase.STOPPING:
        # The request to stop came before there was a process to ask.
        return state, (Terminate(state.generation),)
    if state.phase is Phase.STARTING and policy.startup is None and policy.readiness is None:
        return _ready(state, now)
    return state, ()


def _exited(policy: Policy, state: State, event: Exited, now: float) -> Step:
    is_clean = event.code == 0
    detail = "ended"
    if event.signal is not None:
        detail = f"signal {event.signal}"
    elif event.code is not None:
        detail = f"exit code {event.code}"
    cause = Cause.OUT_OF_MEMORY if event.was_out_of_memory else Cause.EXITED
    if state.phase is not Phase.STOPPING and is_clean and policy.when is not RestartWhen.ALWAYS:
        return _stopped(replace(state, is_live=False), now)
    return _ended(policy, state, cause, detail, now, event.jitter)


def _ended(policy: Policy, state: State, cause: Cause, detail: str, now: float, jitter: float) -> Step:
    """The process is gone, or never came to be."""
    gone = _settled(policy, replace(state, is_live=False, deadline=None), now)
    if state.phase is not Phase.STOPPING:
        return _restart(policy, *_with_incident(gone, cause, detail, now), now, jitter)
    if state.after_stop is AfterStop.HEAL:
        return _restart(policy, gone, (), now, jitter)
    if state.after_stop is AfterStop.STAY:
        return _stopped(gone, now)
    if state.dependencies_down:
        return replace(gone, phase=Phase.WAITING, resume_at=None), ()
    return _spawn(policy, gone, now)


def _delayed(policy: Policy, state: State, event: SpawnFailed, now: float) -> Step:
    """The machine cannot start anything for now: wait, and do not count it as a failure of the service."""
    gone = replace(state, is_live=False, deadline=None, is_owed=True)
    noted, actions = _with_incident(gone, Cause.SPAWN_FAILED, event.reason, now)
    assert noted.incident is not None
    at = now + backoff_s(policy, max(1, state.attempt), state.was_ready, event.jitter)
    act = ActOnIncident(noted.incident.number, Recovery.RESTART)
    return replace(noted, phase=Phase.BACKOFF, deadline=at), (*actions, act)


def _restart(policy: Policy, state: State, actions: tuple[Action, ...], now: float, jitter: float) -> Step:
    incident = state.incident
    assert incident is not None, "only failures are healed by a restart"
    recent = tuple(time for time in state.restarts if time > now - policy.within_s)
    unready = 0 if state.was_ready else state.unready_starts + 1
    waiting = replace(state, restarts=recent, unready_starts=unready)
    is_loop = len(recent) >= policy.max_restarts or unready > policy.max_restarts
    if policy.when is RestartWhen.NEVER or is_loop:
        failed = replace(waiting, phase=Phase.FAILED, deadline=None, after_stop=AfterStop.STAY)
        return failed, (*actions, ActOnIncident(incident.number, Recovery.GIVE_UP))
    at = now + backoff_s(policy, state.attempt, state.was_ready, jitter)
    if state.dependencies_down:
        act = ActOnIncident(incident.number, Recovery.WAIT_FOR_DEPENDENCY)
        return replace(waiting, phase=Phase.WAITING, deadline=None, resume_at=at), (*actions, act)
    actions = (*actions, ActOnIncident(incident.number, Recovery.RESTART))
    if at > now:
        return replace(waiting, phase=Phase.BACKOFF, deadline=at), actions
    restarted, spawn = _spawn_again(policy, waiting, now)
    return restarted, (*actions, *spawn)


def backoff_s(policy: Policy, attempt: int, was_ready: bool, jitter: float) -> float:
    """Return the seconds before a restart: none for the first one of an instance that had been ready.

    Then `backoff_s` doubles with each attempt up to `max_backoff_s`; half of it is fixed and half is jitter ("equal
    jitter", Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    """
    if attempt == 0 and was_ready:
        return 0.0
    full = min(policy.max_backoff_s, policy.backoff_s * 2.0 ** min(max(0, attempt - 1), 32))
    return full * (0.5 + 0.5 * jitter)


def _spawn_again(policy: Policy, state: State, now: float) -> Step:
    counted = state
    if not state.is_owed:
        counted = replace(state, restarts=(*state.restarts, now), restart_count=state.restart_count + 1)
    return _spawn(policy, replace(counted, attempt=state.attempt + 1), now)


def _spawn(policy: Policy, state: State, now: float) -> Step:
    started = replace(
        state,
        phase=Phase.STARTING,
        generation=state.generation + 1,
        is_live=True,
        deadline=now + policy.start_timeout_s,
        after_stop=AfterStop.STAY,
        spawned_at=now,
        has_booted=False,
        was_ready=False,
        ready_since=None,
        readiness=Streak(),
        liveness=Streak(),
        startup=Streak(),
        resume_at=None,
        is_owed=False,
    )
    return started, (Spawn(started.generation),)


def _probed(policy: Policy, state: State, event: Probed, now: float) -> Step:
    match event.probing:
        case Probing.STARTUP:
            if policy.startup is None or state.has_booted:
                return state, ()
            return _startup_probed(policy, policy.startup, state, event, now)
        case Probing.READINESS:
            if policy.readiness is None or (policy.startup is not None and not state.has_booted):
                return state, ()
            if event.passed and state.phase is Phase.READY and not state.readiness.failures:
                return state, ()  # no news: whoever counted it would write the same state down for ever
            return _readiness_probed(policy, policy.readiness, state, event, now)
        case Probing.LIVENESS:
            if policy.liveness is None or not state.has_booted or (event.passed and not state.liveness.failures):
                return state, ()
            return _liveness_probed(policy, policy.liveness, state, event, now)
        case _:
            assert_never(event.probing)


def _startup_probed(policy: Policy, threshold: Threshold, state: State, event: Probed, now: float) -> Step:
    # Failures are no news while it starts: the start timeout decides.
    counted = replace(state, startup=state.startup.counted(event.passed))
    if counted.startup.successes < threshold.successes:
        return counted, ()
    if policy.readiness is None:
        return _ready(counted, now)
    # The start timeout goes on: it bounds how long an instance may take to become ready, not only to boot.
    return replace(counted, phase=Phase.UNREADY, has_booted=True), ()


def _readiness_probed(policy: Policy, threshold: Threshold, state: State, event: Probed, now: float) -> Step:
    if not event.passed and now < state.spawned_at + threshold.start_period_s:
        return state, ()
    counted = replace(state, readiness=state.readiness.counted(event.passed))
    if event.passed:
        is_enough = counted.readiness.successes >= threshold.successes
        return _ready(counted, now) if is_enough and state.phase is not Phase.READY else (counted, ())
    if counted.readiness.failures < threshold.failures or not state.was_ready:
        return counted, ()
    unready = replace(_settled(policy, counted, now), phase=Phase.UNREADY, reason=event.detail)
    if state.dependencies_down:
        return unready, ()
    return _waiting_for_readiness(*_with_incident(unready, Cause.NOT_READY, event.detail, now))


def _waiting_for_readiness(state: State, opened: tuple[Action, ...]) -> Step:
    if not opened or state.incident is None:
        return state, opened
    return state, (*opened, ActOnIncident(state.incident.number, Recovery.WAIT_FOR_READINESS))


def _liveness_probed(policy: Policy, threshold: Threshold, state: State, event: Probed, now: float) -> Step:
    if not event.passed and (state.dependencies_down or now < state.spawned_at + threshold.start_period_s):
        return state, ()
    counted = replace(state, liveness=state.liveness.counted(event.passed))
    if counted.liveness.failures < threshold.failures:
        return counted, ()
    return _stop_to_heal(counted, Cause.HUNG, event.detail, now, policy.unhealthy_grace_s)


def _stop_to_heal(state: State, cause: Cause, detail: str, now: float, grace_s: float) -> Step:
    noted, opened = _with_incident(state, cause, detail, now)
    assert noted.incident is not None
    stopping, asked = _stopping(replace(noted, after_stop=AfterStop.HEAL), now + grace_s)
    return stopping, (*opened, ActOnIncident(noted.incident.number, Recovery.STOP_AND_RESTART), *asked)


def _stopping(state: State, deadline: float) -> Step:
    return replace(state, phase=Phase.STOPPING, deadline=deadline), (Terminate(state.generation),)


def _stopped(state: State, now: float) -> Step:
    closed, actions = _closed(state, Outcome.STOPPED, now)
    stopped = replace(closed, phase=Phase.STOPPED, deadline=None, resume_at=None, reason=None)
    return replace(stopped, after_stop=AfterStop.STAY, ready_since=None), actions


def _ready(state: State, now: float) -> Step:
    up = replace(
        state, phase=Phase.READY, deadline=None, has_booted=True, was_ready=True, unready_starts=0, reason=None
    )
    return _closed(replace(up, ready_since=now), Outcome.RECOVERED, now)


def _settled(policy: Policy, state: State, now: float) -> State:
    """Forget earlier attempts when the process that ended had been ready for long enough."""
    is_settled = state.ready_since is not None and now - state.ready_since >= policy.stable_s
    return replace(state, attempt=0 if is_settled else state.attempt, ready_since=None)


def _timer_fired(policy: Policy, state: State, now: float) -> Step:
    match state.phase:
        case Phase.STARTING | Phase.UNREADY:
            if state.was_ready:
                return replace(state, deadline=None), ()
            if state.dependencies_down:
                return replace(state, deadline=now + policy.start_timeout_s), ()
            detail = f"not ready within {policy.start_timeout_s:g} s"
            return _stop_to_heal(state, Cause.START_TIMEOUT, detail, now, policy.unhealthy_grace_s)
        case Phase.STOPPING:
            return replace(state, deadline=now + _KILL_AGAIN_S), (Kill(state.generation),)
        case Phase.BACKOFF:
            if state.dependencies_down:
                return replace(state, phase=Phase.WAITING, deadline=None, resume_at=now), ()
            return _spawn_again(policy, state, now)
        case Phase.STOPPED | Phase.WAITING | Phase.READY | Phase.FAILED:
            return replace(state, deadline=None), ()
        case _:
            assert_never(state.phase)


def _adopted(policy: Policy, state: State, event: Adopted, now: float) -> Step:
    started, _ = _spawn(policy, state, now)
    needs_no_probe = policy.startup is None and policy.readiness is None
    return _ready(started, now) if event.is_ready or needs_no_probe else (started, ())


def _dependency_up(policy: Policy, state: State, event: DependencyUp, now: float) -> Step:
    left = state.dependencies_down - {event.name}
    up = replace(state, dependencies_down=left)
    if left or state.phase is not Phase.WAITING:
        return up, ()
    if up.resume_at is None:
        return _spawn(policy, up, now)
    if up.resume_at > now:
        return replace(up, phase=Phase.BACKOFF, deadline=up.resume_at, resume_at=None), ()
    return _spawn_again(policy, up, now)


def _with_incident(state: State, cause: Cause, detail: str, now: float) -> Step:
    """Open an incident, unless one is open: what fails while it is being mended belongs to it."""
    if state.incident is not None:
        return replace(state, reason=detail), ()
    incident = Incident(state.incident_count + 1, cause, detail, now)
    noted = replace(state, incident=incident, incident_count=incident.number, reason=detail)
    return noted, (OpenIncident(incident.number, cause, detail),)


def _closed(state: State, outcome: Outcome, now: float) -> Step:
    incident = state.incident
    if incident is None:
        return state, ()
    return replace(state, incident=None), (CloseIncident(incident.number, outcome, now - incident.detected_at),)
