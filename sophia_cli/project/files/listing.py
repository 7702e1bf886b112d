"""The names in a folder of the project, for those who must know that something is there and not what it says."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.core.values import dataclass, field

# What may stand for a module that is no readable file: the file itself, its compiled form, what it is made from.
_TELLING = (".py", ".pyi", ".so", ".pyd", ".pyx", ".pyc", ".dll", ".proto")


def names_in(root: Path, folder: str) -> frozenset[str]:
    """Return the names in a folder below `root` (`/` between parts); none where there is no folder or it is closed."""
    try:
        return frozenset(os.listdir(root / folder))
    except OSError:
        return frozenset()


@dataclass(slots=True)
class Listings:
    """Gives the names in folders below `root`, and remembers of which folders somebody asked."""

    root: Path
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def names(self, folder: str) -> frozenset[str]:
        """Return the names in a folder as they are now; remembered is what was there at first."""
        names = names_in(self.root, folder)
        self._known.setdefault(folder, names)
        return names

    @property
    def seen(self) -> tuple[tuple[str, int], ...]:
        """The folders that were asked for, each with the sum of what was there."""
        return tuple((folder, _sum(names)) for folder, names in sorted(self._known.items()))


def still_so(root: Path, seen: Iterable[tuple[str, int]]) -> bool:
    """Return whether all folders hold what they held when they were seen, as far as modules go."""
    return all(_sum(names_in(root, folder)) == known for folder, known in seen)


def _sum(names: frozenset[str]) -> int:
    """Return a checksum of the names that can be modules: folders, which have no dot, and certain files."""
    telling = (name for name in names if name.endswith(_TELLING) or ("." not in name and name != "__pycache__"))
    return zlib.crc32("/".join(sorted(telling)).encode("utf-8", "surrogateescape"))
