"""Creating a release: put together beside the others, brought to the disk, and only then given its number."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.deploy.fingerprint import Fingerprint
from sophia_cli.deploy.releases.bytecode import link_bytecode
from sophia_cli.deploy.releases.locking import store_lock
from sophia_cli.deploy.releases.model import Release, ReleaseContents, ReleaseDraft, ReleaseFile
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.places import (
    CONTENTS_RECORD,
    FINGERPRINT_RECORD,
    RELEASE_RECORD,
    TREE,
    Places,
    numbers_in,
)
from sophia_cli.deploy.releases.records import (
    encode_contents,
    encode_fingerprint,
    encode_release,
    read_contents,
    read_release,
)
from sophia_cli.deploy.releases.removal import sweep
from sophia_cli.deploy.releases.sources import Left, Sources
from sophia_cli.deploy.releases.syncing import sync_all
from sophia_cli.deploy.releases.tree_file import is_as_created, write_tree_file
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.inside import FileRefused, Folder, split_path
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import sync_folder

_PRIVATE = 0o700
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


def create(places: Places, draft: ReleaseDraft, sources: Sources, clock: Clock) -> Release:
    """Write a release and return it; `ReleaseStore.create` tells what is raised."""
    _check_fingerprint(draft.fingerprint, sources)
    with store_lock(places, clock):
        sweep(places)
        staging = places.staging(secrets.token_hex(8))
        try:
            _make_persisted(places.root, sources)
            number = _write(places, draft, sources, staging)
        except OSError as error:
            raise WriteFailed(error.filename or str(staging), error) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return read_release(places, draft.service.name, number)


def _check_fingerprint(fingerprint: Fingerprint, sources: Sources) -> None:
    """Require that the files are the very ones that the plan was made for."""
    present = sources.hashes
    for path, sha in (*fingerprint.code, *fingerprint.data):
        if present.get(path) != sha and not _is_linked_out(path, sources):
            raise SourcesChanged(path)


def _is_linked_out(path: str, sources: Sources) -> bool:
    return any(path == out.path or path.startswith(out.path + "/") for out in sources.linked_out)


def _make_persisted(root: Path, sources: Sources) -> None:
    """Create the folders that services keep data in; a path with a suffix is a file, which the service creates."""
    for out in sources.linked_out:
        place = root / out.path
        if out.why is Left.PERSIST and not os.path.lexists(place):
            is_file = bool(place.suffix) and not place.name.startswith(".")
            (place.parent if is_file else place).mkdir(parents=True, exist_ok=True)


def _write(places: Places, draft: ReleaseDraft, sources: Sources, staging: Path) -> int:
    service = draft.service.name
    os.mkdir(staging, _PRIVATE)
    failpoint(ReleaseFailpoint.STAGING_MADE)
    before = _Before.of(places, service)
    tree = staging / TREE
    contents = _Copy(places, sources, before, tree).make()
    link_bytecode(places.root, before.tree, tree, contents)
    failpoint(ReleaseFailpoint.TREE_COMPLETE)
    recorded = encode_contents(contents)
    _put(staging / CONTENTS_RECORD, recorded)
    _put(staging / FINGERPRINT_RECORD, encode_fingerprint(draft.fingerprint))
    _put(staging / RELEASE_RECORD, encode_release(draft, recorded))
    failpoint(ReleaseFailpoint.RECORDS_WRITTEN)
    sync_all(staging)
    failpoint(ReleaseFailpoint.RELEASE_ON_DISK)
    with contextlib.suppress(FileExistsError):
        os.mkdir(places.service(service), _PRIVATE)
    number = max(numbers_in(places, service), default=0) + 1
    os.rename(staging, places.release(service, number))
    failpoint(ReleaseFailpoint.RELEASE_NUMBERED)
    sync_folder(places.service(service))
    sync_folder(places.releases)
    return number


@dataclass(frozen=True, slots=True)
class _Before:
    """The latest release of the service: files of equal content are shared with it."""

    tree: Path | None = None
    files: Mapping[str, ReleaseFile] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Places, service: str) -> _Before:
        for number in reversed(numbers_in(places, service)):
            with contextlib.suppress(SophiaError):
                contents = read_contents(places, service, number)
                return cls(places.tree(service, number), {file.path: file for file in contents.files})
        return cls()


@dataclass(slots=True)
class _Copy:
    """One copy of the sources being made."""

    places: Places
    sources: Sources
    before: _Before
    tree: Path
    objects: ObjectStore = field(init=False)
    held: set[str] = field(init=False)
    trusted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.objects = ObjectStore(self.places.objects)
        self.held = set(self.objects.names())
        self.trusted = frozenset(_on_disk(self.places))

    def make(self) -> ReleaseContents:
        """Write the tree and return what it holds."""
        sources = self.sources
        self._make_folders()
        files: list[ReleaseFile] = []
        folders: dict[tuple[str, ...], Folder] = {}
        try:
            for file in sources.files:
                files.append(self._place(file, folders))
        finally:
            for folder in folders.values():
                folder.close()
        for link in sources.links:
            os.symlink(link.target, self.tree / link.path)
        ordered = tuple(sorted(files, key=lambda file: file.path))
        return ReleaseContents(ordered, sources.links, sources.folders)

    def _make_folders(self) -> None:
        os.mkdir(self.tree, 0o755)
        wanted = {path.rpartition("/")[0] for path in self._paths()} | set(self.sources.folders)
        made = {""}
        for folder in sorted(wanted):
            parts = folder.split("/")
            for depth in range(1, len(parts) + 1):
                above = "/".join(parts[:depth])
                if above not in made:
                    os.mkdir(self.tree / above, 0o755)
                    made.add(above)

    def _paths(self) -> list[str]:
        return [*(file.path for file in self.sources.files), *(link.path for link in self.sources.links)]

    def _place(self, file: ReleaseFile, folders: dict[tuple[str, ...], Folder]) -> ReleaseFile:
        """Put one file into the tree and its content into the store; return it as it is there."""
        old = self.before.files.get(file.path)
        if old is not None and (old.sha256, old.mode) == (file.sha256, file.mode) and self._share(old):
            return old
        data = self._read(file, folders)
        if not self._is_stored(file.sha256):
            self.objects.write(file.sha256, data)
            self.held.add(file.sha256)
        write_tree_file(self.tree / file.path, data, file)
        failpoint(ReleaseFailpoint.TREE_FILE_WRITTEN)
        return file

    def _share(self, old: ReleaseFile) -> bool:
        """Link to the earlier release's file; False when it is not what it was, or cannot be linked to."""
        if self.before.tree is None or old.sha256 not in self.held:
            return False
        place = self.tree / old.path
        try:
            os.link(self.before.tree / old.path, place, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            return False
        if is_as_created(os.fspath(place), old):
            failpoint(ReleaseFailpoint.TREE_FILE_LINKED)
            return True
        os.unlink(place)
        return False

    def _read(self, file: ReleaseFile, folders: dict[tuple[str, ...], Folder]) -> bytes:
        parts, name = split_path(file.path)
        try:
            if parts not in folders:
                folders[parts] = Folder(self.sources.root, parts, file.path)
            data = folders[parts].read(name).data
        except FileRefused as error:
            raise SourcesChanged(file.path) from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise SourcesChanged(file.path)
        return data

    def _is_stored(self, sha: str) -> bool:
        return sha in self.held and (sha in self.trusted or self.objects.read(sha) is not None)


def _on_disk(places: Places) -> Iterator[str]:
    """Return contents of complete releases: these were brought to the disk, others a power cut may have emptied."""
    for service in places.services():
        for number in numbers_in(places, service)[-1:]:
            with contextlib.suppress(SophiaError):
                yield from (file.sha256 for file in read_contents(places, service, number).files)


def _put(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        stream.write(data)
