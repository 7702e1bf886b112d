"""The descriptor holder: a tiny process that keeps public listeners while no agent runs.

It is needed only where the kernel does not let an agent take a listener back from a running service. The agent starts
it with `holder_command`, on a listening Unix socket that only this user can reach (descriptor 3), and sends each
listener there. One connection is one request, a line of words, with a descriptor beside it: `keep NAME`, `take NAME`,
`drop NAME`, `names`, `end`. The holder ends by itself when its last listener was dropped.

The file runs alone (`python -I -S holder.py`), so that the process stays small: it imports nothing of Sophia.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

SERVE_ON = 3
# Who connects and says nothing must not keep an agent waiting.
_REQUEST_LIMIT_S = 2.0
_MOST_BYTES = 4096
_DONE = b"done"
_NONE = b"none"


def holder_command() -> tuple[str, ...]:
    """Return the command line of a holder; it serves on descriptor 3."""
    return (sys.executable, "-I", "-S", os.path.abspath(__file__))


def keep(connection: socket.socket, name: str, listener: socket.socket) -> bool:
    """Hand a listener over to be kept under a name, in place of an earlier one; False when that failed.

    `connection` is a fresh connection to the holder, as for all requests; it is closed.
    """
    return _ask(connection, f"keep {name}", (listener.fileno(),))[0] == _DONE


def take(connection: socket.socket, name: str) -> socket.socket | None:
    """Return a copy of the listener that is kept under a name, close-on-exec; None when there is none."""
    _, taken = _ask(connection, f"take {name}")
    if not taken:
        return None
    listener = socket.socket(fileno=taken[0])
    listener.setblocking(False)
    return listener


def drop(connection: socket.socket, name: str) -> bool:
    """Have a listener closed; False when that failed. With the last one the holder ends."""
    return _ask(connection, f"drop {name}")[0] == _DONE


def names(connection: socket.socket) -> tuple[str, ...]:
    """Return the names under which listeners are kept."""
    return tuple(_ask(connection, "names")[0].decode("utf-8").split()[1:])


def end(connection: socket.socket) -> bool:
    """Have the holder close everything and end; False when it could not be asked."""
    return _ask(connection, "end")[0] == _DONE


def _ask(connection: socket.socket, words: str, descriptors: tuple[int, ...] = ()) -> tuple[bytes, list[int]]:
    with connection:
        connection.settimeout(_REQUEST_LIMIT_S)
        try:
            request = words.encode("utf-8") + b"\n"
            if descriptors:
                socket.send_fds(connection, [request], descriptors)
            else:
                connection.sendall(request)
            answer, taken, _, _ = socket.recv_fds(connection, _MOST_BYTES, 1)
        except OSError:
            return b"", []
    for descriptor in taken:
        os.set_inheritable(descriptor, False)
    return answer.strip(), taken


def serve(door: socket.socket) -> None:
    """Answer requests until the last listener is dropped or `end` is asked for."""
    kept: dict[str, int] = {}
    is_over = False
    while not is_over:
        connection, _ = door.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_REQUEST_LIMIT_S)
            if _is_own_user(connection):
                is_over = _answer(connection, kept)


def _answer(connection: socket.socket, kept: dict[str, int]) -> bool:
    """Answer one request; return whether the holder has nothing left to do."""
    request, given, _, _ = socket.recv_fds(connection, _MOST_BYTES, 1)
    word, _, name = request.decode("utf-8", "replace").strip().partition(" ")
    was_keeping = bool(kept)
    if word == "keep" and name and given:
        _close(kept.pop(name, None))
        kept[name] = given.pop()
        connection.sendall(_DONE)
    elif word == "take" and name in kept:
        socket.send_fds(connection, [_DONE], [kept[name]])
    elif word == "drop" and name in kept:
        _close(kept.pop(name))
        connection.sendall(_DONE)
    elif word == "names":
        connection.sendall(b" ".join([_DONE, *(one.encode("utf-8") for one in sorted(kept))]))
    elif word == "end":
        connection.sendall(_DONE)
        return True
    else:
        connection.sendall(_NONE)
    for descriptor in given:
        os.close(descriptor)
    return was_keeping and not kept


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _is_own_user(connection: socket.socket) -> bool:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.geteuid()


if __name__ == "__main__":
    serve(socket.socket(fileno=SERVE_ON))
