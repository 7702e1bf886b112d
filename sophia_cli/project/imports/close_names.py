"""Which name was meant when a written one does not exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE = 0.84
_CLEAR = 0.05
_SHORTEST = 4
_SLIP = 0.95
_SHORTEST_SLIP = 3
_MOST = 200  # names that are all looked at
_EDGE = 3


class NamePool:
    """Names among which near ones are looked for.

    Of many names only those are worth a comparison that begin or end like what is written, so that the time for many
    written names grows with their number.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._edges: dict[tuple[str, str], list[str]] = defaultdict(list)
        if len(self._names) > _MOST:
            for name in self._names:
                for edge in _edges(name):
                    self._edges[edge].append(name)

    def likely(self, written: str) -> tuple[str, ...]:
        """Return the names that may be nearly `written`; none where far too many begin and end like it."""
        if len(self._names) <= _MOST:
            return self._names
        start, end, both = (self._edges.get(edge, ()) for edge in _edges(written))
        either = tuple(dict.fromkeys((*start, *end))) if len(start) + len(end) <= _MOST else ()
        return either or (tuple(both) if len(both) <= _MOST else ())


def _edges(name: str) -> tuple[tuple[str, str], ...]:
    start, end = name[:_EDGE].lower(), name[-_EDGE:].lower()
    return (start, ""), ("", end), (start, end)


def close_name(written: str, known: Iterable[str]) -> str | None:
    """Return the one known name that is nearly `written`; None when there is none, or two that are as near.

    Names of different kinds (`Price`, `price`, `PRICE`) are never alike.
    """
    kind, letters = _kind(written), _letters(written)
    matcher = SequenceMatcher(None, "", written, autojunk=False)
    scores: list[tuple[float, str]] = []
    for name in known:
        if _kind(name) != kind:
            continue
        if _letters(name) == letters:
            scores.append((0.99, name))
        elif len(written) >= _SHORTEST and is_slip(written, name):
            scores.append((_SLIP, name))
        elif abs(len(written) - len(name)) <= 3 and len(written) >= _SHORTEST:
            matcher.set_seq1(name)
            if matcher.quick_ratio() >= _ALIKE - _CLEAR:
                scores.append((matcher.ratio(), name))
    scores.sort(reverse=True)
    if not scores or scores[0][0] < _ALIKE:
        return None
    if len(scores) > 1 and scores[0][0] - scores[1][0] < _CLEAR:
        return None
    return scores[0][1]


def is_slip(one: str, other: str) -> bool:
    """Whether two names differ by two neighbours that are swapped, or by one letter that only one of them has.

    The first letter is the same; in names of two letters anything may be meant.
    """
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST_SLIP or short[0] != long[0] or len(long) - len(short) > 1:
        return False
    at = next((i for i, (mine, theirs) in enumerate(zip(short, long, strict=False)) if mine != theirs), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    return short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]


def close_module(written: str, known: Iterable[str]) -> str | None:
    """Return the one module that is nearly `written`, also where only case and underscores differ."""
    names = tuple(known)
    same = [name for name in names if _letters(name) == _letters(written) and name != written]
    return (same[0] if len(same) == 1 else None) if same else close_name(written, names)


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _kind(name: str) -> str:
    bare = name.strip("_")
    if bare.isupper():
        return "constant"
    return "class" if bare[:1].isupper() else "function"
