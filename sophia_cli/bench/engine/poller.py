"""Waiting for sockets: epoll where the kernel has it, `selectors` elsewhere, with one set of event bits."""

from __future__ import annotations

import contextlib
import select
import selectors
import sys
from typing import Protocol

READ = 0x001
WRITE = 0x004
BROKEN = 0x008 | 0x010

_PRECISE_BELOW_S = 0.02


class Poller(Protocol):
    """What the engine needs: who is watched, and who is ready. The bits are READ, WRITE and, in answers, BROKEN."""

    def watch(self, fd: int, bits: int) -> None:
        """Begin to watch a descriptor."""
        ...

    def change(self, fd: int, bits: int) -> None:
        """Watch it for something else."""
        ...

    def forget(self, fd: int) -> None:
        """Watch it no longer; nothing when it is not watched."""
        ...

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        """Return descriptors that are ready with their bits, after at most that long; none is an empty list."""
        ...

    def close(self) -> None:
        """Give the kernel's object back."""
        ...


if sys.platform == "linux":

    class EpollPoller:
        """The kernel's epoll. Short waits end to the microsecond, long ones to the millisecond."""

        __slots__ = ("_epoll", "_fd", "_most")

        def __init__(self, most: int) -> None:
            self._epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
            self._fd = [self._epoll.fileno()]
            self._most = max(16, most)

        def watch(self, fd: int, bits: int) -> None:
            """Begin to watch a descriptor."""
            self._epoll.register(fd, bits)

        def change(self, fd: int, bits: int) -> None:
            """Watch it for something else."""
            self._epoll.modify(fd, bits)

        def forget(self, fd: int) -> None:
            """Watch it no longer; nothing when it is not watched."""
            with contextlib.suppress(FileNotFoundError):
                self._epoll.unregister(fd)

        def poll(self, timeout_s: float) -> list[tuple[int, int]]:
            """Return descriptors that are ready with their bits, after at most that long."""
            if 0 < timeout_s < _PRECISE_BELOW_S:
                # epoll_wait counts whole milliseconds; select on the epoll descriptor itself counts microseconds.
                if not select.select(self._fd, (), (), timeout_s)[0]:
                    return []
                timeout_s = 0
            return self._epoll.poll(max(0.0, timeout_s), self._most)

        def close(self) -> None:
            """Give the kernel's object back."""
            self._epoll.close()


class SelectorPoller:
    """The best that `selectors` finds on this system."""

    __slots__ = ("_selector",)

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, bits: int) -> None:
        """Begin to watch a descriptor."""
        self._selector.register(fd, _events_of(bits))

    def change(self, fd: int, bits: int) -> None:
        """Watch it for something else."""
        self._selector.modify(fd, _events_of(bits))

    def forget(self, fd: int) -> None:
        """Watch it no longer; nothing when it is not watched."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        """Return descriptors that are ready with their bits, after at most that long."""
        return [(key.fd, _bits_of(events)) for key, events in self._selector.select(max(0.0, timeout_s))]

    def close(self) -> None:
        """Give the kernel's object back."""
        self._selector.close()


def best_poller(most: int) -> Poller:
    """Return epoll where there is one; `most` is how many descriptors one poll hands out at most."""
    if sys.platform == "linux":
        return EpollPoller(most)
    return SelectorPoller()


def _events_of(bits: int) -> int:
    return (selectors.EVENT_READ if bits & READ else 0) | (selectors.EVENT_WRITE if bits & WRITE else 0)


def _bits_of(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
