"""One instance under supervision, told as stories with the clock turned by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sophia_cli.deploy.supervisor import backoff_s, next_state
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
    Cause,
    Outcome,
    Phase,
    Policy,
    Probing,
    Recovery,
    State,
    Threshold,
    due_probes,
    policy_of,
)
from sophia_cli.project.settings.check_model import Probe, ProbeKind
from sophia_cli.project.settings.service_model import RestartPolicy, RestartWhen, Service

POLICY = Policy(
    backoff_s=1.0,
    max_backoff_s=8.0,
    max_restarts=4,
    within_s=60.0,
    stable_s=10.0,
    start_timeout_s=20.0,
    stop_timeout_s=5.0,
    unhealthy_grace_s=1.0,
    readiness=Threshold(failures=2),
    liveness=Threshold(failures=3),
)
JITTER = 1.0


class Story:
    """An instance, the time, and what was asked for since the last look."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.state = State()
        self.now = 1000.0
        self.all: list[Action] = []

    def tell(self, event: Event, after_s: float = 0.0) -> tuple[Action, ...]:
        self.now += after_s
        self.state, actions = next_state(self.policy, self.state, event, self.now)
        self.all += actions
        return actions

    def phase(self) -> Phase:
        return self.state.phase

    @property
    def generation(self) -> int:
        return self.state.generation

    def start(self) -> None:
        self.tell(StartRequested())
        self.tell(Spawned(self.generation))

    def pass_readiness(self, after_s: float = 0.1) -> tuple[Action, ...]:
        return self.tell(Probed(self.generation, Probing.READINESS, True), after_s)

    def fail(self, probing: Probing, times: int) -> tuple[Action, ...]:
        return sum((self.tell(Probed(self.generation, probing, False, "timeout"), 1.0) for _ in range(times)), ())

    def crash(self, after_s: float = 0.0) -> tuple[Action, ...]:
        return self.tell(Exited(self.generation, None, 9, JITTER), after_s)

    def wait_for_timer(self) -> tuple[Action, ...]:
        assert self.state.deadline is not None
        self.now = max(self.now, self.state.deadline)
        return self.tell(TimerFired())


def ready(policy: Policy = POLICY) -> Story:
    story = Story(policy)
    story.start()
    story.pass_readiness()
    assert story.phase() is Phase.READY
    return story


def test_an_instance_is_ready_once_its_readiness_probe_passed() -> None:
    story = Story()
    assert story.tell(StartRequested()) == (Spawn(1),)
    story.tell(Spawned(1))
    assert story.phase() is Phase.STARTING
    assert due_probes(story.policy, story.state) == {Probing.READINESS}
    story.pass_readiness()
    assert story.phase() is Phase.READY
    assert due_probes(story.policy, story.state) == {Probing.READINESS, Probing.LIVENESS}


def test_a_worker_without_probes_is_ready_once_it_runs() -> None:
    story = Story(replace(POLICY, readiness=None, liveness=None))
    story.start()
    assert story.phase() is Phase.READY
    assert due_probes(story.policy, story.state) == frozenset()


def test_other_probes_wait_for_the_startup_probe() -> None:
    story = Story(replace(POLICY, startup=Threshold()))
    story.start()
    assert due_probes(story.policy, story.state) == {Probing.STARTUP}
    story.pass_readiness()
    assert story.phase() is Phase.STARTING
    story.fail(Probing.STARTUP, 5)
    assert story.phase() is Phase.STARTING
    story.tell(Probed(1, Probing.STARTUP, True))
    assert story.phase() is Phase.UNREADY
    story.pass_readiness()
    assert (story.state.phase, story.state.deadline) == (Phase.READY, None)


def test_what_has_booted_and_is_never_ready_is_ended_at_the_start_timeout() -> None:
    story = Story(replace(POLICY, startup=Threshold()))
    story.start()
    story.tell(Probed(1, Probing.STARTUP, True))
    story.fail(Probing.READINESS, 5)
    actions = story.tell(TimerFired(), after_s=20.0)
    assert OpenIncident(1, Cause.START_TIMEOUT, "not ready within 20 s") in actions
    assert Terminate(1) in actions


def test_the_first_restart_of_what_was_ready_is_immediate() -> None:
    story = ready()
    actions = story.crash(after_s=3.0)
    assert actions == (OpenIncident(1, Cause.EXITED, "signal 9"), ActOnIncident(1, Recovery.RESTART), Spawn(2))
    story.tell(Spawned(2))
    assert story.pass_readiness(0.5) == (CloseIncident(1, Outcome.RECOVERED, 0.5),)
    assert story.state.restart_count == 1


def test_further_restarts_wait_longer_and_longer() -> None:
    story = ready(replace(POLICY, max_restarts=10))
    story.crash()
    waits: list[float] = []
    for _ in range(5):
        story.crash(after_s=0.1)
        assert story.phase() is Phase.BACKOFF
        assert story.state.deadline is not None
        waits.append(round(story.state.deadline - story.now, 6))
        assert story.wait_for_timer() == (Spawn(story.generation),)
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_jitter_takes_up_to_half_of_a_wait_away() -> None:
    assert backoff_s(POLICY, 2, True, 0.0) == 1.0
    assert backoff_s(POLICY, 2, True, 1.0) == 2.0
    assert backoff_s(POLICY, 0, False, 0.0) == 0.5
    assert backoff_s(POLICY, 10_000, False, 1.0) == 8.0


def test_an_instance_that_was_ready_long_enough_starts_over() -> None:
    story = ready()
    story.crash()
    story.pass_readiness()
    assert story.crash(after_s=9.0)[-1] == ActOnIncident(2, Recovery.RESTART)
    assert story.phase() is Phase.BACKOFF
    story.wait_for_timer()
    story.pass_readiness()
    assert story.crash(after_s=11.0)[-1] == Spawn(story.generation)


def test_a_crash_loop_ends_in_failed_with_one_incident() -> None:
    story = ready()
    story.crash()
    while story.phase() is not Phase.FAILED:
        story.crash(after_s=0.1)
        if story.phase() is Phase.BACKOFF:
            story.wait_for_timer()
    assert story.state.restart_count == POLICY.max_restarts
    assert [action for action in story.all if isinstance(action, OpenIncident)] == [
        OpenIncident(1, Cause.EXITED, "signal 9")
    ]
    assert story.all[-1] == ActOnIncident(1, Recovery.GIVE_UP)
    assert story.state.reason == "signal 9"


def test_a_failed_instance_starts_when_asked_and_closes_its_incident() -> None:
    story = ready(replace(POLICY, max_restarts=0))
    story.crash()
    assert story.phase() is Phase.FAILED
    for event in (TimerFired(), DependencyUp("db"), DependencyDown("db"), DependencyUp("db"), Spawned(1)):
        story.tell(event)
        assert story.phase() is Phase.FAILED
    assert story.tell(StartRequested()) == (Spawn(2),)
    assert story.pass_readiness(1.0) == (CloseIncident(1, Outcome.RECOVERED, 1.0),)


def test_restarts_spread_wider_than_the_window_are_no_loop() -> None:
    story = ready()
    for _ in range(20):
        story.crash(after_s=20.0)
        assert story.phase() is Phase.STARTING
        story.pass_readiness()
    assert story.state.restart_count == 20


def test_restarts_within_the_window_are_a_loop_however_long_each_was_ready() -> None:
    story = ready()
    for _ in range(POLICY.max_restarts):
        story.crash(after_s=12.0)
        story.pass_readiness()
    story.crash(after_s=11.0)
    assert story.phase() is Phase.FAILED


def test_starts_that_never_get_ready_end_in_failed_however_slow_they_are() -> None:
    story = Story()
    story.start()
    for _ in range(50):
        if story.phase() is Phase.FAILED:
            break
        if story.phase() is Phase.STOPPING:
            story.crash(after_s=30.0)
        else:
            story.wait_for_timer()
    assert story.phase() is Phase.FAILED
    assert story.state.restart_count == POLICY.max_restarts


def test_a_start_that_takes_too_long_is_ended_and_tried_again() -> None:
    story = Story()
    story.start()
    actions = story.wait_for_timer()
    assert actions == (
        OpenIncident(1, Cause.START_TIMEOUT, "not ready within 20 s"),
        ActOnIncident(1, Recovery.STOP_AND_RESTART),
        Terminate(1),
    )
    assert story.wait_for_timer() == (Kill(1),)
    story.crash()
    assert story.phase() is Phase.BACKOFF


def test_a_program_that_cannot_be_started_is_an_incident() -> None:
    story = Story()
    story.tell(StartRequested())
    actions = story.tell(SpawnFailed(1, "there is no program `x`", JITTER))
    assert actions[0] == OpenIncident(1, Cause.SPAWN_FAILED, "there is no program `x`")
    assert story.phase() is Phase.BACKOFF
    assert story.state.reason == "there is no program `x`"


def test_a_machine_that_can_start_nothing_for_a_while_is_no_fault_of_the_service() -> None:
    story = ready()
    story.crash()
    for generation in range(2, 30):
        assert story.phase() is Phase.STARTING
        story.tell(SpawnFailed(generation, "too many open files", JITTER, is_shortage=True))
        assert story.phase() is Phase.BACKOFF
        story.wait_for_timer()
    assert story.state.restart_count == 1
    story.pass_readiness()
    assert story.phase() is Phase.READY
    assert [type(action) for action in story.all].count(OpenIncident) == 1


def test_a_first_start_that_the_machine_refused_costs_no_restart() -> None:
    story = Story(replace(POLICY, max_restarts=1))
    story.tell(StartRequested())
    story.tell(SpawnFailed(1, "too many open files", JITTER, is_shortage=True))
    story.wait_for_timer()
    story.pass_readiness()
    assert (story.state.restart_count, story.state.restarts) == (0, ())
    story.crash()
    assert story.phase() in (Phase.STARTING, Phase.BACKOFF)


def test_a_hung_instance_is_ended_soon_and_restarted_at_once() -> None:
    story = ready()
    assert story.fail(Probing.LIVENESS, 2) == ()
    actions = story.fail(Probing.LIVENESS, 1)
    assert actions[-1] == Terminate(1)
    assert story.wait_for_timer() == (Kill(1),)
    assert story.wait_for_timer() == (Kill(1),)
    assert story.crash() == (ActOnIncident(1, Recovery.RESTART), Spawn(2))
    story.pass_readiness()
    assert [type(action) for action in story.all].count(OpenIncident) == 1
    assert isinstance(story.all[-1], CloseIncident)


def test_a_passed_probe_clears_earlier_failures() -> None:
    story = ready()
    for _ in range(5):
        story.fail(Probing.LIVENESS, 2)
        story.tell(Probed(1, Probing.LIVENESS, True))
    assert story.phase() is Phase.READY


def test_failures_in_the_start_period_do_not_count() -> None:
    story = ready(replace(POLICY, liveness=Threshold(failures=1, start_period_s=30.0)))
    story.fail(Probing.LIVENESS, 5)
    assert story.phase() is Phase.READY
    story.tell(Probed(1, Probing.LIVENESS, False), 30.0)
    assert story.phase() is Phase.STOPPING


def test_an_unready_instance_goes_on_and_its_incident_closes_when_it_is_ready_again() -> None:
    story = ready()
    actions = story.fail(Probing.READINESS, 2)
    assert actions == (OpenIncident(1, Cause.NOT_READY, "timeout"), ActOnIncident(1, Recovery.WAIT_FOR_READINESS))
    assert story.phase() is Phase.UNREADY
    assert story.fail(Probing.READINESS, 5) == ()
    assert story.pass_readiness(1.0) == (CloseIncident(1, Outcome.RECOVERED, 6.0),)


def test_a_crash_while_unready_belongs_to_the_same_incident() -> None:
    story = ready()
    story.fail(Probing.READINESS, 2)
    assert story.crash() == (ActOnIncident(1, Recovery.RESTART), Spawn(2))


def test_too_much_memory_is_an_incident_and_a_restart() -> None:
    story = ready()
    actions = story.tell(MemoryExceeded(1, 300_000_000, 256_000_000))
    assert actions[0] == OpenIncident(1, Cause.MEMORY_LIMIT, "300 MB in memory, the limit is 256 MB")
    assert story.state.deadline == story.now + POLICY.stop_timeout_s
    assert story.tell(MemoryExceeded(1, 300_000_000, 256_000_000)) == ()
    assert story.crash()[-1] == Spawn(2)


def test_a_kill_for_want_of_memory_names_its_reason() -> None:
    story = ready()
    actions = story.tell(Exited(1, None, 9, JITTER, was_out_of_memory=True))
    assert actions[0] == OpenIncident(1, Cause.OUT_OF_MEMORY, "signal 9")


def test_a_stop_asks_first_and_kills_at_the_deadline() -> None:
    story = ready()
    assert story.tell(StopRequested()) == (Terminate(1),)
    assert story.tell(TimerFired(), 4.9) == ()
    assert story.tell(TimerFired(), 0.2) == (Kill(1),)
    assert story.crash() == ()
    assert story.state.phase is Phase.STOPPED


def test_a_stop_before_the_process_is_there_reaches_it() -> None:
    story = Story()
    story.tell(StartRequested())
    assert story.tell(StopRequested()) == (Terminate(1),)
    assert story.tell(Spawned(1)) == (Terminate(1),)
    story.crash()
    assert story.phase() is Phase.STOPPED


def test_a_start_while_stopping_waits_for_the_end_of_the_old_process() -> None:
    story = ready()
    story.tell(StopRequested())
    assert story.tell(StartRequested()) == ()
    assert story.tell(Exited(1, 0, None, JITTER)) == (Spawn(2),)


def test_a_stop_during_an_incident_closes_it_as_stopped() -> None:
    story = ready()
    story.crash()
    story.crash(after_s=0.1)
    assert story.phase() is Phase.BACKOFF
    assert story.tell(StopRequested(), 0.4) == (CloseIncident(1, Outcome.STOPPED, 0.5),)
    assert (story.state.phase, story.state.deadline) == (Phase.STOPPED, None)


def test_a_dependency_that_is_down_is_waited_for_before_the_first_start() -> None:
    story = Story()
    story.tell(DependencyDown("db"))
    story.tell(DependencyDown("cache"))
    assert story.tell(StartRequested()) == ()
    assert story.phase() is Phase.WAITING
    assert story.tell(DependencyUp("cache")) == ()
    assert story.tell(DependencyUp("db")) == (Spawn(1),)


def test_a_dependency_going_down_does_not_cascade() -> None:
    story = ready()
    story.tell(DependencyDown("db"))
    assert story.fail(Probing.LIVENESS, 20) == ()
    assert story.phase() is Phase.READY
    assert story.fail(Probing.READINESS, 20) == ()
    assert story.phase() is Phase.UNREADY
    story.tell(DependencyUp("db"))
    assert story.pass_readiness() == ()
    assert story.phase() is Phase.READY


def test_what_stays_unready_after_its_dependency_came_back_is_an_incident() -> None:
    story = ready()
    story.tell(DependencyDown("db"))
    story.fail(Probing.READINESS, 5)
    story.tell(DependencyUp("db"))
    assert story.fail(Probing.READINESS, 2)[0] == OpenIncident(1, Cause.NOT_READY, "timeout")


def test_a_crash_while_a_dependency_is_down_is_restarted_when_it_is_back() -> None:
    story = ready()
    story.tell(DependencyDown("db"))
    assert story.crash()[-1] == ActOnIncident(1, Recovery.WAIT_FOR_DEPENDENCY)
    assert story.tell(TimerFired(), 100.0) == ()
    assert story.tell(DependencyUp("db")) == (Spawn(2),)
    assert story.state.restart_count == 1


def test_a_backoff_that_ends_while_a_dependency_is_down_goes_on_waiting() -> None:
    story = ready()
    story.crash()
    story.crash()
    story.tell(DependencyDown("db"))
    assert story.wait_for_timer() == ()
    assert story.phase() is Phase.WAITING
    assert story.tell(DependencyUp("db")) == (Spawn(3),)


def test_a_start_is_not_timed_out_while_a_dependency_is_down() -> None:
    story = Story()
    story.start()
    story.tell(DependencyDown("db"))
    assert story.wait_for_timer() == ()
    assert story.phase() is Phase.STARTING


def test_an_adopted_instance_is_supervised_like_one_that_was_started() -> None:
    story = Story()
    assert story.tell(Adopted(is_ready=True)) == ()
    assert (story.state.phase, story.state.is_live, story.generation) == (Phase.READY, True, 1)
    assert story.tell(Adopted(is_ready=False)) == ()
    assert story.phase() is Phase.READY
    assert story.crash()[-1] == Spawn(2)


def test_how_an_adopted_process_ended_may_be_unknown() -> None:
    story = Story()
    story.tell(Adopted(is_ready=True))
    actions = story.tell(Exited(1, None, None, JITTER))
    assert actions[0] == OpenIncident(1, Cause.EXITED, "ended")


def test_an_adopted_instance_of_unknown_health_is_probed() -> None:
    story = Story()
    story.tell(Adopted(is_ready=False))
    assert story.phase() is Phase.STARTING
    story.pass_readiness()
    assert story.phase() is Phase.READY


def test_news_of_an_earlier_generation_does_not_count() -> None:
    story = ready()
    story.crash()
    before = story.state
    for event in (
        Exited(1, 0, None, JITTER),
        Spawned(1),
        SpawnFailed(1, "late", JITTER),
        Probed(1, Probing.READINESS, True),
        MemoryExceeded(1, 2, 1),
    ):
        assert story.tell(event) == ()
    assert story.state == before


@pytest.mark.parametrize(
    ("when", "code", "phase"),
    [
        (RestartWhen.ALWAYS, 0, Phase.STARTING),
        (RestartWhen.ALWAYS, 1, Phase.STARTING),
        (RestartWhen.ON_FAILURE, 0, Phase.STOPPED),
        (RestartWhen.ON_FAILURE, 1, Phase.STARTING),
        (RestartWhen.NEVER, 0, Phase.STOPPED),
        (RestartWhen.NEVER, 1, Phase.FAILED),
    ],
)
def test_the_policy_says_which_ends_are_restarted(when: RestartWhen, code: int, phase: Phase) -> None:
    story = ready(replace(POLICY, when=when))
    story.tell(Exited(1, code, None, JITTER))
    assert story.phase() is phase


def test_the_settings_of_a_service_become_its_policy() -> None:
    probe = Probe(ProbeKind.HTTP, "/ready", None, None, 0.25, 2.0, 4, 2, 7.0)
    restart = RestartPolicy(RestartWhen.ON_FAILURE, 0.2, 9.0, 7, 33.0)
    policy = policy_of(Service("api", readiness=probe, restart=restart, start_timeout_s=12.0, stop_timeout_s=3.0))
    assert (policy.when, policy.backoff_s, policy.max_backoff_s) == (RestartWhen.ON_FAILURE, 0.2, 9.0)
    assert (policy.max_restarts, policy.within_s) == (7, 33.0)
    assert (policy.start_timeout_s, policy.stop_timeout_s) == (12.0, 3.0)
    assert policy.readiness == Threshold(4, 2, 7.0)
    assert (policy.startup, policy.liveness) == (None, None)
