"""The releases of a project on the disk: the one door to them, cheap to open and to read from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli.deploy.releases.model import Release, ReleaseContents, TreeDifferences
from sophia_cli.deploy.releases.places import Places, numbers_in
from sophia_cli.deploy.releases.records import read_contents, read_fingerprint, read_release
from sophia_cli.project.state_folder import StateFolder

if TYPE_CHECKING:
    from sophia_cli.deploy.fingerprint import Fingerprint
    from sophia_cli.deploy.releases.model import Pruned, ReleaseDraft
    from sophia_cli.deploy.releases.sources import Sources
    from sophia_cli.project.clock import Clock


class ReleaseStore:
    """The releases in `.sophia/releases/`. Numbers count from 1 for every service and never come back.

    Reading, comparing and restoring import little and need no lock; creating and pruning take the store's own lock.
    """

    __slots__ = ("_places",)

    def __init__(self, state: StateFolder) -> None:
        self._places = Places(state)

    def services(self) -> tuple[str, ...]:
        """Return the services that have, or had, releases."""
        return self._places.services()

    def numbers(self, service: str) -> tuple[int, ...]:
        """Return the numbers of a service's releases, the lowest first."""
        return numbers_in(self._places, service)

    def read(self, service: str, number: int) -> Release:
        """Return a release; SophiaError (`release-missing`, `release-damaged`) when it cannot be read."""
        return read_release(self._places, service, number)

    def contents(self, release: Release) -> ReleaseContents:
        """Return what a release's tree was created with; raises what `read` raises."""
        return read_contents(self._places, release.name, release.number)

    def fingerprint(self, release: Release) -> Fingerprint:
        """Return what a release runs with, part by part; raises what `read` raises."""
        return read_fingerprint(self._places, release.name, release.number)

    def environments(self) -> frozenset[str]:
        """Return the digests of the environments that releases run in; raises what `read` raises."""
        found = (self.read(service, number) for service in self._places.services() for number in self.numbers(service))
        return frozenset(release.lock.environment for release in found if release.lock.environment)

    def tree(self, release: Release) -> Path:
        """Return the folder with a release's copy of the project."""
        return self._places.tree(release.name, release.number)

    def differences(self, release: Release) -> TreeDifferences:
        """Return how a release's tree differs from what was created; files that were seen intact are not read again."""
        from sophia_cli.deploy.releases.compare import compare

        return compare(self._places, release.name, release.number)

    def restore(self, release: Release) -> TreeDifferences:
        """Bring edited and removed files of a tree back, and return what differed.

        Files that somebody added stay, and so do edited ones: beside the tree, in `edited/`. SophiaError
        (`release-damaged`) when the store no longer has a file's content; WriteFailed when the disk refuses.
        """
        from sophia_cli.deploy.releases.restore import restore

        return restore(self._places, release.name, release.number)

    def create(self, draft: ReleaseDraft, sources: Sources, clock: Clock) -> Release:
        """Write a release of these sources and return it, with the next number; raises what `create_all` raises."""
        return self.create_all((draft,), sources, clock)[0]

    def create_all(self, drafts: Sequence[ReleaseDraft], sources: Sources, clock: Clock) -> tuple[Release, ...]:
        """Write releases of several services in one go, much faster than one by one; return them in that order.

        Raises SophiaError (`release-sources-changed`) when a file is no longer what the fingerprint says, WriteFailed
        when the disk refuses, BusyError (`releases-busy`). Whatever happens, each release is there whole or not at all.
        """
        from sophia_cli.deploy.releases.create import create

        return create(self._places, drafts, sources, clock)

    def prune(self, service: str, protect: Collection[int], clock: Clock, keep: int = 5) -> Pruned:
        """Remove a service's old releases, all but the `keep` latest, and return what was done.

        Never one of `protect`, never the latest, never one that holds files that Sophia did not write. Raises BusyError
        (`releases-busy`) and WriteFailed.
        """
        from sophia_cli.deploy.releases.prune import prune

        return prune(self._places, service, protect, keep, clock)
