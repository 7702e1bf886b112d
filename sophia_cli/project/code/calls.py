"""What one Python file says about calls, as values: the callables it defines and the calls it makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallSurface:
    """The callables that a file defines and the calls that it makes of what may be defined in the project."""
