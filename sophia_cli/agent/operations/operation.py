"""One operation: the rollouts of some services, stage after stage, written down before every step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.runtime import ServiceRuntime
from sophia_cli.agent.operations.performer import Doors, Performer, never_came_up
from sophia_cli.core.deploy_report import ServiceAction, ServiceReport, StepReport, Trouble
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass, replace
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.rollout import (
    Action,
    Failed,
    Outcome,
    Phase,
    Rollout,
    Succeeded,
    Work,
    begun,
    first_action,
    next_state,
    resumed,
)
from sophia_cli.project.failpoints import AgentFailpoint, failpoint


@dataclass(frozen=True, slots=True)
class Incoming:
    """One service's part of an operation; `keeps_stopped` is for work that ends in no instance at all."""

    work: Work
    release: Release
    previous: Release | None
    keeps_stopped: bool = False


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step that has ended, for whoever watches."""

    service: str
    step: StepReport


class Ledger(Protocol):
    """Where an operation is written down, and what happens to a service when its part is over."""

    def write(self, run_id: str, rollouts: Sequence[Rollout]) -> None:
        """Bring the state of all parts to the disk; SophiaError when that fails."""

    def finished(self, run_id: str) -> None:
        """Forget an operation that is over."""

    def came_through(self, incoming: Incoming) -> None:
        """The new release serves now."""

    def taken_back(self, incoming: Incoming, cause: str | None) -> None:
        """What served before serves again, or nothing does; without a cause a person wanted it so."""

    def log_lines(self, instance: Instance) -> tuple[str, ...]:
        """Return the last lines that an instance wrote."""


class Operation:
    """Runs parts: those of one stage at once, the stages one after the other; the first failure ends it."""

    def __init__(
        self,
        run_id: str,
        stages: Sequence[Sequence[Incoming]],
        runtimes: Callable[[str], ServiceRuntime],
        doors: Doors,
        ledger: Ledger,
        seen: Callable[[StepSeen], None],
    ) -> None:
        self.run_id = run_id
        self._stages = stages
        self._runtimes = runtimes
        self._doors = doors
        self._ledger = ledger
        self._seen = seen
        self._rollouts = {one.work.service: begun(one.work) for stage in stages for one in stage}
        self._cancelled = asyncio.Event()
        self._is_resumed = False

    def cancel(self) -> None:
        """Take back the parts that are under way, and begin no others; what has come through stays."""
        self._cancelled.set()

    def resume(self, rollouts: Sequence[Rollout]) -> None:
        """Go on from states that an earlier agent wrote down: forward where the new release was proved, else back.

        Several parts may have been under way; each is brought to its end, whatever becomes of the others.
        """
        self._is_resumed = True
        self._rollouts.update({rollout.work.service: resumed(rollout) for rollout in rollouts})

    async def run(self) -> tuple[ServiceReport, ...]:
        """Do everything and return what became of each service."""
        reports: list[ServiceReport] = []
        failed = False
        for stage in self._stages:
            if (failed and not self._is_resumed) or self._cancelled.is_set():
                reports += [ServiceReport(one.work.service, ServiceAction.SKIPPED) for one in stage]
                continue
            found = await asyncio.gather(*(self._one(incoming) for incoming in stage))
            reports += found
            failed = any(report.trouble is not None for report in found)
        self._ledger.finished(self.run_id)
        failpoint(AgentFailpoint.OPERATION_FORGOTTEN)
        return tuple(reports)

    async def _one(self, incoming: Incoming) -> ServiceReport:
        name = incoming.work.service
        runtime = self._runtimes(name)
        performer = Performer(self.run_id, runtime, incoming.work, incoming.release, incoming.previous, self._doors)
        started = time.monotonic()
        steps: list[StepReport] = []
        trouble: Trouble | None = None
        runtime.is_rolling = True
        try:
            rollout = self._rollouts[name]
            while (action := first_action(rollout)) is not None:
                begun = time.monotonic()
                outcome = self._kept(rollout) or await self._perform(performer, rollout, action)
                failpoint(AgentFailpoint.STEP_DONE)
                if trouble is None and not isinstance(outcome, Succeeded):
                    trouble = self._trouble(runtime, outcome)
                detail = "" if isinstance(outcome, Succeeded) else outcome.cause
                passed = isinstance(outcome, Succeeded)
                step = StepReport(action.step.value, action.instance, passed, time.monotonic() - begun, detail)
                steps.append(step)
                self._seen(StepSeen(name, step))
                rollout = next_state(rollout, outcome)
            self._kept(rollout)
            failpoint(AgentFailpoint.ROLLOUT_WRITTEN)
        finally:
            runtime.is_rolling = False
        if rollout.phase is Phase.DONE:
            self._ledger.came_through(incoming)
            await self._doors.arrived(incoming.release)
        else:
            trouble = trouble or Trouble(rollout.cause or "it was taken back")
            self._ledger.taken_back(incoming, None if self._cancelled.is_set() else trouble.cause)
        failpoint(AgentFailpoint.SERVICE_WRITTEN)
        return replace(_report(incoming, rollout, trouble), duration_s=time.monotonic() - started, steps=tuple(steps))

    async def _perform(self, performer: Performer, rollout: Rollout, action: Action) -> Outcome:
        """Perform a step; a step forward is left when the operation is cancelled, one back never is."""
        if rollout.phase is not Phase.RUNNING:
            return await performer.perform(action)
        step = asyncio.ensure_future(performer.perform(action))
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({step, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            return step.result() if step.done() else Failed("it was interrupted")
        finally:
            step.cancel()
            cancelled.cancel()

    def _kept(self, rollout: Rollout) -> Failed | None:
        """Write the state down; a step that cannot be written down is not done, except to take others back."""
        self._rollouts[rollout.work.service] = rollout
        try:
            self._ledger.write(self.run_id, tuple(self._rollouts.values()))
            failpoint(AgentFailpoint.STEP_WRITTEN)
        except SophiaError as error:
            return Failed(error.message) if rollout.phase is Phase.RUNNING else None
        return None

    def _trouble(self, runtime: ServiceRuntime, outcome: Outcome) -> Trouble:
        assert not isinstance(outcome, Succeeded)
        new = [one for one in runtime.instances if one.batch == self.run_id]
        if not new:
            return Trouble(outcome.cause)
        worst = new[-1]
        seen = None if never_came_up(worst) else worst.last_probe
        probe = None if seen is None else f"{seen.detail} {seen.last_answer}".strip()
        return Trouble(outcome.cause, probe, self._ledger.log_lines(worst))


def _report(incoming: Incoming, rollout: Rollout, trouble: Trouble | None) -> ServiceReport:
    work = incoming.work
    match rollout.phase:
        case Phase.DONE:
            action = ServiceAction.STOPPED if incoming.keeps_stopped else ServiceAction.DEPLOYED
            return ServiceReport(work.service, action, release=work.release, previous=work.previous)
        case Phase.STUCK:
            return ServiceReport(
                work.service, ServiceAction.INCOMPLETE, release=None, previous=work.previous, trouble=trouble
            )
        case _:
            action = ServiceAction.FAILED if work.previous is None else ServiceAction.ROLLED_BACK
            return ServiceReport(work.service, action, release=work.previous, previous=work.release, trouble=trouble)
