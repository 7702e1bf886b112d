"""The nearest known word to one that is not known, for hints."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known word that is most like this one, upper and lower case alike; None when none is near.

    `likeness` (0 to 1) is the least ratio of `difflib` that counts as near.
    """
    # Only errors ask for it, and it takes longer to import than most commands.
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in sorted(known)}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", likeness: float = 0.6) -> str:
    """Return the question after the nearest known word, or `otherwise`."""
    found = nearest(word, known, likeness)
    return otherwise if found is None else f"did you mean `{found}`?"
