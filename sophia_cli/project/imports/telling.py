"""What names and paths tell about the module that is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHORT = 6


def shared_tail(path: str, parts: list[str]) -> int:
    """Return how many parts at the end of a module's path and of a dotted name are the same."""
    own = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    count = 0
    for one, other in zip(reversed(own), reversed(parts), strict=False):
        if one != other:
            break
        count += 1
    return count


def part_above(path: str, count: int) -> str:
    """Return the folder's name above the last parts of a module's path, empty where there is none."""
    own = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    return own[-count - 1] if len(own) > count else ""


def is_telling(name: str) -> bool:
    """Whether a name is unlikely to be chosen twice by chance: longer than a word, or of several words."""
    return len(name) >= _SHORT and (bool(re.search(r"[a-z][A-Z]|._.", name)) or len(name) > 2 * _SHORT)


def tell_together(module: str, names: Sequence[str], sets: Sequence[set[str]], common: set[str]) -> bool:
    """Whether short names tell a file all the same: nobody else defines any of them, and there are several, or the
    file's name holds that of the module."""
    if len(common) != 1 or any(len(paths) != 1 for paths in sets):
        return False
    stem = min(common).removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
    is_alike = resembles(module.rpartition(".")[2], stem)
    return is_alike or (len(names) > 1 and sum(map(len, names)) > 2 * _SHORT)


def resembles(top: str, part: str) -> bool:
    """Whether one name holds another one at its beginning or end, as a bulk rename leaves it."""
    return len(top) > 2 and (part.startswith(top) or part.endswith(top)) and part != top


def listed(names: tuple[str, ...]) -> str:
    """Return names as they stand in a message, the first three of them."""
    return ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
