"""Kills of services and agents: callers wait, nothing is left over, and what was begun is finished or taken back."""

from __future__ import annotations

import os
import signal

import pytest
from agent_project import APP, Callers, FaultyServices, eventually


def test_a_killed_service_is_back_and_nobody_is_refused(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    before = shop.pid()
    with Callers(shop) as callers:
        os.kill(before, signal.SIGKILL)
        after = shop.next_pid(before)
    assert callers.refused == []
    assert shop.processes() == [after]
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
    assert shop.processes() == [before]
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
FEW = {"launched": ("step-done:3", "step-written:5"), "bound": ("instance-started:2",)}


@pytest.mark.parametrize("kind", ["launched", "bound"])
def test_an_agent_killed_anywhere_in_a_rollout_leaves_one_release_whole(
    shop: FaultyServices, kind: str, attempt: int
) -> None:
    """In the normal run at a few places, in the long one at all of them."""
    if kind == "launched":
        path, places = "app.py", LAUNCHED
        shop.write(path, APP)
        shop.declare(start='app = "app:app"')
    else:
        path, places = "web.py", BOUND
        shop.declare()
    shop.deployed()
    old = "1"
    for number, place in enumerate(places if attempt else FEW[kind], 2):
        shop.kill_agent()
        shop.agent_started(place)
        shop.release(number, path)
        with Callers(shop) as callers:
            died = shop.run("deploy")
            shop.agent_gone()
            shop.agent_started()
            eventually(shop.is_idle)
            status = shop.reaches("running")
        seen = (place, died, status)
        assert callers.failures == [], seen
        assert callers.versions <= {old, str(number)}, seen
        # What is said and what answers are one release, once the operation is over.
        eventually(lambda: shop.facts()["release"] == str(shop.status()["release"]))
        facts = shop.facts()
        assert facts["version"] == facts["release"] in {old, str(number)}, seen
        eventually(lambda: shop.processes() == [shop.pid()])
        old = facts["version"]


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
    assert shop.processes() == [before]
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
    assert shop.processes() == [after]
    assert shop.run("stop", "web").code == 0
    with pytest.raises(ConnectionRefusedError):
        shop.get()
