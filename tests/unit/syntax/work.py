"""Counts what the compiler is asked while something runs: the engine's work, whatever the machine's load."""

from __future__ import annotations

import symtable
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(slots=True)
class Work:
    """How many texts the compiler was given, and their length in all."""

    texts: int = 0
    characters: int = 0


def work_of(action: Callable[[], object]) -> Work:
    """Return the work of an action; whatever else watches this thread is paused."""
    work = Work()
    asked = symtable.symtable.__code__

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is asked:
            work.texts += 1
            work.characters += len(frame.f_locals["code"])

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        action()
    finally:
        sys.setprofile(before)
    return work
