"""Where releases and the contents of their files lie below `.sophia/`."""

from __future__ import annotations

import os
from pathlib import Path

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.state_folder import StateFolder

TREE = "tree"
EDITED = "edited"
RELEASE_RECORD = "release.json"
CONTENTS_RECORD = "contents.json"
FINGERPRINT_RECORD = "fingerprint.json"
SEEN_INTACT = "seen-intact.json"
TEMPORARY = ".tmp"
"""How the names of half-written files in a release's folder end; the tree is not in question."""

_NUMBER = late_pattern(r"[1-9][0-9]*")
_STAGING = ".staging-"
_REMOVING = ".removing-"


class Places:
    """The paths of the release store of one project; nothing is created here."""

    __slots__ = ("objects", "releases", "root", "state", "store")

    def __init__(self, state: StateFolder) -> None:
        self.state = state
        self.root = state.root
        self.releases = state.path / "releases"
        self.store = state.path / "store"
        self.objects = self.store / "packs"

    @property
    def lock_file(self) -> Path:
        """The file that whoever creates or prunes releases holds locked."""
        return self.store / "lock"

    def service(self, service: str) -> Path:
        """Return the folder with a service's releases."""
        return self.releases / service

    def release(self, service: str, number: int) -> Path:
        """Return the folder of one release."""
        return self.releases / service / str(number)

    def tree(self, service: str, number: int) -> Path:
        """Return the folder with the copy of the project."""
        return self.release(service, number) / TREE

    def staging(self, token: str) -> Path:
        """Return where a release is put together before it has a number; names of services begin with no dot."""
        return self.releases / f"{_STAGING}{token}"

    def removing(self, service: str, number: int) -> Path:
        """Return where a release is moved to before its files are removed."""
        return self.releases / f"{_REMOVING}{number}-{service}"

    def unfinished(self) -> tuple[Path, ...]:
        """Return the staging folders that creations which were killed left behind."""
        return self._starting_with(_STAGING)

    def half_removed(self) -> tuple[Path, ...]:
        """Return the releases that are no more, and whose removal was not finished."""
        return self._starting_with(_REMOVING)

    def services(self) -> tuple[str, ...]:
        """Return the services that have a folder of releases."""
        try:
            names = os.listdir(self.releases)
        except OSError:
            return ()
        return tuple(sorted(name for name in names if not name.startswith(".")))

    def _starting_with(self, prefix: str) -> tuple[Path, ...]:
        try:
            names = os.listdir(self.releases)
        except OSError:
            return ()
        return tuple(self.releases / name for name in sorted(names) if name.startswith(prefix))


def numbers_in(places: Places, service: str) -> tuple[int, ...]:
    """Return the numbers of a service's releases, the lowest first; none where there are none."""
    return numbers_at(places.service(service))


def numbers_at(folder: Path) -> tuple[int, ...]:
    """Return the numbers of the releases in a service's folder, the lowest first; none where there are none."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    return tuple(sorted(int(name) for name in names if _NUMBER.fullmatch(name)))
