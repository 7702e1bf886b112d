"""Finds the files of a project: tracked and unignored Python files, and the documents beside them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.project.files.inventory import Inventory, SkippedFolder
from sophia_cli.project.files.walk import Walk


def discover(
    root: Path, targets: Sequence[Path] = (), include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Inventory:
    """Return the files below `targets` (the whole root when empty), each with its status.

    `include` and `exclude` are patterns in the language of `.gitignore`, relative to the root: what `include` matches
    is looked at although it is ignored, vendored or a fixture (folders left out whole are entered only for a pattern
    that begins with their path); what `exclude` matches is not. A named target that holds Python is looked at whatever
    excludes it, but never when it lies outside the root (UsageError `path-outside`); one that does not exist is a
    UsageError (`path-missing`). Unreadable folders are counted, never an error.
    """
    top = Path(os.path.realpath(root))
    walk = Walk(top, include, exclude)
    places = [_inside(top, target) for target in targets] or [""]
    for place, target in zip(places, targets or (Path(),), strict=True):
        walk.visit(place, target.name)
    walk.look_at_link_targets()
    return Inventory(
        root=top,
        files=tuple(walk.files[path] for path in sorted(walk.files)),
        folders=tuple(SkippedFolder(path, walk.folders[path]) for path in sorted(walk.folders)),
        is_whole="" in places,
        documents=tuple(walk.documents[path] for path in sorted(walk.documents)),
    )


def _inside(root: Path, target: Path) -> str:
    """Return the target relative to the root, symbolic links in its parents resolved."""
    absolute = Path(os.path.realpath(target if target.is_absolute() else Path.cwd() / target))
    if not absolute.is_relative_to(root):
        raise UsageError(
            "path-outside",
            f"`{target}` lies outside the project root `{root}`",
            hint="name a path inside the project, or run Sophia in that project",
        )
    if not os.path.lexists(absolute):
        raise UsageError("path-missing", f"`{target}` does not exist", hint="check the spelling of the path")
    relative = absolute.relative_to(root).as_posix()
    return "" if relative == "." else relative
