"""Which of several files a missing module most resembles, where one of them does clearly."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

_LEAST = 0.75
_LEAD = 0.15
_SHARED_FOLDERS = 2


def alike(module: str, paths: Sequence[str]) -> str | None:
    """Return the file whose name resembles the last part of `module` and which lies below the same packages.

    At least the first two folders must be those of the module, and no other file may resemble it nearly as much; None
    when no file is so near.
    """
    *folders, last = module.split(".")
    ranked: list[tuple[float, str]] = []
    for path in paths:
        parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
        shared = 0
        for mine, theirs in zip(folders, parts[:-1], strict=False):
            if mine != theirs:
                break
            shared += 1
        likeness = SequenceMatcher(None, last, parts[-1], autojunk=False).ratio()
        if shared >= _SHARED_FOLDERS and likeness >= _LEAST:
            ranked.append((likeness, path))
    ranked.sort(reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _LEAD):
        return None
    return ranked[0][1]
