"""Which of several changes spoil the whole: halves are tried until each culprit stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def split_good(items: Sequence[Item], is_good: Callable[[Sequence[Item]], bool]) -> tuple[list[Item], list[Item]]:
    """Return (kept, rejected): `is_good(kept)` held, and each rejected item spoiled what was kept before it.

    Order is kept: an item is judged on top of the earlier ones that stand. With c culprits among n items it asks about
    2 c log2(n) times; nothing is asked when there are no items.
    """
    kept: list[Item] = []
    rejected: list[Item] = []
    pending = [list(items)] if items else []
    while pending:
        part = pending.pop()
        if is_good([*kept, *part]):
            kept += part
        elif len(part) == 1:
            rejected += part
        else:
            middle = len(part) // 2
            pending += [part[middle:], part[:middle]]
    return kept, rejected
