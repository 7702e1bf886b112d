"""Creating releases: put together beside the others, brought to the disk, and only then given their numbers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.deploy.fingerprint import Fingerprint
from sophia_cli.deploy.releases.bytecode import link_bytecode
from sophia_cli.deploy.releases.copying import Copier, EarlierCopy, SourcesChanged, latest_copies
from sophia_cli.deploy.releases.locking import store_lock
from sophia_cli.deploy.releases.model import Release, ReleaseContents, ReleaseDraft
from sophia_cli.deploy.releases.objects import ObjectStore, PackWriter
from sophia_cli.deploy.releases.places import (
    CONTENTS_RECORD,
    FINGERPRINT_RECORD,
    RELEASE_RECORD,
    TREE,
    Places,
    numbers_in,
)
from sophia_cli.deploy.releases.records import encode_contents, encode_fingerprint, encode_release, numbered
from sophia_cli.deploy.releases.removal import sweep
from sophia_cli.deploy.releases.sources import Left, Sources
from sophia_cli.deploy.releases.syncing import sync_all
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import sync_folder

_PRIVATE = 0o700


def create(places: Places, drafts: Sequence[ReleaseDraft], sources: Sources, clock: Clock) -> tuple[Release, ...]:
    """Write releases and return them in the order of the drafts; `ReleaseStore.create` tells what is raised.

    All are brought to the disk before the first has its number.
    """
    for draft in drafts:
        _check_fingerprint(draft.fingerprint, sources)
    numbers: list[int] = []
    with store_lock(places, clock):
        pack = PackWriter(places.objects)
        try:
            sweep(places)
            _make_persisted(places.root, sources)
            staged = _stage(places, drafts, sources, pack)
            pack.finish()
            services = list(dict.fromkeys(draft.service.name for draft in drafts))
            for service in services:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(places.service(service), _PRIVATE)
            sync_all(places.releases)
            failpoint(ReleaseFailpoint.RELEASE_ON_DISK)
            pack.publish()
            failpoint(ReleaseFailpoint.PACK_PUBLISHED)
            numbers += [_number(places, draft, at) for draft, at in zip(drafts, staged, strict=True)]
            # Everything else is on the disk already, so this is little more than one wait in place of many.
            if len(services) > 1:
                sync_all(places.releases)
            else:
                for folder in (*map(places.service, services), places.releases):
                    sync_folder(folder)
        except OSError as error:
            raise WriteFailed(error.filename or str(places.releases), error) from error
        finally:
            pack.discard()
            # What has its number is no longer there under this name.
            if leftovers := places.unfinished():
                from shutil import rmtree

                for leftover in leftovers:
                    rmtree(leftover, ignore_errors=True)
    return tuple(numbered(draft, number) for draft, number in zip(drafts, numbers, strict=True))


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


def _stage(places: Places, drafts: Sequence[ReleaseDraft], sources: Sources, pack: PackWriter) -> list[Path]:
    """Put releases together, each whole in a folder of its own; return the folders."""
    copies = latest_copies(places, [draft.service.name for draft in drafts])
    copier = Copier(sources, pack, set(ObjectStore(places.objects).names()))
    fresh: tuple[EarlierCopy, ...] = ()
    staged: list[Path] = []
    try:
        for draft in drafts:
            folder = places.staging(os.urandom(8).hex())
            os.mkdir(folder, _PRIVATE)
            failpoint(ReleaseFailpoint.STAGING_MADE)
            name = draft.service.name
            own = (copies[name],) if name in copies else ()
            others = tuple(copy for other, copy in copies.items() if other != name)[:1]
            earlier = (*own, *(fresh or others))
            contents = copier.copy(folder / TREE, earlier)
            link_bytecode(places.root, [copy.tree for copy in earlier], folder / TREE, contents)
            failpoint(ReleaseFailpoint.TREE_COMPLETE)
            _record(folder, draft, contents)
            fresh = (EarlierCopy(folder / TREE, {file.path: file for file in contents.files}, is_fresh=True),)
            staged.append(folder)
    finally:
        copier.close()
    return staged


def _record(folder: Path, draft: ReleaseDraft, contents: ReleaseContents) -> None:
    recorded = encode_contents(contents)
    _put(folder / CONTENTS_RECORD, recorded)
    _put(folder / FINGERPRINT_RECORD, encode_fingerprint(draft.fingerprint))
    _put(folder / RELEASE_RECORD, encode_release(draft, recorded))
    failpoint(ReleaseFailpoint.RECORDS_WRITTEN)


def _number(places: Places, draft: ReleaseDraft, staged: Path) -> int:
    """Give a release that is on the disk the next number of its service."""
    service = draft.service.name
    number = max(numbers_in(places, service), default=0) + 1
    os.rename(staged, places.release(service, number))
    failpoint(ReleaseFailpoint.RELEASE_NUMBERED)
    return number


def _put(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        stream.write(data)
