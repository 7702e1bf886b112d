"""Ports for services that tests and benchmarks start, chosen before somebody listens there.

A port that is looked up and let go may be gone before the service binds it: the system gives ports of its own range to
whoever connects, and other test processes look for ports too. So these ports are outside of that range, and each
process takes them from a block that it alone has: it holds the block's first port bound for as long.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_RANGE = "32768 60999"
# Below it stand the ports that programs are known by.
_LOWEST = 16_384
_HIGHEST = 65_535
_BLOCK = 128


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody takes by chance."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, and that nobody takes by chance."""
    return list(islice(_ports(os.getpid()).free, count))


def held_descriptors() -> int:
    """Return how many descriptors of this process hold blocks."""
    return len(_ports(os.getpid()).held)


class _Ports:
    """The ports of one process, and what holds their blocks."""

    def __init__(self, pid: int) -> None:
        self.held: deque[socket.socket] = deque()
        self.free = _free_ports(pid, self.held)


@functools.cache
def _ports(pid: int) -> _Ports:
    return _Ports(pid)


def _free_ports(first: int, held: deque[socket.socket]) -> Iterator[int]:
    """Yield free ports of blocks that nobody else has, from the block of that number on, round and round.

    The last two blocks stay held: a test may use a port some time after it was told of it.
    """
    blocks = _blocks()
    passed = 0
    while passed < len(blocks):
        start = blocks[first % len(blocks)]
        first, passed = first + 1, passed + 1
        if (mark := _bound(start)) is None:
            continue
        held.append(mark)
        for port in range(start + 1, start + _BLOCK):
            if (tried := _bound(port)) is not None:
                tried.close()
                passed = 0
                yield port
        if len(held) > 2:
            held.popleft().close()
    raise RuntimeError("no port outside of the system's own range is free")


def _blocks() -> list[int]:
    """Return the first ports of all blocks outside of the range from which the system gives ports to who connects."""
    text = _USUAL_RANGE
    with contextlib.suppress(OSError):
        text = _RANGE.read_text("ascii")
    lowest, highest = (int(word) for word in text.split())
    return [start for start in range(_LOWEST, _HIGHEST - _BLOCK, _BLOCK) if start + _BLOCK <= lowest or start > highest]


def _bound(port: int) -> socket.socket | None:
    """Return a socket that is bound to a port of all addresses, None when any address of it is held."""
    one = socket.socket()
    try:
        one.bind(("", port))
    except OSError:
        one.close()
        return None
    return one
