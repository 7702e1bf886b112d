"""The names in a folder of the project, for those who must know that something is there and not what it says."""

from __future__ import annotations

import os
from pathlib import Path


def names_in(root: Path, folder: str) -> frozenset[str]:
    """Return the names in a folder below `root` (`/` between parts); none where there is no folder or it is closed."""
    try:
        return frozenset(os.listdir(root / folder))
    except OSError:
        return frozenset()
