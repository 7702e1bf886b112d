"""The descriptor holder as a real process: listeners outlive whoever opened them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ended_trees import end_tree

from sophia_cli.agent.listening import holder
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.host.processes import is_running, memory_of
from sophia_cli.project.host.sockets import create_listener, inode_of
from sophia_cli.project.host.spawn import Spawned, SpawnSpec, spawn


class Running:
    """A holder, and connections to it."""

    def __init__(self, folder: Path) -> None:
        # A path below the test's folder may be too long for an address, so it is named from within.
        self.folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self.path = f"/proc/self/fd/{self.folder}/holder"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(self.path)
            door.listen(16)
            log = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            self.process: Spawned = spawn(SpawnSpec(holder.holder_command(), {}, folder, log, {3: door.fileno()}))
            os.close(log)

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.path)
        return connection

    def wait_for_end(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.process.identity.pid, 0)[1])

    def close(self) -> None:
        if is_running(self.process.identity):
            end_tree(self.process.identity, "", 0.0, SystemClock())
            self.wait_for_end()
        if self.process.pidfd is not None:
            os.close(self.process.pidfd)
        os.close(self.folder)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.close()


def test_a_listener_outlives_the_one_who_opened_it(running: Running) -> None:
    listener = create_listener("127.0.0.1", 0)
    address, inode = listener.getsockname(), inode_of(listener)
    assert holder.keep(running.connect(), "api", listener)
    listener.close()
    with socket.create_connection(address):
        # It waits in the queue of a socket that only the holder has open.
        taken = holder.take(running.connect(), "api")
        assert taken is not None
        with taken:
            assert inode_of(taken) == inode
            assert not os.get_inheritable(taken.fileno())
            accepted, _ = taken.accept()
            accepted.close()
    assert holder.names(running.connect()) == ("api",)


def test_an_unknown_name_is_none(running: Running) -> None:
    assert holder.take(running.connect(), "api") is None
    assert not holder.drop(running.connect(), "api")
    assert holder.names(running.connect()) == ()


def test_a_dropped_listener_is_closed_and_with_the_last_one_the_holder_ends(running: Running) -> None:
    addresses = []
    for name in ("api", "db"):
        with create_listener("127.0.0.1", 0) as listener:
            addresses.append(listener.getsockname())
            assert holder.keep(running.connect(), name, listener)
    assert holder.drop(running.connect(), "api")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(addresses[0])
    socket.create_connection(addresses[1]).close()
    assert holder.drop(running.connect(), "db")
    assert running.wait_for_end() == 0


def test_a_later_listener_takes_the_place_of_the_earlier_one(running: Running) -> None:
    with create_listener("127.0.0.1", 0) as first, create_listener("127.0.0.1", 0) as second:
        assert holder.keep(running.connect(), "api", first)
        assert holder.keep(running.connect(), "api", second)
        taken = holder.take(running.connect(), "api")
        assert taken is not None
        with taken:
            assert inode_of(taken) == inode_of(second)
        gone = first.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(gone)


def test_nonsense_and_broken_connections_do_not_end_it(running: Running) -> None:
    running.connect().close()
    for nonsense in (b"\xff\xfe\x00\n", b"keep\n", b"keep api\n", b"fly api\n"):
        with running.connect() as connection:
            connection.sendall(nonsense)
            assert connection.recv(10) == b"none"
    with create_listener("127.0.0.1", 0) as listener:
        assert holder.keep(running.connect(), "api", listener)
    assert holder.names(running.connect()) == ("api",)


def test_it_ends_when_asked(running: Running) -> None:
    with create_listener("127.0.0.1", 0) as listener:
        assert holder.keep(running.connect(), "api", listener)
    assert holder.end(running.connect())
    assert running.wait_for_end() == 0


def test_it_stays_small(running: Running) -> None:
    assert holder.names(running.connect()) == ()
    memory = memory_of(running.process.identity.pid)
    assert memory is not None
    assert memory.rss < 25_000_000
