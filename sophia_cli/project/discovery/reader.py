"""The files of a repository as discovery reads them, from the disk."""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

from sophia_cli.project.files.working_tree import read_working_tree

_LARGEST_BYTES = 4_000_000


def project_reader(root: Path) -> tuple[tuple[str, ...], Callable[[str], str | None]]:
    """Return the paths of a repository's files and a reader of their text; None for what is too large or not there.

    `.env` at the root can be read though Git mostly ignores it: names of variables stand there.
    """
    tree = read_working_tree(root)
    sizes = {file.path: file.size for file in tree.files}
    paths = tuple(sizes)
    with contextlib.suppress(OSError):
        sizes.setdefault(".env", os.path.getsize(os.path.join(tree.root, ".env")))

    def read(path: str) -> str | None:
        if sizes.get(path, _LARGEST_BYTES + 1) > _LARGEST_BYTES:
            return None
        try:
            with open(os.path.join(tree.root, path), "rb") as stream:
                return stream.read().decode("utf-8", "replace")
        except OSError:
            return None

    return paths, read


def declared_name(pyproject: Path) -> str | None:
    """Return what a `pyproject.toml` calls its project, None when it calls it nothing or cannot be read."""
    try:
        with open(pyproject, "rb") as stream:
            tables = tomllib.load(stream)
    except (OSError, ValueError):
        return None
    for path in (("project",), ("tool", "poetry")):
        table: object = tables
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        name = table.get("name") if isinstance(table, dict) else None
        if isinstance(name, str) and name:
            return name
    return None
