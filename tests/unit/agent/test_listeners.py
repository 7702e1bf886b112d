"""The public listeners of services whose port changes: both are there until one is to stay."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.project.host.sockets import PortInUse, create_listener, port_of
from sophia_cli.project.settings.service_model import Service


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    found = Listeners()
    yield found
    found.close_all()


@pytest.fixture
def ports() -> tuple[int, int]:
    with create_listener("127.0.0.1", 0) as one, create_listener("127.0.0.1", 0) as other:
        return port_of(one), port_of(other)


def served(port: int) -> Service:
    return Service("api", port=port)


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_both_ports_are_open_until_the_new_one_stays(listeners: Listeners, ports: tuple[int, int]) -> None:
    old, new = ports
    listeners.open(served(old))
    listeners.open(served(new))
    assert (is_open(old), is_open(new), listeners.port("api")) == (True, True, new)
    assert [port_of(one) for port in ports if (one := listeners.find("api", port)) is not None] == [old, new]
    listeners.settle("api", new)
    assert (is_open(old), is_open(new), listeners.port("api")) == (False, True, new)


def test_the_old_port_stays_when_the_new_one_does_not_come_through(
    listeners: Listeners, ports: tuple[int, int]
) -> None:
    old, new = ports
    listeners.open(served(old))
    listeners.open(served(new))
    # Neither has the port that its settings name: the earlier one is where it had moved to.
    listeners.settle("api", 1, is_back=True)
    assert (is_open(old), is_open(new), listeners.port("api")) == (True, False, old)


def test_whoever_starts_in_between_gets_the_listener_of_its_own_port(
    listeners: Listeners, ports: tuple[int, int]
) -> None:
    old, new = ports
    listeners.open(served(old))
    first = listeners.find("api")
    listeners.open(served(new))
    listeners.open(served(old))
    assert listeners.find("api") is first
    assert is_open(new)
    listeners.settle("api", new)
    assert (is_open(old), listeners.port("api")) == (False, new)


def test_a_port_that_is_held_leaves_the_old_one_as_it_was(listeners: Listeners, ports: tuple[int, int]) -> None:
    old, _ = ports
    listeners.open(served(old))
    with create_listener("127.0.0.1", 0) as held, pytest.raises(PortInUse):
        listeners.open(served(port_of(held)))
    assert (is_open(old), listeners.port("api")) == (True, old)
    listeners.close("api")
    assert not is_open(old)


def test_both_are_closed_with_the_service(listeners: Listeners, ports: tuple[int, int]) -> None:
    for port in ports:
        listeners.open(served(port))
    listeners.close("api")
    assert not any(is_open(port) for port in ports)
