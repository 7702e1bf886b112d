"""Which sockets processes listen on, and whether they take connections there: seen from outside."""

from __future__ import annotations

from collections.abc import Iterable

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.polling import polls_socket
from sophia_cli.project.host.sock_diag import listening_sockets
from sophia_cli.project.host.sockets import socket_holders
from sophia_cli.project.host.tcp_table import TcpAddress


@dataclass(frozen=True, slots=True)
class HeldListener:
    """A listening socket that a process has open; `is_polled` when it watches it for connections with epoll."""

    address: TcpAddress
    pid: int
    is_polled: bool


def held_listeners(pids: Iterable[int]) -> tuple[HeldListener, ...]:
    """Return the listening sockets that some processes have open; none where the kernel names no sockets."""
    rows = {row.inode: row for row in listening_sockets() or ()}
    return tuple(
        HeldListener(rows[holder.inode].local, holder.pid, polls_socket(holder.pid, holder.inode))
        for holder in socket_holders(frozenset(rows), pids)
    )
