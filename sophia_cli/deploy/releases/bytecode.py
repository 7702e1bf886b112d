"""Bytecode for a copy: what Python compiled before is linked into it, so that a start compiles nothing again."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from sophia_cli.deploy.releases.model import ReleaseContents, ReleaseFile

BYTECODE_FOLDER = "__pycache__"
BYTECODE_SUFFIX = ".pyc"
# PEP 552: magic, flags (0: valid for a time of change and a size), seconds, size.
_HEADER = struct.Struct("<4sLLL")
_WORD = 0xFFFFFFFF
_SECOND_NS = 1_000_000_000
# Bytecode names the second of its source. What was compiled in that very second may be of an earlier text.
_SETTLED_S = 2


def link_bytecode(root: Path, earlier: Sequence[Path], tree: Path, contents: ReleaseContents) -> int:
    """Link bytecode that fits into a tree and return how many files; without any, services start all the same.

    From trees of `earlier` releases for files that both share, else from the project. Python never writes into a
    bytecode file: it puts another one in its place, so sharing one is safe.
    """
    linked = 0
    by_folder: dict[str, dict[str, ReleaseFile]] = {}
    for file in contents.files:
        folder, _, name = file.path.rpartition("/")
        if name.endswith(".py"):
            by_folder.setdefault(folder, {})[name.removesuffix(".py")] = file
    for folder, modules in by_folder.items():
        for source in (*earlier, root):
            place = source / folder / BYTECODE_FOLDER
            linked += sum(_link(source, place, name, tree, folder, modules) for name in _bytecode_in(place))
    return linked


def _bytecode_in(folder: Path) -> Iterator[str]:
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return
        yield from sorted(name for name in os.listdir(folder) if name.endswith(BYTECODE_SUFFIX))
    except OSError:
        return


def _link(source: Path, place: Path, name: str, tree: Path, folder: str, modules: dict[str, ReleaseFile]) -> bool:
    file = modules.get(name.partition(".")[0])
    if file is None:
        return False
    try:
        own, theirs = os.lstat(tree / file.path), os.lstat(source / file.path)
        is_shared = (own.st_dev, own.st_ino) == (theirs.st_dev, theirs.st_ino)
        if not _fits(place / name, file, is_shared):
            return False
        target = tree / folder / BYTECODE_FOLDER
        with contextlib.suppress(FileExistsError):
            os.mkdir(target, 0o755)
        os.link(place / name, target / name, follow_symlinks=False)
    except OSError:
        return False
    return True


def _fits(path: Path, file: ReleaseFile, is_shared: bool) -> bool:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        head = os.read(handle, _HEADER.size)
        written_s = os.fstat(handle).st_mtime_ns // _SECOND_NS
    finally:
        os.close(handle)
    if len(head) != _HEADER.size:
        return False
    _, flags, seconds, size = _HEADER.unpack(head)
    changed_s = file.mtime_ns // _SECOND_NS
    is_for_this = (flags, seconds, size) == (0, changed_s & _WORD, file.size & _WORD)
    return is_for_this and (is_shared or written_s >= changed_s + _SETTLED_S)
