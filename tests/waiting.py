"""Waiting for what becomes true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
# A machine that is busy with other things is many times slower; what goes well never waits for it.
LIMIT_S = 180.0


def eventually(found: Callable[[], Found], limit_s: float = LIMIT_S) -> Found:
    """Return what a question leads to once it is true; AssertionError when it never is."""
    give_up = time.monotonic() + limit_s
    while not (answer := found()):
        assert time.monotonic() < give_up, "it did not come true in time"
        time.sleep(0.02)
    return answer
