"""A small project that is released again and again, for tests of the release store."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.releases.model import PackageLock, Release, ReleaseDraft
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.sources import Sources, read_sources
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

PACKS = ".sophia/store/packs"
CREATED = "2026-01-02T03:04:05+00:00"


@dataclass(slots=True)
class ReleasedProject:
    """A project root, and releases of it."""

    root: Path
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def store(self) -> ReleaseStore:
        """The store of releases, opened anew each time."""
        return ReleaseStore(StateFolder(self.root))

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the project, with the folders above them."""
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *words: str) -> None:
        """Run git in the project."""
        names = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(self.root), *names, *words], check=True, capture_output=True)

    def sources(self, persist: tuple[str, ...] = ()) -> Sources:
        """Read what releases are made of."""
        return read_sources(self.root, persist=persist)

    def release(
        self, service: str = "api", persist: tuple[str, ...] = (), code: Mapping[str, str] | None = None
    ) -> Release:
        """Make a release of the project as it is."""
        return self.store.create(draft_of(service, code or {}), self.sources(persist), self.clock)

    def tree(self, release: Release) -> dict[str, bytes | str]:
        """Return what a release's tree holds: bytes of files, targets of links."""
        return picture(self.store.tree(release))

    def objects(self) -> int:
        """Return how many contents the store holds."""
        return len(ObjectStore(self.root / PACKS).names())


def draft_of(service: str, code: Mapping[str, str] | None = None) -> ReleaseDraft:
    """Return a draft of a release that is about nothing in particular."""
    settings = Service(service, app="app:app", port=9001)
    fingerprint = fingerprint_of(settings, code=code or {}, data={}, secrets={"K": "h"}, packages={}, python="3.11.4")
    lock = PackageLock("/usr/bin/python3", "3.11.4", (("starlette", "0.41"),))
    return ReleaseDraft(settings, CREATED, "staging", "abc123", fingerprint, lock, ("src",))


def picture(tree: Path) -> dict[str, bytes | str]:
    """Return every file below a folder with its bytes, and every link with its target."""
    found: dict[str, bytes | str] = {}
    for top, folders, files in os.walk(tree):
        for name in (*files, *folders):
            path = Path(top, name)
            if path.is_symlink():
                found[path.relative_to(tree).as_posix()] = os.readlink(path)
            elif path.is_file():
                found[path.relative_to(tree).as_posix()] = path.read_bytes()
    return found
