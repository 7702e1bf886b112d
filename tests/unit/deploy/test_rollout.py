"""The rollout as a state machine: its order, and what a failure at any step leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.deploy.rollout import (
    Failed,
    Handover,
    Outcome,
    Phase,
    Planned,
    Rollout,
    Step,
    Succeeded,
    UndoStep,
    Work,
    begun,
    first_action,
    next_state,
    resumed,
    steps_of,
)


def work(
    handover: Handover = Handover.ATTACH,
    instances: int = 1,
    old_instances: int = 1,
    replaces: bool = False,
    gates: bool = False,
) -> Work:
    return Work("api", 4, 3 if old_instances else None, handover, instances, old_instances, replaces, gates, 1.0)


def names(work: Work) -> list[str]:
    return [planned.step.value for planned in steps_of(work)]


def test_a_candidate_proves_itself_before_it_takes_traffic_and_the_old_one_leaves_last() -> None:
    assert names(work(gates=True)) == [
        "start-candidate",
        "prove",
        "gate",
        "attach",
        "verify",
        "drain-old",
        "soak",
    ]


def test_another_process_serves_where_a_candidate_cannot_be_attached() -> None:
    assert names(work(Handover.RESTART)) == [
        "start-candidate",
        "prove",
        "stop-candidate",
        "start-serving",
        "prove",
        "verify",
        "drain-old",
        "soak",
    ]


def test_the_first_deployment_starts_on_the_public_address() -> None:
    assert names(work(old_instances=0)) == ["start-serving", "prove", "soak"]


def test_a_worker_that_must_not_run_twice_stops_first() -> None:
    assert names(work(Handover.DIRECT, replaces=True)) == ["stop-old", "start-serving", "prove", "soak"]


def test_fewer_instances_than_before_drain_the_rest() -> None:
    assert names(work(instances=1, old_instances=3)).count("drain-old") == 3


def test_nothing_to_start_and_nothing_to_stop_is_done_at_once() -> None:
    assert begun(work(instances=0, old_instances=0)).phase is Phase.DONE


@dataclass
class World:
    """Which instances there are, as the steps of a rollout would make them."""

    work: Work
    old: set[int] = field(default_factory=set)
    new: set[int] = field(default_factory=set)
    public: set[int] = field(default_factory=set)
    least: int = 1_000

    def __post_init__(self) -> None:
        self.old = set(range(self.work.old_instances))

    def perform(self, action: object) -> None:
        assert action is not None
        instance = getattr(action, "instance", 0)
        match getattr(action, "step", None):
            case Step.START_CANDIDATE:
                self.new.add(instance)
            case Step.START_SERVING:
                self.new.add(instance)
                self.public.add(instance)
            case Step.ATTACH:
                assert instance in self.new
                self.public.add(instance)
            case Step.STOP_CANDIDATE | UndoStep.STOP_NEW:
                self.new.discard(instance)
                assert instance not in self.public
            case Step.STOP_OLD | Step.DRAIN_OLD:
                self.old.discard(instance)
            case UndoStep.DRAIN_NEW:
                self.new.discard(instance)
                self.public.discard(instance)
            case UndoStep.RESTORE_OLD:
                self.old.add(instance)
        if self.work.replaces:
            assert len(self.old) + len(self.new) <= 1
        self.least = min(self.least, len(self.old) + len(self.public))


works = st.builds(
    work,
    handover=st.sampled_from([Handover.ATTACH, Handover.RESTART]),
    instances=st.integers(1, 3),
    old_instances=st.integers(0, 3),
    gates=st.booleans(),
) | st.builds(
    work,
    handover=st.just(Handover.DIRECT),
    instances=st.integers(0, 1),
    old_instances=st.integers(0, 1),
    replaces=st.just(True),
)


def run(rollout: Rollout, world: World, failing: int, half_done: bool) -> Rollout:
    """Perform a rollout whose step number `failing` fails, after it did its work or before."""
    count = 0
    while not rollout.is_over:
        action = first_action(rollout)
        fails = rollout.phase is Phase.RUNNING and count == failing
        if not fails or half_done:
            world.perform(action)
        outcome: Outcome = Failed("it broke") if fails else Succeeded()
        rollout = next_state(rollout, outcome)
        count += 1
    return rollout


@given(works)
def test_without_failure_only_the_new_release_is_left(work: Work) -> None:
    world = World(work)
    assert run(begun(work), world, failing=-1, half_done=False).phase is Phase.DONE
    assert world.old == set()
    assert world.new == set(range(work.instances))
    assert work.replaces or world.new == world.public


@given(works, st.integers(0, 40), st.booleans())
def test_a_failure_anywhere_leaves_the_old_release_as_it_was(work: Work, failing: int, half_done: bool) -> None:
    world = World(work)
    rollout = run(begun(work), world, failing % max(1, len(steps_of(work))), half_done)
    if not steps_of(work):
        return
    assert rollout.phase is Phase.ROLLED_BACK
    assert rollout.cause == "it broke"
    assert world.old == set(range(work.old_instances))
    assert world.new == set()


@given(works, st.integers(0, 40), st.booleans())
def test_somebody_always_serves_where_somebody_served(work: Work, failing: int, half_done: bool) -> None:
    world = World(work)
    run(begun(work), world, failing, half_done)
    if not work.replaces and work.old_instances:
        assert world.least >= 1


def test_an_undo_step_that_fails_does_not_keep_the_others_from_being_done() -> None:
    rollout = begun(work(instances=2, old_instances=2))
    while first_action(rollout) != Planned(Step.SOAK, 0):
        rollout = next_state(rollout, Succeeded())
    rollout = next_state(rollout, Failed("it died"))
    count = len(rollout.undo)
    rollout = next_state(rollout, Failed("the port is gone"))
    assert len(rollout.undo) == count - 1
    while not rollout.is_over:
        rollout = next_state(rollout, Succeeded())
    assert rollout.phase is Phase.STUCK
    assert rollout.trouble == ("the port is gone",)


def test_an_agent_that_was_killed_before_the_proof_takes_the_rollout_back() -> None:
    rollout = next_state(begun(work()), Succeeded())
    after = resumed(rollout)
    assert after.phase is Phase.UNDOING
    assert [undo.step for undo in after.undo] == [UndoStep.STOP_NEW]


def test_an_agent_that_was_killed_after_the_proof_goes_on() -> None:
    rollout = begun(work())
    while first_action(rollout) != Planned(Step.DRAIN_OLD, 0):
        rollout = next_state(rollout, Succeeded())
    assert resumed(rollout) == rollout


@given(works, st.integers(0, 40))
def test_a_killed_agent_never_leaves_a_mix(work: Work, killed_at: int) -> None:
    world, rollout = World(work), begun(work)
    for _ in range(killed_at % max(1, len(steps_of(work)))):
        world.perform(first_action(rollout))
        rollout = next_state(rollout, Succeeded())
    rollout = run(resumed(rollout), world, failing=-1, half_done=False)
    if rollout.phase is Phase.DONE:
        assert (world.old, world.new) == (set(), set(range(work.instances)))
    else:
        assert (world.old, world.new) == (set(range(work.old_instances)), set())


def test_a_rollout_that_is_over_takes_no_outcome() -> None:
    with pytest.raises(ValueError, match="over"):
        next_state(begun(work(instances=0, old_instances=0)), Succeeded())
