"""Single TCP sockets, and those that listen, asked for by netlink (sock_diag(7)).

The tables in `/proc/net` hold every connection that was closed a minute ago; going through them takes tens of
milliseconds on a busy machine, a question by netlink takes microseconds. Where netlink is refused the answer is None.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from sophia_cli.project.host.tcp_table import TcpAddress, TcpSocket, TcpState, state_of

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_ENOENT = 2
_TIMEOUT_S = 1.0
_HEADER = struct.Struct("=IHHII")
# inet_diag_req_v2 and inet_diag_msg of include/uapi/linux/inet_diag.h; ports and addresses in network order.
_REQUEST = struct.Struct("=BBBBI 2s2s16s16s I8s")
_MESSAGE = struct.Struct("=BBBB 2s2s16s16s I8s IIIII")
_NO_COOKIE = b"\xff" * 8
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def find_socket(local: TcpAddress, remote: TcpAddress) -> TcpSocket | None:
    """Return this machine's socket of a connection, by its own and its peer's address.

    None when there is none, or netlink does not answer. A listener at the address counts as none.
    """
    family = socket.AF_INET6 if ":" in local.host else socket.AF_INET
    for found in _asked(_request(family, 0, local, remote), _NLM_F_REQUEST) or ():
        if (found.local, found.remote) == (local, remote):
            return found
    return None


def listening_sockets(port: int | None = None) -> tuple[TcpSocket, ...] | None:
    """Return the sockets that listen on a port (on all ports), on any address; None when netlink does not answer."""
    anywhere = TcpAddress("0.0.0.0", 0)
    found: list[TcpSocket] = []
    for family in _FAMILIES:
        request = _request(family, 1 << TcpState.LISTEN.value, anywhere, anywhere)
        answer = _asked(request, _NLM_F_REQUEST | _NLM_F_DUMP)
        if answer is None:
            return None
        found.extend(one for one in answer if port in (None, one.local.port) and one.state is TcpState.LISTEN)
    return tuple(found)


def _request(family: int, states: int, local: TcpAddress, remote: TcpAddress) -> bytes:
    ports = (local.port.to_bytes(2, "big"), remote.port.to_bytes(2, "big"))
    hosts = (_packed(local.host), _packed(remote.host))
    return _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, states, *ports, *hosts, 0, _NO_COOKIE)


def _packed(host: str) -> bytes:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.inet_pton(family, host).ljust(16, b"\0")


def _asked(request: bytes, flags: int) -> list[TcpSocket] | None:
    """Return the sockets in the answer to one question; None when it was refused."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, flags, 1, 0)
    found: list[TcpSocket] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asking:
            asking.settimeout(_TIMEOUT_S)
            asking.sendto(header + request, (0, 0))
            while True:
                for kind, body in _messages(asking.recv(1 << 16)):
                    if kind == _NLMSG_DONE:
                        return found
                    if kind == _NLMSG_ERROR:
                        return found if -struct.unpack_from("=i", body)[0] == _ENOENT else None
                    found.append(_parsed(body))
                if not flags & _NLM_F_DUMP:
                    return found
    except (OSError, struct.error):
        return None


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, start)[:2]
        if length < _HEADER.size:
            return
        yield kind, data[start + _HEADER.size : start + length]
        start += (length + 3) & ~3


def _parsed(body: bytes) -> TcpSocket:
    family, state, _, _, sport, dport, source, target, _, _, _, _, _, owner, inode = _MESSAGE.unpack_from(body)
    local, remote = _address(family, source, sport), _address(family, target, dport)
    return TcpSocket(local, remote, state_of(state), owner, inode)


def _address(family: int, packed: bytes, port: bytes) -> TcpAddress:
    length = 4 if family == socket.AF_INET else 16
    host = socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, packed[:length])
    return TcpAddress(host.removeprefix("::ffff:") if "." in host else host, int.from_bytes(port, "big"))
