"""Fronts that HAProxy does not serve as they are to be: an incident of each service until it does, and tried again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from sophia_cli.agent.state.chronicle import Told
from sophia_cli.core.values import dataclass

_FIRST_S = 0.5
_LONGEST_S = 10.0


class Book(Protocol):
    """Where incidents are written down."""

    def trouble_began(self, service: str, kind: str, detail: str, *, release: int, act: str) -> Told:
        """Write a failure down, and what is done about it."""

    def trouble_over(self, told: Told, service: str, seconds: float) -> None:
        """Write down that it is over."""


@dataclass(frozen=True, slots=True)
class _Unserved:
    incident: Told
    reason: str
    since: float


class Troubles:
    """What is known of services whose callers do not get through."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._unserved: dict[str, _Unserved] = {}
        self._tries = 0

    def reason(self, service: str) -> str | None:
        """Return why callers of a service do not get through, None when they do."""
        known = self._unserved.get(service)
        return None if known is None else known.reason

    def failed(self, releases: Mapping[str, int], reason: str, now: float) -> float:
        """Take down which services are not served, each with its release; return after how long to try again."""
        self._end(self._unserved.keys() - releases.keys(), now)
        for service, release in releases.items():
            if service not in self._unserved:
                told = self._book.trouble_began(service, "not-let-in", reason, release=release, act="start-haproxy")
                self._unserved[service] = _Unserved(told, reason, now)
        self._tries += 1
        return float(min(_LONGEST_S, _FIRST_S * 2 ** min(self._tries - 1, 10)))

    def over(self, now: float) -> None:
        """Everything is served."""
        self._tries = 0
        self._end(self._unserved.keys(), now)

    def _end(self, services: Collection[str], now: float) -> None:
        for service in tuple(services):
            known = self._unserved.pop(service)
            self._book.trouble_over(known.incident, service, now - known.since)
