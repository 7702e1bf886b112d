"""The one place for an operation: deployments, restarts and rollbacks queue, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sophia_cli.core.errors import BusyError
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks: process id and command line, and since when it holds or waits (UTC, ISO 8601)."""

    pid: int
    command: str
    since: str

    def describe(self) -> str:
        """Return the holder in words, for those who wait."""
        return f"pid {self.pid} (`{self.command}`) since {self.since}"


class Lease:
    """The slot, held. It is given back when its holder has gone and what it started is over."""

    __slots__ = ("_is_left", "_running", "_slot", "holder")

    def __init__(self, slot: Slot, holder: Holder) -> None:
        self._slot = slot
        self.holder = holder
        self._running = 0
        self._is_left = False

    def begin(self) -> None:
        """Say that work has begun that goes on without its holder."""
        self._running += 1

    def end(self) -> None:
        """Say that this work is over."""
        self._running -= 1
        self._give_back()

    def leave(self) -> None:
        """Say that the holder wants nothing more."""
        self._is_left = True
        self._give_back()

    def _give_back(self) -> None:
        if self._is_left and self._running == 0:
            self._slot.give_back(self)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A place in the queue; `lease` is done once it is its turn."""

    holder: Holder
    lease: asyncio.Future[Lease]


class Slot:
    """Hands out the lease, one at a time."""

    __slots__ = ("_held", "_waiting")

    def __init__(self) -> None:
        self._held: Lease | None = None
        self._waiting: deque[_Turn] = deque()

    @property
    def holder(self) -> Holder | None:
        """Who holds the slot."""
        return None if self._held is None else self._held.holder

    async def take(self, holder: Holder, wait_s: float, queued: Callable[[Holder], None]) -> Lease:
        """Return the lease, after waiting up to `wait_s` seconds; BusyError (`agent-busy`) names who holds it then.

        `queued` is told who holds the slot when there is something to wait for.
        """
        if self._held is None:
            self._held = Lease(self, holder)
            return self._held
        queued(self._held.holder)
        turn = _Turn(holder, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        try:
            await asyncio.wait([turn.lease], timeout=wait_s)
        except asyncio.CancelledError:
            # Whoever leaves at the very moment in which its turn comes hands it on.
            if turn.lease.done():
                turn.lease.result().leave()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)
        if not turn.lease.done():
            raise self._busy(wait_s)
        return turn.lease.result()

    def give_back(self, lease: Lease) -> None:
        """Take a lease back; one that is not the current one is none."""
        if self._held is lease:
            self._held = None
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            turn = self._waiting.popleft()
            self._held = Lease(self, turn.holder)
            turn.lease.set_result(self._held)

    def _busy(self, wait_s: float) -> BusyError:
        holder = self.holder
        who = "another command" if holder is None else holder.describe()
        return BusyError(
            "agent-busy",
            f"the services are being changed by {who}; gave up after {wait_s:g} s",
            hint="wait until it is done, or raise `--wait`",
        )
