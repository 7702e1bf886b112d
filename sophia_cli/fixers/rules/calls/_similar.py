"""How alike the names of two parameters are."""

from __future__ import annotations

from sophia_cli.project.imports.close_names import is_slip

_CLEAR_LEAD = 0.15
_ALIKE = 0.8
_ALIKE_WHEN_NEEDED = 0.6
_SLIP = 0.85


def closest(name: str, candidates: tuple[str, ...], needed: frozenset[str]) -> str | None:
    """Return the one candidate that is like the name, None when none is or several are.

    A candidate that is needed and that nobody passes has to be less alike.
    """
    ranked = sorted(((likeness(name, other), other) for other in candidates), reverse=True)
    if not ranked:
        return None
    best, chosen = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    enough = _ALIKE_WHEN_NEEDED if chosen in needed else _ALIKE
    return chosen if best >= enough and best - second >= _CLEAR_LEAD else None


def likeness(one: str, other: str) -> float:
    """Return how alike two names are: 1 for the same but for case and underscores, 0 for nothing in common.

    The larger of what their words share and of what their letters share, by edit distance. A slip of the fingers that
    leaves the first letter alone (two letters swapped, one doubled, lost or added) counts as alike in short names, too.
    """
    first, second = one.replace("_", "").lower(), other.replace("_", "").lower()
    if first == second:
        return 1.0
    letters = 1 - _distance(first, second) / max(len(first), len(second), 1)
    words, others = _words(one), _words(other)
    shared = len(words & others)
    parts = 0.5 + 0.5 * shared / len(words | others) if shared and (words <= others or others <= words) else 0.0
    return max(letters, parts, _SLIP if is_slip(first, second) else 0.0)


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in name.lower().split("_") if word)


def _distance(first: str, second: str) -> int:
    """Return how many letters must be put in, taken out or replaced (Levenshtein)."""
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(second, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other))
    return row[-1]
