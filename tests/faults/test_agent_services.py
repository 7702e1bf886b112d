"""Services that hang, start slowly, keep dying or do not want to end, and those that depend on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from agent_project import Callers, FaultyServices
from agents import Ran
from waiting import LIMIT_S, eventually

# What is tested is the liveness probe, so readiness has nothing to say. Who is well answers long before the timeout.
WATCHED = """\
readiness = { http = "/", interval = "50ms", timeout = "30s", failures = 1000 }
liveness = { http = "/health", interval = "50ms", timeout = "TIMEOUT", failures = 2 }
"""
HANGS = WATCHED.replace("TIMEOUT", "1s")
ANSWERS = WATCHED.replace("TIMEOUT", "30s")


def is_replaced_as_hung(shop: FaultyServices, before: int) -> None:
    """Return once an instance that hung is gone, and another one serves: on a slow machine not the first that came."""
    eventually(lambda: shop.incidents()[:1] == [("hung", "recovered")])
    eventually(lambda: len(left := shop.processes()) == 1 and before not in left)
    assert shop.next_pid(before)


def test_a_hung_health_endpoint_leads_to_a_restart(shop: FaultyServices) -> None:
    shop.declare(HANGS)
    shop.deployed()
    before = shop.pid()
    assert shop.get("/hang") == "hung"
    is_replaced_as_hung(shop, before)


def test_a_stopped_process_is_killed_and_replaced(shop: FaultyServices) -> None:
    shop.declare(HANGS)
    shop.deployed()
    before = shop.pid()
    os.kill(before, signal.SIGSTOP)
    is_replaced_as_hung(shop, before)


def test_the_old_release_serves_while_the_next_one_starts_slowly(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    shop.release(2)
    shop.declare('env = { START_S = "0.4" }')
    with Callers(shop) as callers:
        ran = shop.run("deploy")
    assert ran.code == 0, ran
    steps = {step["name"]: step["duration_s"] for step in ran.service("web")["steps"]}
    assert steps["start-candidate"] + steps["prove"] >= 0.39
    assert callers.failures == []
    assert callers.versions <= {"1", "2"}
    assert shop.facts()["version"] == "2"


def test_a_crash_loop_is_given_up_and_told(shop: FaultyServices) -> None:
    loop = 'restart = { max_restarts = 2, within = "1m", backoff = "10ms" }\nhealing = { rollback = false }\n'
    told = shop.root / "told-to-die"
    shop.declare(f'{loop}env = {{ DIES_ONCE = "{told}" }}')
    shop.deployed()
    told.touch()
    status = shop.reaches("failed")
    assert status["restarts"] == 2
    assert status["reason"] == "exit code 9"
    eventually(lambda: shop.incidents()[-1] == ("exited", None))
    eventually(lambda: shop.processes() == [])
    assert shop.has_agent()


def test_a_release_that_dies_while_it_is_watched_is_rolled_back(shop: FaultyServices) -> None:
    shop.declare()
    shop.deployed()
    shop.release(2)
    told = shop.root / "told-to-die"
    shop.declare(f'soak = "10m"\nenv = {{ DIES_ONCE = "{told}" }}')
    with Callers(shop) as callers, shop.start("deploy") as deploying:
        # Its only instance is the new one: it is watched from now on.
        eventually(lambda: "2" in callers.versions and len(shop.processes()) == 1)
        told.touch()
        out, err = deploying.communicate(timeout=LIMIT_S)
    ran = Ran(deploying.returncode, json.loads(out), err)
    assert ran.code == 3, ran
    assert ran.service("web")["action"] == "rolled-back"
    assert "exit code 9" in ran.service("web")["trouble"]["cause"]
    assert callers.refused == []
    assert shop.facts()["version"] == "1"
    eventually(lambda: shop.processes() == [shop.pid()])


def test_who_ignores_the_request_to_end_is_killed_at_the_deadline(shop: FaultyServices) -> None:
    shop.declare('env = { STUBBORN = "1" }\ndrain_timeout = "100ms"\nstop_timeout = "200ms"')
    shop.deployed()
    ran = shop.run("stop", "web")
    assert ran.code == 0, ran
    # Twenty-five seconds would be those of a service that says nothing of it.
    assert 0.29 <= ran.service("web")["duration_s"] < 25.0
    eventually(lambda: shop.processes() == [])


def test_a_dependency_that_is_down_takes_nobody_with_it(shop: FaultyServices) -> None:
    store = f"""\
[services.store]
command = "python web.py"
port = {shop.other_port}
soak = "0s"
restart = "never"
healing = {{ rollback = false }}
"""
    asks = ANSWERS.replace("/health", "/store")
    shop.declare(f'{asks}depends_on = ["store"]', store)
    shop.deployed()
    web = shop.pid()
    os.kill(int(shop.facts(shop.other_port)["pid"]), signal.SIGKILL)
    shop.reaches("failed", "store")
    shop.is_asked(6)
    assert shop.pid() == web
    assert shop.incidents() == []
    os.kill(web, signal.SIGKILL)
    shop.reaches("waiting")
    assert shop.processes() == []
    assert shop.run("restart", "store").code == 0
    shop.next_pid(web)
    eventually(lambda: shop.incidents() == [("exited", "recovered")])
    assert shop.status()["restarts"] == 1


def test_a_clock_that_jumps_restarts_nothing(shop: FaultyServices) -> None:
    shop.declare(ANSWERS)
    shop.deployed()
    before = shop.pid()
    shop.kill_agent()
    jump = shop.root / "jump"
    jump.write_text("0")
    script = Path(__file__).parent / "agent_with_clock.py"
    with subprocess.Popen([sys.executable, str(script), str(shop.root), str(jump)], stdin=subprocess.DEVNULL) as agent:
        try:
            eventually(lambda: shop.agent_pid() == agent.pid and shop.status()["state"] == "running")
            for seconds in (10 * 365 * 86400, -10 * 365 * 86400, 3600):
                jump.write_text(str(seconds))
                shop.is_asked(8)
            assert shop.pid() == before
            assert shop.status()["restarts"] == 0
            os.kill(before, signal.SIGKILL)
            shop.next_pid(before)
            eventually(lambda: shop.incidents() == [("exited", "recovered")])
        finally:
            agent.kill()
