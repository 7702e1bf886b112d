"""Kills of services and agents: callers wait, nothing is left over, and what was begun is finished or taken back."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest
from agent_project import APP, Callers, FaultyServices, Kind
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_ports


def test_a_killed_service_is_back_and_nobody_is_refused(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        os.kill(before, signal.SIGKILL)
        after = shop.next_pid(before)
    assert callers.refused == []
    eventually(lambda: shop.processes() == [after])
    assert shop.facts()["release"] == "1"
    eventually(lambda: shop.incidents() == [("exited", "recovered")])


def test_a_killed_agent_leaves_services_alone_and_the_next_one_adopts_them(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        shop.kill_agent()
        shop.agent_started()
        assert shop.status()["pid"] == before
    assert callers.failures == []
    eventually(lambda: shop.processes() == [before])
    os.kill(before, signal.SIGKILL)
    assert shop.next_pid(before) != before


LAUNCHED = (
    *(f"step-written:{number}" for number in range(1, 8)),
    *(f"step-done:{number}" for number in range(1, 7)),
    *("listener-opened", "instance-started", "instance-written", "instance-ended"),
    *("rollout-written", "service-written", "operation-forgotten"),
)
BOUND = (
    *(f"step-written:{number}" for number in range(1, 10)),
    *(f"step-done:{number}" for number in range(1, 9)),
    *(f"{place}:{number}" for place in ("instance-started", "instance-written", "instance-ended") for number in (1, 2)),
    *("rollout-written", "service-written", "operation-forgotten"),
)
ALL = {Kind.LAUNCHED: LAUNCHED, Kind.BOUND: BOUND}
FEW = {Kind.LAUNCHED: ("step-done:3", "step-written:5"), Kind.BOUND: ("instance-started:2",)}


@pytest.mark.parametrize("kind", Kind)
def test_an_agent_killed_anywhere_in_a_rollout_leaves_one_release_whole(
    shop: FaultyServices, kind: Kind, attempt: int
) -> None:
    """In the normal run at a few places, in the long one at all of them."""
    path, old = shop.deployed_as(kind), "1"
    for number, place in enumerate((ALL if attempt else FEW)[kind], 2):
        with shop.killed_rollout(path, number, old, place) as died:
            shop.agent_started()
            eventually(shop.is_idle)
            status = shop.reaches("running")
        # What is said and what answers are one release, once the operation is over.
        eventually(lambda: shop.facts()["release"] == str(shop.status()["release"]))
        facts = shop.facts()
        assert facts["version"] == facts["release"] in {old, str(number)}, (place, died, status)
        eventually(lambda: shop.processes() == [shop.pid()])
        old = facts["version"]


FIRST = (
    *(f"step-written:{number}" for number in range(1, 9)),
    *(f"step-done:{number}" for number in range(1, 9)),
    *(f"{place}:{number}" for place in ("instance-started", "instance-written") for number in (1, 2, 3)),
    *(f"{place}:{number}" for place in ("rollout-written", "service-written") for number in (1, 2, 3)),
    "operation-forgotten",
)


def test_an_agent_killed_anywhere_in_a_first_deployment_leaves_each_service_whole_or_gone(
    shop: FaultyServices, attempt: int
) -> None:
    """Several services are started at once, and another after them; one place a round, in the long run each of them."""
    place = FIRST[(13 + attempt) % len(FIRST)] if attempt else "step-done:3"
    (late_port,) = free_ports(1)
    ports = {"web": shop.port, "app": shop.other_port, "late": late_port}
    shop.write("app.py", APP)
    app = f'[services.app]\napp = "app:app"\nport = {ports["app"]}\nsoak = "50ms"\n'
    late = f'[services.late]\ncommand = "python web.py"\nport = {late_port}\nsoak = "0s"\ndepends_on = ["web", "app"]\n'
    shop.declare('soak = "50ms"', app + late)
    shop.agent_started(place)
    died = shop.run("deploy")
    shop.agent_gone()
    shop.agent_started()
    eventually(shop.is_idle)
    for name, port in ports.items():
        seen = (place, died, shop.run("status").document)
        if shop.status(name)["state"] == "failed":
            eventually(partial(shop.has_none, name))
            with pytest.raises(ConnectionRefusedError):
                shop.get(port=port)
        else:
            shop.reaches("running", name)
            assert shop.facts(port)["release"] == str(shop.status(name)["release"]) == "1", seen
    shop.deployed()
    for name, port in ports.items():
        # Its listener is kept as well: whoever calls while it is down waits.
        before = int(shop.facts(port)["pid"])
        os.kill(before, signal.SIGKILL)
        assert int(shop.facts(port, LIMIT_S)["pid"]) != before, (place, name)


def test_what_is_said_and_what_answers_are_one_release_before_a_rollout_is_over(shop: FaultyServices) -> None:
    shop.write("app.py", APP)
    shop.declare(start='app = "app:app"')
    shop.deployed()
    shop.kill_agent()
    shop.agent_started("step-written:6")
    # The agent dies as it begins to wait for something to go wrong; the next one waits on.
    shop.declare('soak = "10m"', start='app = "app:app"')
    shop.release(2, "app.py")
    shop.run("deploy")
    shop.agent_gone()
    shop.agent_started()
    status = shop.reaches("running")
    assert not shop.is_idle()
    assert (status["release"], shop.facts()["release"]) == (2, "2")


def test_a_release_that_died_with_its_agent_does_not_take_the_old_one_with_it(shop: FaultyServices) -> None:
    shop.write("app.py", APP)
    shop.declare(start='app = "app:app"')
    shop.deployed()
    old = shop.pid()
    shop.kill_agent()
    # The new instance has proved itself, and the old one is about to leave.
    shop.agent_started("step-written:5")
    shop.release(2, "app.py")
    shop.run("deploy")
    shop.agent_gone()
    (new,) = set(shop.processes()) - {old}
    with Callers(shop) as callers:
        os.kill(new, signal.SIGKILL)
        shop.agent_started()
        eventually(shop.is_idle)
    assert callers.refused == []
    eventually(lambda: shop.processes() == [old])
    eventually(lambda: (shop.status()["release"], shop.facts()["release"]) == (1, "1"))


@pytest.mark.parametrize("place", ["state-opened", "processes-adopted", "listeners-restored"])
def test_an_agent_killed_while_it_adopts_is_followed_by_one_that_does(shop: FaultyServices, place: str) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        shop.kill_agent()
        assert shop.run("agent", "start", SOPHIA_FAILPOINT=place).code != 0
        shop.agent_started()
    assert callers.failures == []
    eventually(lambda: shop.processes() == [before])
    os.kill(before, signal.SIGKILL)
    assert shop.next_pid(before) != before


def test_listeners_are_kept_where_services_cannot_hand_them_over(shop: FaultyServices) -> None:
    shop.environment["SOPHIA_AGENT_WITHOUT"] = "pidfd_getfd"
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        shop.kill_agent()
        os.kill(before, signal.SIGKILL)
        shop.agent_started()
        after = shop.next_pid(before)
    assert callers.refused == []
    eventually(lambda: shop.processes() == [after])
    assert shop.run("stop", "web").code == 0
    with pytest.raises(ConnectionRefusedError):
        shop.get()
