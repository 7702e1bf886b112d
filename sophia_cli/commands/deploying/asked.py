"""What `sophia deploy` was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli.core.values import dataclass

if TYPE_CHECKING:
    from sophia_cli.commands.deploying.workshop import Workshop
    from sophia_cli.deploy.plan import Wanted

# What is imported here, a first deployment waits for before it starts the agent.


@dataclass(frozen=True, slots=True)
class Asked:
    """Which services of a project (all when none is named), for which environment, with what in front of them.

    `everything`: also services that did not change. `canary` is the share of requests, in percent, that a release of a
    strict service gets first.
    """

    project: Path
    services: tuple[str, ...]
    everything: bool
    environment: str | None
    strict: bool
    canary: int | None

    @property
    def command(self) -> str:
        """The command as others who wait are told of it."""
        import shlex

        flags = [*(["--all"] if self.everything else []), *(["--strict"] if self.strict else [])]
        flags += [f"--canary={self.canary}"] if self.canary is not None else []
        return shlex.join(["sophia", "deploy", *self.services, *flags])

    @property
    def wanted(self) -> Wanted:
        """What a plan is to bring in."""
        from sophia_cli.deploy.plan import Wanted

        return Wanted(self.services, self.everything)

    def workshop(self, say: Callable[[str], None]) -> Workshop:
        """Read the project; raises what `open_workshop` raises."""
        from sophia_cli.commands.deploying.strict import strict_wish
        from sophia_cli.commands.deploying.workshop import open_workshop

        return open_workshop(self.project, self.environment, say, strict_wish(self.services, self.strict, self.canary))
