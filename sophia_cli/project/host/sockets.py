"""Public listeners: creating them, naming who holds a port, proving who answers, taking them back from a process."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.proc_files import GONE, PROC, all_pids
from sophia_cli.project.host.processes import command_line, open_process
from sophia_cli.project.host.sock_diag import find_socket, listening_sockets
from sophia_cli.project.host.syscalls import take_descriptor
from sophia_cli.project.host.tcp_table import TcpSocket, TcpState, address_of, tcp_sockets

BACKLOG = 2048
_LAST_PORT = 65535
_SHOWN_COMMAND = 80


@dataclass(frozen=True, slots=True)
class PortHolder:
    """Who listens on a port: `pid` is None where the process of another user is out of sight."""

    host: str
    port: int
    inode: int
    owner: int
    pid: int | None
    command: str

    @property
    def description(self) -> str:
        """What a person is told: `pid 4121 (python -m mcp_server)`, or `a process of another user (uid 33)`."""
        if self.pid is None:
            return f"a process of another user (uid {self.owner})" if self.owner != os.geteuid() else "a hidden process"
        command = " ".join(self.command.split())
        if len(command) > _SHOWN_COMMAND:
            command = f"{command[: _SHOWN_COMMAND - 3]}..."
        return f"pid {self.pid} ({command})"


@dataclass(frozen=True, slots=True)
class SocketHolder:
    """A process that has a socket open, and the number of its descriptor."""

    pid: int
    descriptor: int
    inode: int


class PortInUse(SophiaError):
    """Somebody else listens there; `holders` are those who could be found."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, host: str, port: int, holders: tuple[PortHolder, ...]) -> None:
        who = " and ".join(dict.fromkeys(holder.description for holder in holders)) or "a process that cannot be named"
        super().__init__(
            "port-in-use",
            f"port {port} of {host} is held by {who}",
            hint='stop it, choose another `port`, or set `on_port_conflict = "move"`',
        )
        self.port = port
        self.holders = holders


class PortRefused(SophiaError):
    """The system does not let this user listen there, or the address is none of this machine's."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            "port-refused",
            f"cannot listen on port {port} of {host}: {reason}",
            hint="choose a `port` above 1023 and an address of this machine",
        )
        self.port = port


def create_listener(host: str, port: int, backlog: int = BACKLOG) -> socket.socket:
    """Return a listening socket (port 0: any free one), close-on-exec, not blocking.

    TCP_NODELAY is set on it, so that accepted connections have it whatever the server does. Raises PortInUse, which
    names the holder, or PortRefused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setblocking(False)
        listener.bind((host, port))
        # Two sockets may be bound to one port; it is listening that only one may do.
        listener.listen(backlog)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port, port_holders(port)) from error
        raise PortRefused(host, port, getattr(error, "strerror", None) or str(error)) from error
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port that a listener is bound to."""
    return address_of(listener.getsockname()).port


def address_of_listener(listener: socket.socket) -> tuple[str, int]:
    """Return host and port at which a listener is reached from this machine."""
    host, port = listener.getsockname()[:2]
    return reachable_host(str(host)), int(port)


def reachable_host(host: str) -> str:
    """Return the address at which what listens on `host` answers on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def inode_of(one: socket.socket | int) -> int:
    """Return the kernel's number of a socket, the same in every process that holds it."""
    return os.fstat(one if isinstance(one, int) else one.fileno()).st_ino


def next_free_port(host: str, start: int) -> int | None:
    """Return the first port at or above start that nobody listens on now; None when there is none."""
    for port in range(max(1, start), _LAST_PORT + 1):
        try:
            create_listener(host, port, backlog=1).close()
        except PortInUse:
            continue
        except PortRefused:
            if port < 1024:
                continue
            return None
        return port
    return None


def port_holders(port: int) -> tuple[PortHolder, ...]:
    """Return who listens on a port of this machine, on any address; empty when nobody does."""
    rows = _listening(port)
    pids: dict[int, list[int]] = {row.inode: [] for row in rows}
    for holder in socket_holders(frozenset(pids)):
        pids[holder.inode].append(holder.pid)
    found: list[PortHolder] = []
    for row in rows:
        for pid in pids[row.inode]:
            command = " ".join(command_line(pid))
            found.append(PortHolder(row.local.host, port, row.inode, row.owner, pid, command))
        if not pids[row.inode]:
            found.append(PortHolder(row.local.host, port, row.inode, row.owner, None, ""))
    return tuple(found)


def socket_holders(inodes: frozenset[int], pids: Iterable[int] | None = None) -> tuple[SocketHolder, ...]:
    """Return which processes (of `pids`, or all that this user may look into) have one of the sockets open."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    if not wanted:
        return ()
    found: list[SocketHolder] = []
    for pid in all_pids() if pids is None else pids:
        with contextlib.suppress(*GONE):
            for name in os.listdir(f"{PROC}/{pid}/fd"):
                with contextlib.suppress(*GONE):
                    inode = wanted.get(os.readlink(f"{PROC}/{pid}/fd/{name}"))
                    if inode is not None:
                        found.append(SocketHolder(pid, int(name), inode))
    return tuple(found)


def server_side(client: socket.socket) -> int | None:
    """Return the inode of the other end of a connection within this machine; None while nobody has accepted it."""
    own, peer = address_of(client.getsockname()), address_of(client.getpeername())
    found = find_socket(peer, own)
    if found is not None:
        return found.inode or None
    for row in tcp_sockets(peer.port):
        if row.local == peer and row.remote == own:
            return row.inode or None
    return None


def answering_pids(client: socket.socket, pids: Iterable[int] | None = None) -> frozenset[int]:
    """Return which processes hold the other end of a connection: who really answers, whatever the answer says.

    Empty while the connection waits to be accepted. Forked workers that share it are all named.
    """
    inode = server_side(client)
    return frozenset() if inode is None else frozenset(one.pid for one in socket_holders(frozenset((inode,)), pids))


def take_listener(holder: ProcessIdentity, host: str, port: int) -> socket.socket | Missing | None:
    """Return a copy of the listening socket that exactly this process holds on an address, close-on-exec.

    None when the process is gone or holds none there; Missing when the kernel does not hand descriptors over.
    """
    inodes = frozenset(row.inode for row in _listening(port) if row.local.host == host)
    pidfd = open_process(holder)
    if pidfd is None or isinstance(pidfd, Missing):
        return pidfd
    try:
        for one in socket_holders(inodes, (holder.pid,)):
            try:
                taken = take_descriptor(pidfd, one.descriptor)
            except OSError:
                # It was closed, or the process ended, since it was seen.
                continue
            if isinstance(taken, Missing):
                return taken
            if (listener := _as_listener(taken, one.inode)) is not None:
                return listener
    finally:
        os.close(pidfd)
    return None


def _listening(port: int) -> tuple[TcpSocket, ...]:
    found = listening_sockets(port)
    if found is None:
        return tuple(row for row in tcp_sockets(port) if row.state is TcpState.LISTEN)
    return found


def _as_listener(descriptor: int, inode: int) -> socket.socket | None:
    # The number may stand for something else by now, so only the socket that was looked for counts.
    if inode_of(descriptor) != inode:
        os.close(descriptor)
        return None
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    return listener
