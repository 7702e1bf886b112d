"""What netlink says of sockets is what the kernel's tables say."""

from __future__ import annotations

import socket
import sys

import pytest

from sophia_cli.project.host.sock_diag import find_socket, listening_sockets
from sophia_cli.project.host.sockets import PortRefused, create_listener, inode_of, port_of
from sophia_cli.project.host.tcp_table import TcpState, address_of, tcp_sockets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="netlink")


@pytest.fixture(params=["127.0.0.1", "::1", "::"])
def listener(request: pytest.FixtureRequest) -> socket.socket:
    try:
        return create_listener(str(request.param), 0)
    except PortRefused:
        pytest.skip("no IPv6")


def test_listeners_are_those_of_the_table(listener: socket.socket) -> None:
    with listener:
        port = port_of(listener)
        table = tuple(row for row in tcp_sockets(port) if row.state is TcpState.LISTEN)
        assert listening_sockets(port) == table
        assert [row.inode for row in table] == [inode_of(listener)]
    assert listening_sockets(port) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_other_end_of_a_connection_is_found(listener: socket.socket, host: str) -> None:
    with listener:
        try:
            client = socket.create_connection((host, port_of(listener)))
        except ConnectionRefusedError:
            pytest.skip("another family")
        with client:
            server, peer = address_of(client.getpeername()), address_of(client.getsockname())
            waiting = find_socket(server, peer)
            listener.setblocking(True)
            accepted, _ = listener.accept()
            with accepted:
                found = find_socket(server, peer)
                assert found is not None
                assert (found.inode, found.state) == (inode_of(accepted), TcpState.ESTABLISHED)
                assert found in tuple(tcp_sockets(server.port))
                own = find_socket(peer, server)
                assert own is not None
                assert own.inode == inode_of(client)
            assert waiting is None or waiting.inode == 0


def test_an_absent_connection_is_none(listener: socket.socket) -> None:
    with listener:
        server = address_of(listener.getsockname())
        other = type(server)(server.host, 1)
        assert find_socket(server, other) is None
