"""Where the environment that the project's code runs in lies; a warm scan asks no more than this."""

from __future__ import annotations

import os
from pathlib import Path

from sophia_cli.core.values import dataclass

_USUAL = (".venv", "venv", "env", ".env")


@dataclass(frozen=True, slots=True)
class EnvironmentPlace:
    """Where an environment's distributions lie. `stamp` changes when one is added, removed or replaced."""

    folder: Path
    site_packages: tuple[Path, ...]
    stamp: str


def find_environment(root: Path, python: str | None) -> EnvironmentPlace | None:
    """Return the environment that the settings name (`python`, relative to `root`), else the usual one beside the code.

    None when there is none: what Sophia itself runs in says nothing about the project. Also None for a name that leads
    to no environment; `python` may be the folder or the interpreter in it.
    """
    if python:
        named = root / python
        if named.is_file():
            named = named.parent.parent
        return _place(named)
    for name in _USUAL:
        if (found := _place(root / name)) is not None:
            return found
    return None


def _place(folder: Path) -> EnvironmentPlace | None:
    libraries = [*sorted(folder.glob("lib*/python3*/site-packages")), folder / "Lib" / "site-packages"]
    site = tuple(dict.fromkeys(Path(os.path.realpath(path)) for path in libraries if path.is_dir()))
    if not site or not ((folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()):
        return None
    stamps = []
    for path in site:
        try:
            stamps.append(f"{path}:{path.stat().st_mtime_ns}")
        except OSError:
            stamps.append(f"{path}:unreadable")
    return EnvironmentPlace(folder, site, "|".join(stamps))
