"""Performs the steps of a rollout on the instances of one service; every step can be done again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Protocol, assert_never

from sophia_cli.agent.instances.control import launcher_exit
from sophia_cli.agent.instances.instance import Instance, is_over, is_ready
from sophia_cli.agent.instances.runtime import ServiceRuntime, policy_for
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Role
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.rollout import (
    Action,
    Broken,
    Failed,
    Outcome,
    Planned,
    PlannedUndo,
    Step,
    Succeeded,
    UndoStep,
    Work,
)
from sophia_cli.deploy.supervisor_events import StartRequested, StopRequested
from sophia_cli.deploy.supervisor_model import Phase, State
from sophia_cli.project.settings.service_model import Canary


class Doors(Protocol):
    """What a rollout needs beyond the instances: the public address, attaching to it, proofs and gates."""

    async def attach(self, instance: Instance, canary: Canary | None, others: Sequence[Instance]) -> None:
        """Have an instance serve the public address beside others, a canary with its share; SophiaError."""

    async def prove_answers(self, instance: Instance, others: Sequence[Instance]) -> None:
        """Return once this very instance answers on the public address, where others serve, too; SophiaError."""

    async def watch_canary(self, instance: Instance, canary: Canary, others: Sequence[Instance]) -> None:
        """Compare an instance that has a share of the requests with others; SophiaError when it fails more often."""

    async def depart(self, instance: Instance) -> None:
        """Have an instance that is about to be ended get nothing more."""

    async def departed(self, instance: Instance) -> None:
        """Forget an instance that has ended for good."""

    async def arrived(self, release: Release) -> None:
        """Return once the way to a release that has come through is as it is to be, or is known not to be."""

    async def readmit(self, instances: Sequence[Instance]) -> None:
        """Have instances that may have stepped aside accept on the public address again."""

    async def pass_gates(self, instance: Instance, release: Release) -> None:
        """Run the checks that guard a rollout; SophiaError names the one that failed."""


class Performer:
    """Performs the steps of one piece of work. `release` comes in, `previous` is what serves, None for nothing.

    Instances that it brings in carry its `batch`; so the old and the new are told apart when both are of one release.
    """

    def __init__(
        self, batch: str, runtime: ServiceRuntime, work: Work, release: Release, previous: Release | None, doors: Doors
    ) -> None:
        self._batch = batch
        self._runtime = runtime
        self._work = work
        self._release = release
        self._previous = previous
        self._doors = doors

    async def perform(self, action: Action) -> Outcome:
        """Do one step, or take one back, and return how that went."""
        try:
            match action:
                case Planned():
                    return await self._do(action)
                case PlannedUndo():
                    return await self._undo(action)
                case _:
                    assert_never(action)
        except SophiaError as error:
            return Failed(error.message)

    async def _do(self, planned: Planned) -> Outcome:
        number = planned.instance
        match planned.step:
            case Step.START_CANDIDATE:
                self._start(number, Role.CANDIDATE, self._release)
            case Step.START_SERVING:
                self._start(number, Role.ACTIVE, self._release)
            case Step.PROVE:
                return await self._prove(self._new(number))
            case Step.GATE:
                instance = self._new(number)
                return await self._while_alive(instance, self._doors.pass_gates(instance, self._release))
            case Step.STOP_CANDIDATE:
                await self._end(self._runtime.of(self._batch, number, Role.CANDIDATE))
            case Step.ATTACH:
                await self._attach(self._new(number))
            case Step.VERIFY:
                instance = self._new(number)
                return await self._while_alive(instance, self._doors.prove_answers(instance, self._serving_old()))
            case Step.CANARY:
                instance, canary = self._new(number), self._work.canary
                assert canary is not None, "without one there is no such step"
                return await self._while_alive(
                    instance, self._doors.watch_canary(instance, canary, self._serving_old())
                )
            case Step.STOP_OLD | Step.DRAIN_OLD:
                begun = min(number + (planned.step is Step.DRAIN_OLD), self._work.instances)
                return await self._while_new_live(begun, self._drain(self._old(number)))
            case Step.SOAK:
                return await self._while_new_live(self._work.instances, asyncio.sleep(self._work.soak_s))
            case _:
                assert_never(planned.step)
        return Succeeded()

    async def _undo(self, planned: PlannedUndo) -> Outcome:
        match planned.step:
            case UndoStep.STOP_NEW | UndoStep.DRAIN_NEW:
                # A proof that was cut off may have left them aside.
                await self._doors.readmit(self._serving_old())
                for instance in self._all_new(planned.instance):
                    await self._end(instance)
                return Succeeded()
            case UndoStep.RESTORE_OLD:
                return await self._restore(planned.instance)
            case _:
                assert_never(planned.step)

    def _start(self, number: int, role: Role, release: Release, batch: str | None = None) -> Instance:
        batch = self._batch if batch is None else batch
        known = self._runtime.of(batch, number, role)
        if known is not None and not is_over(known.state):
            # Done again after the agent was killed: the process that was adopted is the one.
            return known
        instance = self._runtime.create(release, number, role, batch, is_public=role is Role.ACTIVE)
        instance.send(StartRequested())
        return instance

    async def _prove(self, instance: Instance) -> Outcome:
        state = await instance.until(lambda state: is_ready(state) or is_over(state))
        return Succeeded() if is_ready(state) else Failed(why(instance))

    async def _attach(self, instance: Instance) -> None:
        canary = self._work.canary if instance.id.number == 0 else None
        await self._doors.attach(instance, canary, self._serving_old())
        instance.take_role(Role.ACTIVE)

    async def _drain(self, instance: Instance | None) -> None:
        if instance is not None:
            instance.take_role(Role.DRAINING)
            await self._end(instance)

    async def _end(self, instance: Instance | None) -> None:
        if instance is None:
            return
        await self._doors.depart(instance)
        instance.send(StopRequested())
        await instance.until(lambda state: is_over(state) or state.phase is Phase.STOPPED)
        self._runtime.remove(instance)
        await self._doors.departed(instance)

    async def _restore(self, number: int) -> Outcome:
        if self._previous is None:
            return Succeeded()
        old = self._old(number)
        if old is not None and old.state.phase not in (Phase.STOPPING, Phase.STOPPED, Phase.FAILED):
            old.take_role(Role.ACTIVE)
            old.supervise(policy_for(self._previous.service))
            await self._doors.readmit([old])
            return Succeeded()
        await self._end(old)
        instance = self._start(number, Role.ACTIVE, self._previous, f"{self._batch}-back")
        instance.supervise(policy_for(self._previous.service))
        return await self._prove(instance)

    async def _while_alive(self, instance: Instance, work: Awaitable[None]) -> Outcome:
        return await _first_of(work, [(instance, _is_down)])

    async def _while_new_live(self, begun: int, work: Coroutine[None, None, None]) -> Outcome:
        """Do some work while the new instances live, of which so many were begun."""
        new = [self._runtime.of(self._batch, number, Role.ACTIVE) for number in range(begun)]
        if None in new:
            # It ended while no agent was there to see it: the old one is not to follow.
            work.close()
            return Broken("the new instance ended while no agent ran")
        return await _first_of(work, [(instance, _is_down) for instance in new if instance is not None])

    def _new(self, number: int) -> Instance:
        instance = self._runtime.of(self._batch, number, Role.ACTIVE, Role.CANDIDATE)
        if instance is None:
            # It ended while no agent was there to see it.
            raise SophiaError("instance-gone", f"the new instance of `{self._work.service}` is gone")
        return instance

    def _all_new(self, number: int) -> list[Instance]:
        return [one for one in self._runtime.instances if one.batch == self._batch and one.id.number == number]

    def _serving_old(self) -> list[Instance]:
        return [
            one
            for one in self._runtime.instances
            if one.batch != self._batch and one.role is Role.ACTIVE and not is_over(one.state)
        ]

    def _old(self, number: int) -> Instance | None:
        old = (
            one
            for one in self._runtime.instances
            if one.batch != self._batch and one.id.number == number and one.role in (Role.ACTIVE, Role.DRAINING)
        )
        return next(old, None)


def why(instance: Instance) -> str:
    """Return why an instance did not come up, in words."""
    told, ended = instance.state.reason, instance.last_exit
    if ended is None or (ended.code is None and ended.signal is None):
        return told or "it did not become ready"
    meaning = None if ended.code is None else launcher_exit(ended.code)
    if meaning is not None:
        return f"{meaning} ({ended.describe()})"
    # What brought the end about says more than how it ended.
    return f"it ended with {ended.describe()}" if told is None or _tells_an_end(told) else told


def never_came_up(instance: Instance) -> bool:
    """Whether an instance ended by itself before it answered anything: what a probe met then is no news."""
    told, ended = instance.state.reason, instance.last_exit
    return ended is not None and not instance.state.has_booted and (told is None or _tells_an_end(told))


def _tells_an_end(told: str) -> bool:
    return "exit code" in told or "signal" in told


def _is_down(state: State) -> bool:
    return is_over(state) or state.phase in (Phase.BACKOFF, Phase.STOPPING, Phase.UNREADY)


async def _first_of(work: Awaitable[None], watched: Sequence[tuple[Instance, Callable[[State], bool]]]) -> Outcome:
    """Return how some work went, or that an instance broke before it was done."""
    task = asyncio.ensure_future(work)
    watchers = {asyncio.ensure_future(instance.until(is_down)): instance for instance, is_down in watched}
    try:
        done, _ = await asyncio.wait({task, *watchers}, return_when=asyncio.FIRST_COMPLETED)
        broken = next((instance for watcher, instance in watchers.items() if watcher in done), None)
        if broken is not None:
            return Broken(why(broken))
        task.result()
        return Succeeded()
    finally:
        for one in (task, *watchers):
            one.cancel()
