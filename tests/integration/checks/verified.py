"""What a run of `sophia verify --json` came to, for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verified:
    """The exit code and document of a run."""

    code: int
    document: dict[str, object]
    messages: dict[str, str]
    failed: dict[str, str]


Verify = Callable[..., Verified]
