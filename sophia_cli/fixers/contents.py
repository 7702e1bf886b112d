"""The bytes of a project's files, read as carefully as they are written."""

from __future__ import annotations

import os
from pathlib import Path

from sophia_cli.project.inside import FileRefused, open_folder, resolve_inside, split_path
from sophia_cli.project.runs.creation import place_for


def read_bytes(root: Path, path: str) -> bytes | None:
    """Return what a file inside the root holds, None when it is not there, not a file or not readable."""
    try:
        resolved = resolve_inside(root, path)
        with open_folder(root, resolved) as folder:
            return folder.read(split_path(resolved)[1]).data
    except FileRefused:
        return None


def has_several_links(root: Path, path: str) -> bool:
    """Tell whether a file has other names, as hard links, than the one that it has in the project."""
    try:
        return os.stat(root / path).st_nlink > 1
    except OSError:
        return False


def why_unwritable(root: Path, path: str) -> str | None:
    """Return why a file may not be changed (read-only, outside the root, no file) or created, None when it may."""
    try:
        if not os.path.lexists(root / path):
            place_for(root, path)
            return None
        resolved = resolve_inside(root, path)
        with open_folder(root, resolved) as folder:
            name = split_path(resolved)[1]
            folder.check_writable(name, folder.read(name).facts)
    except FileRefused as error:
        return error.message
    return None
