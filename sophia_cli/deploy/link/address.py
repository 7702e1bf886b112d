"""Unix sockets below a folder whose path may be longer than the 107 bytes that a socket address holds."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

AGENT_SOCKET = "agent.sock"
_LONGEST = 100
_BACKLOG = 64


def connect(folder: Path, name: str, timeout_s: float | None = None) -> socket.socket:
    """Return a stream socket that is connected to `folder/name`; OSError when nobody listens there."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(timeout_s)
        with _address(folder, name) as address:
            client.connect(address)
    except OSError:
        client.close()
        raise
    return client


def listen(folder: Path, name: str) -> socket.socket:
    """Return a listening stream socket at `folder/name`, mode 0600, in place of what was left there; OSError."""
    path = folder / name
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Set before the bind: nobody can connect in the moment in which the file would be open to others.
        os.fchmod(server.fileno(), 0o600)
        with _address(folder, name) as address:
            server.bind(address)
        path.chmod(0o600)
        server.listen(_BACKLOG)
    except OSError:
        server.close()
        raise
    return server


@contextlib.contextmanager
def _address(folder: Path, name: str) -> Iterator[str]:
    plain = str(folder / name)
    if len(os.fsencode(plain)) <= _LONGEST or not os.path.isdir("/proc/self/fd"):
        yield plain
        return
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)
