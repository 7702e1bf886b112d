"""Where a project begins: the nearest folder upwards that says so."""

from __future__ import annotations

import os
import re
from pathlib import Path

SETTINGS_FILE = "sophia.toml"
PYPROJECT_FILE = "pyproject.toml"
STATE_FOLDER = ".sophia"

_SOPHIA_TABLE = re.compile(rb"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*[\"']?sophia[\"']?[ \t]*[.\]]", re.MULTILINE)


def find_root(path: Path) -> Path:
    """Return the project root for a file or folder: absolute, symlinks resolved.

    The root is the nearest folder upwards that holds `sophia.toml`, a `pyproject.toml` with `[tool.sophia]`, `.git`
    (a folder, or the file that a worktree or submodule has) or `.sophia`. With none of them it is the folder itself, a
    file's own folder. The search ends at the border of the file system that `path` is on, so a marker on another mount
    is never taken, and a folder that cannot be read counts as one without a marker. A path that does not exist is
    answered as if it were a file.

    What a run left in the home folder or at the top of the file system does not draw everything below into one project:
    there `.sophia` alone counts for nobody but the folder itself.
    """
    resolved = path.resolve()
    start = resolved if resolved.is_dir() else resolved.parent
    device = _device(start)
    for folder in (start, *start.parents):
        if device is not None and _device(folder) != device:
            break
        if is_root(folder) and (folder == start or not _is_everybodys(folder)):
            return folder
    return start


def left_behind(path: Path) -> Path | None:
    """Return the root of a project that `path` lies in by its name only: a symbolic link on the way leads out of it.

    None where no link does. Whoever names such a path may not know that it is about files of something else.
    """
    named = Path(os.path.abspath(path))
    real = named.resolve()
    if named == real:
        return None
    for link in (named, *named.parents):
        if not link.is_symlink():
            continue
        root = find_root(link.parent)
        if is_root(root) and not _is_everybodys(root) and not real.is_relative_to(root):
            return root
    return None


def _is_everybodys(folder: Path) -> bool:
    """Whether a folder holds whatever a person has, and no mark of a project but a state folder."""
    if folder != folder.parent and str(folder) != os.path.realpath(os.path.expanduser("~")):
        return False
    return not _is_declared(folder)


def is_root(folder: Path) -> bool:
    """Tell whether a folder itself carries one of the marks of a project root."""
    try:
        return (folder / STATE_FOLDER).is_dir() or _is_declared(folder)
    except OSError:
        return False


def _is_declared(folder: Path) -> bool:
    try:
        return (
            (folder / SETTINGS_FILE).is_file()
            or (folder / ".git").exists()
            or holds_sophia_table(folder / PYPROJECT_FILE)
        )
    except OSError:
        return False


def holds_sophia_table(pyproject: Path) -> bool:
    """Tell whether a `pyproject.toml` has `[tool.sophia]`; false when it is missing or cannot be read.

    The header is looked for in the text, so a file with a mistake elsewhere still marks its root and the mistake is
    reported from there.
    """
    try:
        data = pyproject.read_bytes() if pyproject.is_file() else b""
    except OSError:
        return False
    return _SOPHIA_TABLE.search(data) is not None


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None
