"""What a rollout needs beyond instances: the way to the public address, and the checks that guard it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.starter import ProjectStarter
from sophia_cli.agent.proxy.doors import StrictDoors
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.deploy.previews import is_behind_proxy
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.project.settings.service_model import Canary

_GATE_S = 10.0


class ProjectDoors:
    """The doors of one project's services."""

    def __init__(self, starter: ProjectStarter, releases: ReleaseStore, strict: StrictDoors) -> None:
        self._starter = starter
        self._releases = releases
        self._strict = strict

    async def attach(self, instance: Instance, canary: Canary | None, others: Sequence[Instance]) -> None:
        """Have an instance serve the public address as well; SophiaError says why it does not."""
        if self._starter.is_strict(instance):
            await self._strict.attach(instance, canary, others)
        else:
            await self._starter.attach(instance)

    async def prove_answers(self, instance: Instance, others: Sequence[Instance]) -> None:
        """Return once this very instance answers on the public address; SophiaError when it does not.

        Others that serve there step aside meanwhile where they can, and accept again afterwards.
        """
        try:
            for other in others:
                await self._starter.detach(other)
            if self._starter.is_strict(instance):
                await self._strict.prove_answers(instance)
            else:
                await self._starter.prove_answers(instance)
        finally:
            await self._attach_again(others)

    async def watch_canary(self, instance: Instance, canary: Canary, others: Sequence[Instance]) -> None:
        """Compare an instance that has a share of the requests with others; SophiaError when it fails more often."""
        await self._strict.watch_canary(instance, canary, others)

    async def depart(self, instance: Instance) -> None:
        """Have an instance that is about to be ended get nothing more, where somebody else gives it what it gets."""
        if self._starter.is_strict(instance):
            await self._strict.depart(instance)

    async def departed(self, instance: Instance) -> None:
        """Forget an instance that has ended for good."""
        if self._starter.is_strict(instance):
            await self._strict.departed(instance)

    async def arrived(self, release: Release) -> None:
        """Return once the way to a release that has come through is as it is to be, or is known not to be."""
        if is_behind_proxy(release.service):
            await self._strict.follow()

    async def readmit(self, instances: Sequence[Instance]) -> None:
        """Have instances that may have stepped aside, or were about to leave, serve the public address again."""
        for instance in instances:
            if self._starter.is_strict(instance):
                self._strict.readmit(instance)
        await self._attach_again(instances)

    async def _attach_again(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            # One that does not answer has ended or is about to; its supervisor sees to that.
            with contextlib.suppress(SophiaError):
                await self._starter.attach(instance)

    async def pass_gates(self, instance: Instance, release: Release) -> None:
        """Run the checks that guard a rollout against the instance's own address; SophiaError names what failed."""
        # Most services declare no gate, and what runs them takes memory.
        from sophia_cli.checks.gates import run_gates

        results = await run_gates(
            release.name,
            release.service.checks,
            self._starter.endpoint(instance),
            self._releases.tree(release),
            _GATE_S,
            self._starter.secrets_of(release),
        )
        failed = next((result for result in results if not result.passed), None)
        if failed is not None:
            raise SophiaError(
                "gate-failed",
                f"gate `{failed.name}` failed: {failed.message}",
                hint="`sophia verify` runs the same check against what serves",
                exit_code=ExitCode.ROLLED_BACK,
            )
