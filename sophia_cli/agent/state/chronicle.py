"""What happened: incidents and events, in the order in which they did, also while the disk takes nothing.

What cannot be written waits in memory and is written when there is room again. Of too much the oldest goes, and how
much went is told then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias, assert_never

from sophia_cli.agent.state.rows import EventRow
from sophia_cli.agent.state.store import StateStore
from sophia_cli.core.values import dataclass

MOST_WAITING = 500


class Told:
    """An incident while its agent lives: `number` is None until it is written."""

    __slots__ = ("number",)

    def __init__(self, number: int | None = None) -> None:
        self.number = number


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling."""

    at: str
    service: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A failure that was detected."""

    incident: Told
    at: str
    service: str
    instance: str
    release: int
    cause: str
    detail: str


@dataclass(frozen=True, slots=True)
class Acted:
    """Something that was done about it."""

    incident: Told
    at: str
    recovery: str


@dataclass(frozen=True, slots=True)
class Closed:
    """That it is over."""

    incident: Told
    at: str
    outcome: str
    seconds: float


Entry: TypeAlias = Event | Opened | Acted | Closed


class Chronicle:
    """Writes entries down in their order; `told` is called with each event once it is written."""

    def __init__(self, told: Callable[[EventRow], None]) -> None:
        self._told = told
        self._waiting: deque[Entry] = deque()
        self._lost = 0

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._waiting)

    @property
    def lost(self) -> int:
        """How many entries there was no room for since the last one was written."""
        return self._lost

    def add(self, entries: Sequence[Entry]) -> None:
        """Take entries to be written with the next `write`."""
        for entry in entries:
            if len(self._waiting) == MOST_WAITING:
                self._lose(self._waiting.popleft())
            self._waiting.append(entry)

    def forget_numbers(self) -> None:
        """Have the incidents that wait be numbered anew: the numbers were those of a state that is lost."""
        for entry in self._waiting:
            if not isinstance(entry, Event):
                entry.incident.number = None

    def write(self, store: StateStore, now: str) -> None:
        """Write all that waits, or nothing: StateNotWritten and StateBroken as the store raises them."""
        if not self._waiting:
            return
        events: list[EventRow] = []
        with store.transaction():
            for entry in (*self._waiting, *self._gap(now)):
                event = _written(store, entry)
                if event is not None:
                    events.append(event)
        self._waiting.clear()
        self._lost = 0
        for event in events:
            self._told(event)

    def _lose(self, entry: Entry) -> None:
        self._lost += 1
        if isinstance(entry, Opened):
            # A number that it had was that of an attempt to write it.
            entry.incident.number = None

    def _gap(self, now: str) -> tuple[Event, ...]:
        if not self._lost:
            return ()
        detail = f"{self._lost} events and incidents are lost: the state could not be written for too long"
        return (Event(now, "", "events-lost", detail),)


def _written(store: StateStore, entry: Entry) -> EventRow | None:
    match entry:
        case Event(at, service, kind, detail):
            return EventRow(store.add_event(at, service, kind, detail), at, service, kind, detail)
        case Opened():
            entry.incident.number = store.open_incident(
                entry.service, entry.instance, entry.release, entry.cause, entry.detail, entry.at
            )
        case Acted():
            # Without a number its beginning is lost.
            if entry.incident.number is not None:
                store.act_on_incident(entry.incident.number, entry.at, entry.recovery)
        case Closed():
            if entry.incident.number is not None:
                store.close_incident(entry.incident.number, entry.at, entry.outcome, entry.seconds)
        case _:
            assert_never(entry)
    return None
