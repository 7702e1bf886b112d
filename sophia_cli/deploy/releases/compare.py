"""How a release's tree differs from what was created: stamps first, and content only where a stamp does not tell."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import time_ns

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.fingerprint import Change
from sophia_cli.deploy.releases.model import (
    FileDifference,
    ReleaseContents,
    ReleaseFile,
    ReleaseLink,
    TreeDifferences,
)
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.places import SEEN_INTACT, TEMPORARY, Places
from sophia_cli.deploy.releases.records import read_contents
from sophia_cli.deploy.releases.tree_file import is_as_created

# A file that changed twice within one tick of the file system's clock has one stamp for two contents.
_TICK_NS = 50_000_000
_LARGEST_DIFF = 256 * 1024
_MOST_LINES = 400
_Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a tree found: recorded files that changed or are gone, and files that nobody recorded."""

    contents: ReleaseContents
    edited: Mapping[str, Change]
    added: tuple[str, ...]


def compare(places: Places, service: str, number: int) -> TreeDifferences:
    """Return how a tree differs; raises what `read_contents` raises."""
    looked = look(places, service, number)
    if not looked.edited and not looked.added:
        return TreeDifferences()
    tree, objects = places.tree(service, number), ObjectStore(places.objects)
    recorded = {file.path: file for file in looked.contents.files}
    edited = tuple(
        FileDifference(path, change, _diff(path, tree, recorded.get(path), objects))
        for path, change in sorted(looked.edited.items())
    )
    return TreeDifferences(edited, tuple(FileDifference(path, Change.ADDED) for path in looked.added))


def look(places: Places, service: str, number: int, now_ns: Callable[[], int] = time_ns) -> Looked:
    """Compare every recorded file with the tree; raises what `read_contents` raises.

    A file whose stamp is the one with which it was last seen intact is not read.
    """
    contents = read_contents(places, service, number)
    tree, remembered = places.tree(service, number), places.release(service, number) / SEEN_INTACT
    seen = _read_seen(remembered)
    began = now_ns()
    intact: dict[str, _Stamp] = {}
    edited: dict[str, Change] = {}
    # A thousand files at every look: joining texts costs a tenth of joining paths.
    top = f"{tree}{os.sep}"
    astray = _folders_astray(top, contents)
    for file in contents.files:
        stamp = None if file.path.rpartition("/")[0] in astray else _stamp_of(top + file.path)
        if stamp is None:
            edited[file.path] = Change.REMOVED
        elif seen.get(file.path) == stamp or is_as_created(top + file.path, file):
            intact[file.path] = stamp
        else:
            edited[file.path] = Change.CHANGED
    for link in contents.links:
        is_gone = link.path.rpartition("/")[0] in astray
        change = Change.REMOVED if is_gone else _link_change(tree, link)
        if change is not None:
            edited[link.path] = change
    # A stamp of this very moment could stay the same through another edit, so it is not believed later on.
    settled = {path: stamp for path, stamp in intact.items() if stamp[2] < began - _TICK_NS}
    if settled != seen:
        _write_seen(remembered, settled)
    return Looked(contents, edited, tuple(_added(tree, contents)))


def _folders_astray(top: str, contents: ReleaseContents) -> frozenset[str]:
    """Return the folders of a tree that are gone, or that a link or a file stands for; and those below them."""
    folders: set[str] = set()
    for path in (*(file.path for file in contents.files), *(link.path for link in contents.links)):
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    astray: set[str] = set()
    for folder in sorted(folders):
        if folder.rpartition("/")[0] in astray or not _is_folder(top + folder):
            astray.add(folder)
    return frozenset(astray)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _stamp_of(path: str) -> _Stamp | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _link_change(tree: Path, link: ReleaseLink) -> Change | None:
    try:
        return None if os.readlink(tree / link.path) == link.target else Change.CHANGED
    except FileNotFoundError:
        return Change.REMOVED
    except OSError:
        return Change.CHANGED


def _added(tree: Path, contents: ReleaseContents) -> Iterator[str]:
    """Return what nobody recorded; bytecode that Python writes beside its sources does not count."""
    recorded = {file.path for file in contents.files} | {link.path for link in contents.links}
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(tree / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    pending.append(path)
            elif path not in recorded and not entry.name.endswith(".pyc"):
                yield path


def _diff(path: str, tree: Path, file: ReleaseFile | None, objects: ObjectStore) -> str:
    """Return a unified diff, empty for what is not text, is too large, or differs in its mode only."""
    before = objects.read(file.sha256) if file is not None and file.size <= _LARGEST_DIFF else None
    if before is None:
        return ""
    after = b""
    with contextlib.suppress(OSError):
        handle = os.open(tree / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            after = stream.read(_LARGEST_DIFF + 1)
    if len(after) > _LARGEST_DIFF or b"\0" in before or b"\0" in after:
        return ""
    from difflib import unified_diff

    old, new = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (before, after))
    lines = list(unified_diff(old, new, f"released/{path}", f"found/{path}"))
    told = [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines[:_MOST_LINES]]
    more = f"... {len(lines) - _MOST_LINES} more lines\n" if len(lines) > _MOST_LINES else ""
    return "".join(told) + more


def _read_seen(path: Path) -> dict[str, _Stamp]:
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    seen: dict[str, _Stamp] = {}
    for row in rows if isinstance(rows, list) else ():
        match row:
            case [str(name), int(size), int(mtime_ns), int(ctime_ns), int(inode)]:
                seen[name] = (size, mtime_ns, ctime_ns, inode)
    return seen


def _write_seen(path: Path, stamps: Mapping[str, _Stamp]) -> None:
    """Remember stamps; a disk that refuses only costs the next look its speed."""
    rows = [[name, *stamp] for name, stamp in stamps.items()]
    beside = path.with_suffix(f".{os.getpid()}{TEMPORARY}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(json.dumps(rows, separators=(",", ":")).encode("ascii"))
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
