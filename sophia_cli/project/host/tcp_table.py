"""The kernel's table of TCP sockets (`/proc/net/tcp` and `tcp6`), parsed into values."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.proc_files import PROC, read_bytes

_MAPPED = bytes(10) + b"\xff\xff"


class TcpState(Enum):
    """The states that matter here; the numbers are those of the kernel (include/net/tcp_states.h)."""

    ESTABLISHED = 1
    LISTEN = 10
    OTHER = 0


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """One end of a connection; an IPv4 address that IPv6 carries (`::ffff:127.0.0.1`) is written as IPv4."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One row of the table; `inode` is 0 for a connection that nobody has accepted yet."""

    local: TcpAddress
    remote: TcpAddress
    state: TcpState
    owner: int
    inode: int


def parse_row(line: bytes) -> TcpSocket | None:
    """Return the socket in a line of the table; None for the heading and for what is cut short."""
    fields = line.split()
    if len(fields) < 10 or b":" not in fields[1]:
        return None
    state = state_of(int(fields[3], 16))
    return TcpSocket(_address(fields[1]), _address(fields[2]), state, int(fields[7]), int(fields[9]))


def state_of(code: int) -> TcpState:
    """Return the state that the kernel's number stands for."""
    return TcpState(code) if code in (TcpState.ESTABLISHED.value, TcpState.LISTEN.value) else TcpState.OTHER


def tcp_sockets(port: int, is_local: bool = True) -> Iterator[TcpSocket]:
    """Yield the sockets whose own port (or, with `is_local` false, whose peer's port) is the given one."""
    wanted = b":%04X" % port
    for name in ("tcp", "tcp6"):
        for line in (read_bytes(f"{PROC}/net/{name}") or b"").splitlines():
            fields = line.split(None, 3)
            if len(fields) == 4 and fields[1 if is_local else 2].endswith(wanted):
                row = parse_row(line)
                if row is not None:
                    yield row


def address_of(name: tuple[object, ...]) -> TcpAddress:
    """Return the address in what `getsockname` and `getpeername` answer, in the form of the table."""
    host, port = str(name[0]), name[1]
    assert isinstance(port, int)
    return TcpAddress(host.partition("%")[0].removeprefix("::ffff:"), port)


def _address(text: bytes) -> TcpAddress:
    host, _, port = text.partition(b":")
    # Each group of four bytes stands in the byte order of the machine.
    words = bytes.fromhex(host.decode("ascii"))
    packed = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4)) if _IS_LITTLE else words
    if len(packed) == 16 and packed.startswith(_MAPPED):
        packed = packed[12:]
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return TcpAddress(socket.inet_ntop(family, packed), int(port, 16))


_IS_LITTLE = socket.htons(1) != 1
