"""What a rollout needs beyond instances: the way to the public address, and the checks that guard it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from sophia_cli.agent.instance import Instance
from sophia_cli.agent.starter import ProjectStarter
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.store import ReleaseStore

_GATE_S = 10.0


class ProjectDoors:
    """The doors of one project's services."""

    def __init__(self, starter: ProjectStarter, releases: ReleaseStore) -> None:
        self._starter = starter
        self._releases = releases

    async def attach(self, instance: Instance) -> None:
        """Have an instance accept on the public address as well; SophiaError says why it does not."""
        await self._starter.attach(instance)

    async def prove_answers(self, instance: Instance, others: Sequence[Instance]) -> None:
        """Return once this very instance answers on the public address; SophiaError when it does not.

        Others that serve there step aside meanwhile where they can, and accept again afterwards.
        """
        try:
            for other in others:
                await self._starter.detach(other)
            await self._starter.prove_answers(instance)
        finally:
            await self.readmit(others)

    async def readmit(self, instances: Sequence[Instance]) -> None:
        """Have instances that may have stepped aside accept on the public address again."""
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
