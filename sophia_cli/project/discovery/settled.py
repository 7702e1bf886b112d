"""A command of a document as it works in the project: its folder, the paths of its files, no addresses."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from sophia_cli.project.discovery.documents.flags import filled_in, has_variable, without_places
from sophia_cli.project.discovery.places import Places, upwards

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "granian", "flask", "fastapi", "daphne"})
_INNER = frozenset({"__init__", "__main__", "celery"})
# What makes a folder a project of its own, from which its programs are run.
_MARKS = ("pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "Dockerfile")


def settled(words: Sequence[str], starts: Sequence[str], folder: str, places: Places) -> tuple[tuple[str, ...], str]:
    """Return the words and the folder to run them in. `starts` are the project's files that they start.

    Where a module is named, that is the folder from which its name leads to the file; a script's path is made to lead
    from the folder to it. Programs lose the folders that they have on another machine.
    """
    kept = [filled_in(word) for word in words]
    if kept and kept[0].startswith("/"):
        kept[0] = posixpath.basename(kept[0])
    if any(posixpath.basename(word) in _SERVERS for word in kept[:3]):
        kept = list(without_places(kept))
    kept = _known(kept)
    home = _home_of_module(kept, starts)
    base = folder if home is None else home
    for position, word in enumerate(kept):
        script = places.script(word, folder) if word.endswith(".py") else None
        if script is None or script not in starts:
            continue
        if home is None and folder and not script.startswith(folder + "/"):
            base = ""
        kept[position] = posixpath.relpath(script, base or ".")
    return tuple(kept), base


def arguments_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return what a command of Python gives to its script or module, without what only a shell would know."""
    if not words or not _PYTHON.fullmatch(posixpath.basename(words[0])):
        return ()
    for position, word in enumerate(words):
        if word.endswith(".py") or words[position - 1] == "-m":
            return tuple(_known([filled_in(word) for word in words[position + 1 :]]))
    return ()


def script_start(path: str, places: Places) -> tuple[tuple[str, ...], str]:
    """Return how to run a script: from the nearest folder above it that is a project of its own, else from the root."""
    for base in upwards(path.rpartition("/")[0]):
        if base and any(f"{base}/{mark}" in places.files for mark in _MARKS):
            return ("python", posixpath.relpath(path, base)), base
    return ("python", path), ""


def _known(words: Sequence[str]) -> list[str]:
    """Return the words without those that hold variables of the shell, and without the options that they belong to."""
    kept: list[str] = []
    for word in words:
        if not has_variable(word):
            kept.append(word)
        elif kept and kept[-1].startswith("-") and not word.startswith("-"):
            kept.pop()
    return kept


def _home_of_module(words: Sequence[str], starts: Sequence[str]) -> str | None:
    names = [word.partition(":")[0] for word in words[1:] if not word.startswith("-")]
    for path in starts:
        parts = path.removesuffix(".py").split("/")
        for end in (parts, parts[:-1]):
            for name in names:
                wanted = name.split(".")
                if wanted and end[-len(wanted) :] == wanted and (end is parts or parts[-1] in _INNER):
                    return "/".join(end[: -len(wanted)])
    return None
