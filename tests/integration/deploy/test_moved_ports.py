"""Ports that somebody else holds: who is told, where the service goes, and how it comes back."""

from __future__ import annotations

import os
import signal
import socket

from deployed_project import DeployedProject

from benchmarks.ports import free_ports

MOVES = 'on_port_conflict = "move"'


def test_a_service_that_had_to_move_goes_to_the_port_that_the_settings_name_next(shop: DeployedProject) -> None:
    (other,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as held:
        taken = held.getsockname()[1]
        assert shop.run("deploy", "api", "store").code == 0
        before, shop.api_port = shop.api_port, taken
        shop.write("sophia.toml", shop.settings(api=MOVES))
        done = shop.run("deploy", "api")
        moved = done.service("api")["port"]
        assert moved not in (before, taken)
        told = f"it listens on port {moved}, since {taken} was held when it was to be opened"
        assert f"api: {told}" in done.document["notes"]
        assert shop.status("api")["notes"] == [told]
        # It stays there as long as the settings name the port that was held, whichever agent looks after it.
        shop.write("shared/version.py", "VERSION = 2\n")
        os.kill(shop.agent_pid(), signal.SIGKILL)
        assert shop.run("deploy", "api").service("api")["port"] == moved
        shop.api_port = other
        shop.write("sophia.toml", shop.settings(api=MOVES))
        back = shop.run("deploy", "api")
    assert back.service("api")["port"] == other
    assert shop.facts()["version"] == "2"
    assert shop.status("api")["notes"] == []


def test_a_port_that_is_held_is_no_trouble_of_what_the_service_wrote_before(shop: DeployedProject) -> None:
    assert shop.run("deploy", "api", "store").code == 0
    with socket.create_server(("127.0.0.1", 0)) as held:
        shop.api_port = held.getsockname()[1]
        shop.write("sophia.toml", shop.settings())
        refused = shop.run("deploy", "api")
    assert refused.code == 3
    trouble = refused.service("api")["trouble"]
    assert f"port {shop.api_port} of 127.0.0.1 is held by" in trouble["cause"]
    assert trouble["log"] == []
