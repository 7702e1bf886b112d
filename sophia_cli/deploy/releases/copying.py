"""The copy of a project that a release is: shared with earlier copies where equal, written where not."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from sophia_cli.core.digests import sha256_hex
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass, field
from sophia_cli.deploy.releases.model import ReleaseContents, ReleaseFile
from sophia_cli.deploy.releases.objects import PackWriter
from sophia_cli.deploy.releases.places import Places, numbers_in
from sophia_cli.deploy.releases.records import read_contents
from sophia_cli.deploy.releases.sources import Sources
from sophia_cli.deploy.releases.tree_file import is_as_created, write_tree_file
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.inside import FileRefused, Folder, split_path

_NO_LINK = (errno.EMLINK, errno.ENOENT, errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ELOOP)


class SourcesChanged(SophiaError):
    """Somebody wrote a file between the look at it and the copy."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, path: str) -> None:
        super().__init__(
            "release-sources-changed",
            f"`{path}` changed while the release was made; nothing was deployed",
            hint="deploy again once the file is as you want it",
            location=path,
        )


@dataclass(frozen=True, slots=True)
class EarlierCopy:
    """A copy whose files can be shared; `is_fresh` tells that it was made a moment ago, so nobody edited it yet."""

    tree: Path
    files: Mapping[str, ReleaseFile]
    is_fresh: bool = False


def latest_copies(places: Places, services: Collection[str]) -> dict[str, EarlierCopy]:
    """Return the latest copies of services, by service, and one of another where a service has none.

    One that cannot be read is passed over.
    """
    found: dict[str, EarlierCopy] = {}
    others = [service for service in places.services() if service not in services]
    for service in (*dict.fromkeys(services), *others):
        if service in others and (len(found) >= len(set(services)) or any(other in found for other in others)):
            break
        for number in reversed(numbers_in(places, service)):
            with contextlib.suppress(SophiaError):
                files = {file.path: file for file in read_contents(places, service, number).files}
                found[service] = EarlierCopy(places.tree(service, number), files)
                break
    return found


@dataclass(slots=True)
class Copier:
    """Makes copies of the same sources, one after the other; `held` are contents that are in the store already."""

    sources: Sources
    pack: PackWriter
    held: set[str]
    folders: dict[tuple[str, ...], Folder] = field(default_factory=dict)

    def close(self) -> None:
        """Close the folders of the project that were opened."""
        for folder in self.folders.values():
            folder.close()
        self.folders.clear()

    def copy(self, tree: Path, earlier: Sequence[EarlierCopy]) -> ReleaseContents:
        """Write a copy at `tree` and return what it holds; files are shared with the first of `earlier` that has them.

        SourcesChanged when a file is no longer what it was when the sources were read; OSError.
        """
        os.mkdir(tree, 0o755)
        for folder in self._folders():
            os.mkdir(tree / folder, 0o755)
        top = f"{tree}{os.sep}"
        files = tuple(self._place(top, file, earlier) for file in self.sources.files)
        for link in self.sources.links:
            os.symlink(link.target, top + link.path)
        return ReleaseContents(files, self.sources.links, self.sources.folders)

    def _folders(self) -> Iterator[str]:
        """Yield every folder of the copy after the one above it."""
        paths = [*(file.path for file in self.sources.files), *(link.path for link in self.sources.links)]
        found: set[str] = set()
        for folder in (*(path.rpartition("/")[0] for path in paths), *self.sources.folders):
            above = folder
            while above and above not in found:
                found.add(above)
                above = above.rpartition("/")[0]
        yield from sorted(found)

    def _place(self, top: str, file: ReleaseFile, earlier: Sequence[EarlierCopy]) -> ReleaseFile:
        """Put one file into the copy and its content into the store; return it as it is there."""
        for copy in earlier:
            old = copy.files.get(file.path)
            if old is not None and (old.sha256, old.mode) == (file.sha256, file.mode) and self._share(top, old, copy):
                return old
        data = self._read(file)
        if file.sha256 not in self.held:
            self.pack.add(file.sha256, data)
            self.held.add(file.sha256)
        write_tree_file(Path(top + file.path), data, file)
        failpoint(ReleaseFailpoint.TREE_FILE_WRITTEN)
        return file

    def _share(self, top: str, old: ReleaseFile, copy: EarlierCopy) -> bool:
        """Link to an earlier copy's file; False when it is not what it was, or cannot be linked to."""
        if old.sha256 not in self.held:
            return False
        place = top + old.path
        try:
            os.link(f"{copy.tree}{os.sep}{old.path}", place, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            return False
        if copy.is_fresh or is_as_created(place, old):
            failpoint(ReleaseFailpoint.TREE_FILE_LINKED)
            return True
        os.unlink(place)
        return False

    def _read(self, file: ReleaseFile) -> bytes:
        parts, name = split_path(file.path)
        try:
            if parts not in self.folders:
                self.folders[parts] = Folder(self.sources.root, parts, file.path)
            data = self.folders[parts].read(name).data
        except FileRefused as error:
            raise SourcesChanged(file.path) from error
        if sha256_hex(data) != file.sha256:
            raise SourcesChanged(file.path)
        return data
