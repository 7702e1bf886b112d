"""Ports for services that tests and benchmarks start, chosen before somebody listens there.

A port that the system had to spare may be anybody's by the time a service binds it: another test's, or that of a
connection on its way out. So these lie below the range of which the system gives ports away, each process of a test
run (pytest-xdist) takes them from a part of its own, and none comes twice before the part is through.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import zlib
from collections.abc import Iterator

_LOWEST = 10_240
_PART = 1_000
_PARTS = 22


def _candidates() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    # Another run on the same machine most likely begins elsewhere.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    part = (zlib.crc32(run.encode()) + int(worker)) % _PARTS
    first = _LOWEST + part * _PART
    return itertools.cycle(range(first, first + _PART))


_NEXT = _candidates()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, and that nobody else is given; RuntimeError where all are taken."""
    found: list[int] = []
    for port in itertools.islice(_NEXT, _PART):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"of {_PART} ports, fewer than {count} are free")


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody else is given."""
    return free_ports(1)[0]
