"""Doing many waits for the disk at once: fsync of one file after the other takes seconds for hundreds of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

_THREADS = 16
# Up to here one after the other is fast enough, and the order of what happens is plain.
_FEW = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def for_each(items: Sequence[_Item], act: Callable[[_Item], _Result]) -> list[_Result]:
    """Return `act` of every item, in their order; many items are handled by threads.

    The first exception in that order, or Ctrl-C, is raised once no thread is at work any more: what they did can then
    be cleaned up without a race. What was not begun by then is left out.
    """
    if len(items) <= _FEW:
        return [act(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(min(_THREADS, len(items)))
    try:
        return list(pool.map(act, items))
    finally:
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
