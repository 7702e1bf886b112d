"""Recoveries beyond a restart: a release's copy that was edited, a package that is gone."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.missing_modules import distributions_for, explained, missing_module
from sophia_cli.deploy.releases.model import Release, TreeDifferences
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.deploy.supervisor_events import StartRequested
from sophia_cli.deploy.supervisor_model import Phase
from sophia_cli.project.host.spawn import Spawned, SpawnSpec, spawn
from sophia_cli.project.host.spawn_errors import SpawnFailed

log = logging.getLogger(__name__)
_SHOWN_FILES = 3
_INSTALL_LOG = "install.log"


class Healer:
    """Looks after what instances stand on: their copies and their packages."""

    def __init__(self, releases: ReleaseStore, keeper: Keeper, logs: Path) -> None:
        self._releases = releases
        self._keeper = keeper
        self._logs = logs
        self._installing: set[str] = set()
        self._told: dict[tuple[str, int], TreeDifferences] = {}
        self._fresh: set[tuple[str, int]] = set()

    def written(self, release: Release) -> None:
        """Know that a copy has just been written, from what was hashed then: it is not read again to be started."""
        self._fresh.add((release.name, release.number))

    def settled(self, service: str) -> None:
        """Know that the copies of a service are no longer fresh."""
        self._fresh = {key for key in self._fresh if key[0] != service}

    def look_at_copy(self, release: Release) -> None:
        """Compare a release's copy with what was created; bring it back where the settings allow it.

        What differs is told once, with the diff; the edited files are kept beside the copy. The working tree is never
        touched.
        """
        key = (release.name, release.number)
        if key in self._fresh:
            return
        try:
            found = self._releases.differences(release)
            if found.is_intact or self._told.get(key) == found:
                return
            self._told[key] = found
            self._tell(release, found)
        except (SophiaError, OSError) as error:
            log.warning("copy not looked at", extra={"service": release.name, "reason": str(error)})

    def _tell(self, release: Release, found: TreeDifferences) -> None:
        names = ", ".join(f"`{one.path}` {one.change.value}" for one in found.edited[:_SHOWN_FILES])
        more = f" and {len(found.edited) - _SHOWN_FILES} more" if len(found.edited) > _SHOWN_FILES else ""
        detail = f"the copy of release {release.number} was edited: {names}{more}"
        diff = "\n".join(one.diff for one in found.edited if one.diff)
        self._keeper.event(release.name, "release-edited", f"{detail}\n{diff}".rstrip())
        if not release.service.healing.restore:
            return
        started = time.monotonic()
        self._releases.restore(release)
        seconds = time.monotonic() - started
        if self._releases.differences(release).is_intact:
            self._keeper.record(
                release.name,
                "release-edited",
                detail,
                release=release.number,
                acts=("restore-copy",),
                seconds=seconds,
            )

    def look_for_package(
        self, instance: Instance, release_of: Callable[[Instance], Release], lines: tuple[str, ...], tasks: Tasks
    ) -> None:
        """Name the distribution that an instance which died lacks, as its last `lines` tell, and install it.

        That where the settings allow it; the instance is started at once then.
        """
        name, module = instance.id.service, missing_module(lines)
        if module is None or name in self._installing:
            return

        async def work() -> None:
            self._installing.add(name)
            try:
                is_there = await self._find_package(instance, release_of(instance), module)
            finally:
                self._installing.discard(name)
            # Meanwhile it may have waited, or been given up.
            if is_there and instance.state.phase in (Phase.BACKOFF, Phase.FAILED):
                instance.send(StartRequested())

        tasks.begin(work())

    async def _find_package(self, instance: Instance, release: Release, module: str) -> bool:
        """Only what the release's own lock names is ever installed, in that version. Returns whether it was."""
        locked = dict(release.lock.distributions)
        names = distributions_for(module, locked)
        detail = explained(module, names, locked)
        self._keeper.event(release.name, "module-missing", detail)
        name = next((one for one in names if one in locked), None)
        # An environment that Sophia built for releases is never changed; the next deployment builds another.
        if name is None or not release.service.healing.install or release.lock.environment:
            return False
        started = time.monotonic()
        code = await self._install(release, f"{name}=={locked[name]}", instance.wait_for)
        if code != 0:
            log.warning("not installed", extra={"instance": instance.id.name, "package": name, "exit_code": code})
            return False
        self._keeper.record(
            release.name,
            "module-missing",
            detail,
            release=release.number,
            acts=(f"install {name}=={locked[name]}",),
            seconds=time.monotonic() - started,
        )
        return True

    async def _install(self, release: Release, requirement: str, wait: Callable[[Spawned], Awaitable[int]]) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        output = os.open(self._logs / _INSTALL_LOG, flags, 0o600)
        try:
            words = (*_pip(release.lock.python), "install", "--no-input", "--no-deps", "--only-binary", ":all:")
            spawned = spawn(SpawnSpec((*words, requirement), dict(os.environ), Path("/"), output))
        except SpawnFailed as error:
            log.warning("installer not started", extra={"reason": error.message})
            return 1
        finally:
            os.close(output)
        if spawned.pidfd is not None:
            os.close(spawned.pidfd)
        return await wait(spawned)


def _pip(python: str) -> tuple[str, ...]:
    """Return pip for an environment: Sophia's own, since many have none, else that of the environment."""
    from importlib.util import find_spec

    if find_spec("pip") is None:
        return (python, "-I", "-m", "pip")
    return (sys.executable, "-I", "-m", "pip", "--python", python)
