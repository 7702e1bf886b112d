"""The commits of a repository, newest first, each with the files it changed: one `git log` for the whole history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sophia_cli.project.history.quarantine import GitFailed, Pipe

_FILE_MODES = (b"100644", b"100755", b"100664")
_COMMIT = b"\x01"


class Version(NamedTuple):
    """A file's content at one commit: its path and its object id."""

    path: bytes
    blob: str


class Change(NamedTuple):
    """What a commit did to one file: the version after it (None: removed) and before it, one for each parent.

    A version before is None where that parent has no such file. A merge lists only files that differ from all parents.
    """

    after: Version | None
    before: tuple[Version | None, ...]


class Commit(NamedTuple):
    """One commit: its id, its parents, the files it changed."""

    id: str
    parents: tuple[str, ...]
    changes: tuple[Change, ...]


def log_arguments(
    head: str, suffixes: Sequence[str], limit: int, *, exact_renames: bool = False, strict_order: bool = False
) -> list[str]:
    """Return the git arguments whose output `read_log` reads.

    Renames of similar files are found; with `exact_renames` only those of equal files, which needs no file contents.
    Commits come as git meets them, newest first: at once, but where clocks were wrong a parent may come before one of
    its children. With `strict_order` it never does, and no side branch is left out, but git reads all before the first.
    """
    return [
        "log",
        *(["--topo-order", "--full-history"] if strict_order else []),
        "-z",
        "--raw",
        "--no-abbrev",
        "-M100%" if exact_renames else "-M",
        "-l1000",
        "-c",
        "--combined-all-paths",
        "--root",
        "--no-ext-diff",
        "--no-textconv",
        "--no-show-signature",
        "--no-color",
        "--no-mailmap",
        "--no-notes",
        "--ignore-submodules=all",
        f"--max-count={limit}",
        "--format=%x01%H %P",
        head,
        "--",
        *(f"*{suffix}" for suffix in suffixes),
    ]


def read_log(pipe: Pipe) -> Iterator[Commit]:
    """Yield the commits of a running `git log`, newest first; GitFailed when it breaks off."""
    commit: tuple[str, tuple[str, ...]] | None = None
    changes: list[Change] = []
    while True:
        token = pipe.read_until(b"\0")
        if token is None:
            break
        token = token.removeprefix(b"\n")
        if token.startswith(_COMMIT):
            if commit is not None:
                yield Commit(*commit, tuple(changes))
            first, *parents = token[1:].decode("ascii").split()
            commit, changes = (first, tuple(parents)), []
        elif token.startswith(b":"):
            changes.append(_change(token, pipe))
    pipe.finish()
    if commit is not None:
        yield Commit(*commit, tuple(changes))


def _change(header: bytes, pipe: Pipe) -> Change:
    """Return one raw entry: `:MODE MODE ID ID STATUS`, with a colon, a mode and an id more for each further parent."""
    parents = len(header) - len(header.lstrip(b":"))
    fields = header[parents:].split(b" ")
    modes, blobs, status = fields[: parents + 1], fields[parents + 1 : 2 * parents + 2], fields[-1]
    combined = parents > 1
    count = parents + 1 if combined or status[:1] in b"RC" else 1
    paths = [_path(pipe) for _ in range(count)]
    if count == 1:
        paths *= parents + 1
    versions = [
        Version(path, blob.decode("ascii")) if mode in _FILE_MODES else None
        for path, mode, blob in zip(paths, modes, blobs, strict=True)
    ]
    return Change(versions[-1], tuple(versions[:-1]))


def _path(pipe: Pipe) -> bytes:
    path = pipe.read_until(b"\0")
    if path is None:
        raise GitFailed(pipe.complaint())
    return path
