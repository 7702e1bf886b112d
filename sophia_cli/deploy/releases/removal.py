"""Removing a release from the disk: moved away first, then file by file, and nothing that Sophia did not write."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.releases.model import ReleaseContents
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.places import (
    CONTENTS_RECORD,
    EDITED,
    FINGERPRINT_RECORD,
    RELEASE_RECORD,
    SEEN_INTACT,
    TEMPORARY,
    TREE,
    Places,
)
from sophia_cli.deploy.releases.records import decode_contents
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint

_RECORDS = (SEEN_INTACT, FINGERPRINT_RECORD, RELEASE_RECORD)


def sweep(places: Places) -> None:
    """Finish what was killed: drop half-made releases, go on with removals. The caller holds the lock. OSError."""
    ObjectStore(places.objects).sweep()
    for folder in places.unfinished():
        _remove(folder)
    for folder in places.half_removed():
        remove_files(folder)


def remove_release(places: Places, service: str, number: int) -> None:
    """Remove a release: at once out of sight, and its files after that. OSError."""
    away = places.removing(service, number)
    os.rename(places.release(service, number), away)
    failpoint(ReleaseFailpoint.RELEASE_MOVED_AWAY)
    remove_files(away)


def remove_files(folder: Path) -> None:
    """Remove what Sophia wrote into a release's folder; what somebody else put there stays, and so do its folders."""
    contents = _contents(folder)
    known = {file.path for file in contents.files} | {link.path for link in contents.links}
    tree = os.fspath(folder / TREE)
    for top, folders, files in os.walk(tree, topdown=False):
        inside = os.path.relpath(top, tree)
        prefix = "" if inside == "." else inside.replace(os.sep, "/") + "/"
        is_bytecode = os.path.basename(top) == "__pycache__"
        for name in (*files, *(name for name in folders if os.path.islink(os.path.join(top, name)))):
            if prefix + name in known or (is_bytecode and name.endswith(".pyc")):
                os.unlink(os.path.join(top, name))
                failpoint(ReleaseFailpoint.RELEASE_FILE_REMOVED)
        with contextlib.suppress(OSError):
            os.rmdir(top)
    if (folder / EDITED).is_dir():
        _remove(folder / EDITED)
    # The list of what is ours goes last: a removal that is killed can be gone on with.
    for name in os.listdir(folder):
        if name in _RECORDS or name.endswith(TEMPORARY):
            os.unlink(folder / name)
    if not (folder / TREE).exists():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / CONTENTS_RECORD)
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    failpoint(ReleaseFailpoint.RELEASE_REMOVED)


def _contents(folder: Path) -> ReleaseContents:
    path = folder / CONTENTS_RECORD
    try:
        return decode_contents(path, path.read_bytes())
    except (OSError, SophiaError):
        return ReleaseContents(())


def _remove(folder: Path) -> None:
    # Seldom needed, and it imports what reads archives.
    from shutil import rmtree

    rmtree(folder)
