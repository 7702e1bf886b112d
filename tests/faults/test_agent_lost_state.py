"""The agent is killed in the middle of a rollout, and what it has written down is lost as well."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from agent_project import Callers, FaultyServices, Kind
from waiting import eventually

# Steps of a launched service: 1 start, 2 prove, 3 attach, 4 verify, 5 drain the old one, 6 soak.
LAUNCHED = ("step-written:2", "step-done:2", "step-done:3", "step-written:5", "step-done:5", "instance-ended")
# Steps of a bound one: 1 start, 2 prove, 3 stop the candidate, 4 start serving, 5 prove, 6 verify, 7 drain, 8 soak.
BOUND = ("step-written:2", "step-done:2", "step-done:3", "step-done:5", "step-written:7", "step-done:7")
ALL = {Kind.LAUNCHED: LAUNCHED, Kind.BOUND: BOUND}
FEW = {Kind.LAUNCHED: ("step-done:2", "step-done:3", "step-done:5"), Kind.BOUND: ("step-done:2", "step-done:5")}


def _lose_state(shop: FaultyServices) -> None:
    for suffix in ("", "-wal", "-shm"):
        (shop.root / ".sophia" / f"agent.sqlite{suffix}").unlink(missing_ok=True)


@pytest.mark.parametrize("kind", Kind)
def test_a_state_that_is_lost_in_a_rollout_leaves_the_release_that_serves(
    shop: FaultyServices, kind: Kind, attempt: int
) -> None:
    path, old = shop.deployed_as(kind), "1"
    for number, place in enumerate((ALL if attempt else FEW)[kind], 2):
        with shop.killed_rollout(path, number, old, place) as died:
            running = len(shop.instances())
            _lose_state(shop)
            shop.agent_started()
            status = shop.reaches("running")
            eventually(lambda: shop.processes() == [shop.pid()])
        seen = (place, died, status)
        # What is said and what answers are one release, once it is settled which.
        eventually(lambda: shop.facts()["release"] == str(shop.status()["release"]))
        facts = shop.facts()
        assert facts["version"] == facts["release"], seen
        eventually(lambda: shop.incidents() == [("state-lost", "recovered")])
        if place in ("step-done:2", "step-written:2"):
            # The candidate had not been let in, so nobody may be left with it.
            assert (facts["version"], running) == (old, 2), seen
        if place == "step-done:5" and kind is Kind.LAUNCHED:
            assert facts["version"] == str(number), seen
        old = facts["version"]
    os.kill(shop.pid(), signal.SIGKILL)
    eventually(lambda: shop.incidents()[-1] == ("exited", "recovered"))
    assert shop.facts()["version"] == old


def test_a_restart_whose_state_is_lost_leaves_one_instance(shop: FaultyServices) -> None:
    shop.deployed_as(Kind.LAUNCHED)
    before = shop.pid()
    shop.kill_agent()
    shop.agent_started("step-done:2")
    with Callers(shop) as callers:
        shop.run("restart", "web")
        shop.agent_gone()
        _lose_state(shop)
        shop.agent_started()
        eventually(lambda: shop.processes() == [before])
    assert callers.failures == []
    shop.reaches("running")


def test_a_service_that_had_moved_is_found_at_its_port_without_a_state(shop: FaultyServices) -> None:
    shop.declare('on_port_conflict = "move"')
    with socket.create_server(("127.0.0.1", shop.port)):
        shop.deployed()
        moved, before = shop.status()["port"], shop.status()["pid"]
        shop.kill_agent()
        _lose_state(shop)
        shop.agent_started()
        status = shop.reaches("running")
        assert (status["port"], status["pid"]) == (moved, before)
        assert shop.facts(moved)["pid"] == str(before)
