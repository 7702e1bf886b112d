"""Where a project's git data lies and which commit is checked out, read from files: no process, no configuration."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass

_COMMIT = late_pattern(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_REF = late_pattern(r"refs/(?:(?!\.)[^\x00-\x20~^:?*\[\\/]+/)*(?!\.)[^\x00-\x20~^:?*\[\\/]+\Z")
_PACKED_REFS_LIMIT = 64_000_000
_SMALL = 65_536


@dataclass(frozen=True, slots=True)
class Repository:
    """A git checkout: its top folder, the folder of its HEAD, the folder of its objects and refs, the root in it.

    `git_dir` and `common_dir` differ in a linked worktree. `prefix` is the project root relative to `top`, with `/` at
    the end, empty when they are the same folder.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    prefix: bytes

    @property
    def objects(self) -> Path:
        """The folder of loose objects and packs."""
        return self.common_dir / "objects"


def find_repository(root: Path) -> Repository | None:
    """Return the git checkout that `root` lies in, the nearest one upwards; None when there is none."""
    root = Path(os.path.abspath(root))
    for top in (root, *root.parents):
        git_dir = _git_dir(top / ".git")
        if git_dir is None:
            continue
        common = _read(git_dir / "commondir")
        common_dir = Path(os.path.normpath(git_dir / os.fsdecode(common.strip()))) if common else git_dir
        if (common_dir / "objects").is_dir():
            relative = os.fsencode(root.relative_to(top))
            return Repository(top, git_dir, common_dir, b"" if relative == b"." else relative + b"/")
    return None


def head_commit(repository: Repository) -> str | None:
    """Return the id of the commit that HEAD names; None on a branch without commits, or where refs are unreadable."""
    text = _read(repository.git_dir / "HEAD")
    for _ in range(5):
        if text is None:
            return None
        value = text.decode("utf-8", "surrogateescape").strip()
        if _COMMIT.match(value):
            return value
        name = value.removeprefix("ref:").strip()
        if name == value or not _REF.match(name):
            return None
        text = _read(repository.git_dir / name) or _read(repository.common_dir / name)
        if text is None:
            return _packed(repository, name)
    return None


def has_reftable(repository: Repository) -> bool:
    """Whether git keeps the branches in its binary form, which is not read here: HEAD names no commit then."""
    return (repository.common_dir / "reftable").is_dir()


def shallow_commits(repository: Repository) -> frozenset[str]:
    """Return the commits at which a shallow clone was cut off."""
    text = _read(repository.common_dir / "shallow", _PACKED_REFS_LIMIT) or b""
    lines = text.decode("ascii", "replace").split()
    return frozenset(line for line in lines if _COMMIT.match(line))


def promised_packs(repository: Repository) -> tuple[str, ...]:
    """Return the packs of a partial clone, which come one by one as contents are asked for; none for a whole clone."""
    try:
        names = sorted(os.listdir(repository.objects / "pack"))
    except OSError:
        return ()
    is_partial = any(name.endswith(".promisor") for name in names)
    return tuple(name for name in names if name.endswith(".pack")) if is_partial else ()


def history_key(root: Path) -> str:
    """Return a value that is the same as long as history says the same about each path; empty without history.

    Reads a handful of small files and starts no process, so a warm scan may ask each time.
    """
    repository = find_repository(root)
    head = head_commit(repository) if repository else None
    if repository is None or head is None:
        return ""
    prefix = repository.prefix.decode("utf-8", "backslashreplace")
    return ":".join([head, prefix, *sorted(shallow_commits(repository)), *promised_packs(repository)])


def _git_dir(entry: Path) -> Path | None:
    if (entry / "HEAD").exists():
        return entry
    text = _read(entry)
    if text is None or not text.startswith(b"gitdir:"):
        return None
    target = Path(os.path.normpath(entry.parent / os.fsdecode(text[7:].strip())))
    return target if (target / "HEAD").exists() else None


def _packed(repository: Repository, name: str) -> str | None:
    text = _read(repository.common_dir / "packed-refs", _PACKED_REFS_LIMIT) or b""
    wanted = b" " + name.encode("utf-8", "surrogateescape")
    for line in text.splitlines():
        if line.endswith(wanted):
            commit = line[: -len(wanted)].decode("ascii", "replace")
            return commit if _COMMIT.match(commit) else None
    return None


def _read(path: Path, limit: int = _SMALL) -> bytes | None:
    """Return a regular file's bytes; None for anything else (a pipe would block), for no access and for too much."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > limit:
            return None
        return file.read(limit)
