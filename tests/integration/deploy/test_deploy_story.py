"""Deployments from the command line: real services, real sockets, a real agent."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from functools import partial

from deployed_project import DeployedProject, dies_when_told, waits_for
from waiting import LIMIT_S, eventually


def test_the_first_deployment_starts_everything_and_the_next_one_only_what_changed(shop: DeployedProject) -> None:
    first = shop.run("deploy")
    assert (first.code, first.document["verdict"]) == (0, "deployed")
    assert [(row["name"], row["action"]) for row in first.document["services"]] == [
        ("store", "deployed"),
        ("worker", "deployed"),
        ("api", "deployed"),
    ]
    before = shop.facts()
    assert before["version"] == "1"
    assert before["SOPHIA_URL_STORE"] == f"http://127.0.0.1:{shop.store_port}"
    again = shop.run("deploy")
    assert (again.code, again.document["verdict"]) == (0, "unchanged")
    shop.write("shared/version.py", "VERSION = 2\n")
    shop.write("notes.txt", "nobody imports this\n")
    plan = shop.run("deploy", "--plan")
    assert plan.code == 1
    assert plan.service("api")["reasons"] == ["`shared/version.py` changed, imported by `api/main.py`"]
    assert plan.service("store")["action"] == "unchanged"
    assert shop.facts() == before
    second = shop.run("deploy", "--incremental")
    assert second.code == 0
    assert {row["name"]: row["action"] for row in second.document["services"]} == {
        "store": "unchanged",
        "worker": "unchanged",
        "api": "deployed",
    }
    planned = [step["name"] for step in plan.service("api")["steps"]]
    assert [step["name"] for step in second.service("api")["steps"]] == planned
    after = shop.facts()
    assert (after["version"], after["SOPHIA_RELEASE"]) == ("2", "2")
    assert after["pid"] != before["pid"]


def test_no_request_fails_while_releases_are_swapped(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    failures: list[str] = []
    seen: set[str] = set()
    ended = threading.Event()

    def call() -> None:
        while not ended.is_set():
            try:
                seen.add(shop.facts()["version"])
            except (OSError, ValueError, AssertionError) as error:
                failures.append(repr(error))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for version in ("2", "3"):
            shop.write("shared/version.py", f"VERSION = {version}\n")
            assert shop.run("deploy", "api").code == 0
            eventually(partial(seen.__contains__, version))
    finally:
        ended.set()
        for caller in callers:
            caller.join()
    assert failures == []
    assert seen == {"1", "2", "3"}


def test_a_release_that_does_not_start_leaves_the_old_one_and_says_why(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    before = shop.facts()
    shop.write("shared/version.py", "raise RuntimeError('the kettle is cold')\n")
    failed = shop.run("deploy")
    assert (failed.code, failed.document["verdict"]) == (3, "rolled-back")
    row = failed.service("api")
    assert (row["action"], row["release"]) == ("rolled-back", 1)
    assert "exit code" in row["trouble"]["cause"]
    assert any("the kettle is cold" in line for line in row["trouble"]["log"])
    # It never answered, so there is nothing to say of a probe.
    assert row["trouble"]["last_probe"] is None
    assert shop.facts() == before
    assert shop.status("api")["state"] == "running"


def test_a_first_deployment_that_fails_says_why_and_leaves_nothing_listening(shop: DeployedProject) -> None:
    shop.write("api/main.py", "app = None\n")
    failed = shop.run("deploy")
    assert (failed.code, failed.service("api")["action"]) == (3, "failed")
    assert failed.service("store")["action"] == "deployed"
    try:
        shop.get()
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("something answers for a service that never came up")


def test_a_rollback_returns_to_the_release_before(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    shop.write("shared/version.py", "VERSION = 2\n")
    assert shop.run("deploy").code == 0
    back = shop.run("rollback", "api")
    assert (back.code, back.document["verdict"]) == (0, "rolled-back")
    assert back.service("api")["action"] == "rolled-back"
    assert shop.facts()["version"] == "1"
    nothing = shop.run("rollback", "api")
    assert nothing.code == 2
    assert nothing.document["error"]["reference"] == "no-earlier-release"
    forward = shop.run("rollback", "api", "--to", "2")
    assert (forward.code, shop.facts()["version"]) == (0, "2")


def test_a_killed_service_comes_back_and_its_callers_wait(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    before = shop.facts()
    os.kill(int(before["pid"]), signal.SIGKILL)
    # Who connects while nobody serves waits in the queue of the listener: the first answer is a good one.
    after = shop.facts()
    assert after["pid"] != before["pid"]
    assert after["SOPHIA_RELEASE"] == before["SOPHIA_RELEASE"]
    eventually(lambda: shop.incidents("api") == [("exited", "recovered")])
    assert shop.status("api")["restarts"] == 1


def test_a_crash_restarts_the_release_and_not_what_was_edited_since(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    shop.write("shared/version.py", "VERSION = 'edited'\n")
    os.kill(int(shop.facts()["pid"]), signal.SIGKILL)
    assert shop.facts()["version"] == "1"


def test_a_killed_agent_leaves_services_alone_and_the_next_one_adopts_them(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    before = {name: shop.status(name)["pid"] for name in ("api", "store", "worker")}
    os.kill(shop.agent_pid(), signal.SIGKILL)
    assert shop.facts()["pid"] == str(before["api"])
    assert shop.status("api")["state"] == "unwatched"
    assert shop.run("agent", "start").code == 0
    assert {name: shop.status(name)["pid"] for name in before} == before
    # The listeners are the agent's again: who connects to a dead service still waits for the next one.
    os.kill(int(before["api"]), signal.SIGKILL)
    assert shop.facts()["pid"] != str(before["api"])


def test_a_script_that_binds_by_itself_is_replaced_without_a_gap(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    before = shop.get(port=shop.store_port)
    assert shop.run("restart", "store").code == 0
    after = shop.get(port=shop.store_port)
    assert "release=1" in before
    assert "release=1" in after
    assert before != after


def test_what_was_stopped_stays_stopped_and_a_restart_starts_it(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    stopped = shop.run("stop", "--all")
    assert (stopped.code, stopped.document["verdict"]) == (0, "stopped")
    assert shop.run("stop", "--all").code == 0
    assert {row["state"] for row in shop.run("status").document["services"]} == {"stopped"}
    assert shop.run("agent", "stop").code == 0
    assert shop.run("agent", "start").code == 0
    assert shop.status("api")["state"] == "stopped"
    assert shop.run("restart", "--all").code == 0
    assert shop.facts()["version"] == "1"


def test_a_second_deployment_waits_and_then_names_the_first(shop: DeployedProject) -> None:
    gate = shop.root / "gate"
    shop.write("sophia.toml", shop.settings(api='start_timeout = "10m"'))
    shop.write("api/main.py", waits_for(gate) + "app = None\n")
    first = shop.start("deploy", "--json")
    try:
        eventually(lambda: "sophia deploy" in (shop.run("agent", "status").document.get("busy_with") or ""))
        second = shop.run("stop", "store", "--wait", "0s")
        assert second.code == 75
        assert second.document["error"]["reference"] == "agent-busy"
        assert f"pid {first.pid}" in second.document["error"]["message"]
    finally:
        gate.touch()
        first.communicate(timeout=LIMIT_S)
    assert first.returncode == 3


def test_secrets_reach_the_service_and_no_file_that_sophia_writes(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings(api='secrets = ["API_TOKEN"]'))
    shop.write(".env", "API_TOKEN=oolong-4711\n")
    assert shop.run("deploy").code == 0
    assert shop.facts()["API_TOKEN"] == "oolong-4711"
    for path in (shop.root / ".sophia").rglob("*"):
        if path.is_file() and not path.is_symlink() and "tree" not in path.parts:
            # What the agent keeps beside its state while it writes may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                assert b"oolong-4711" not in path.read_bytes(), path
    assert shop.run("deploy").document["verdict"] == "unchanged"
    shop.write(".env", "API_TOKEN=oolong-4712\n")
    assert shop.run("deploy").service("api")["reasons"] == ["secret `API_TOKEN` changed"]
    assert shop.facts()["API_TOKEN"] == "oolong-4712"


def test_a_port_that_somebody_holds_is_named(shop: DeployedProject) -> None:
    import socket

    with socket.create_server(("127.0.0.1", shop.api_port)):
        failed = shop.run("deploy")
    assert failed.code == 3
    assert f"pid {os.getpid()}" in failed.service("api")["trouble"]["cause"]


def test_a_service_may_move_and_those_that_depend_on_it_are_told(shop: DeployedProject) -> None:
    import socket

    shop.write("sophia.toml", shop.settings(store='on_port_conflict = "move"'))
    with socket.create_server(("127.0.0.1", shop.store_port)):
        assert shop.run("deploy").code == 0
        moved = shop.status("store")["port"]
        assert moved != shop.store_port
        assert shop.facts()["SOPHIA_URL_STORE"] == f"http://127.0.0.1:{moved}"


def test_a_release_that_keeps_dying_is_returned_to_the_last_good_one(shop: DeployedProject) -> None:
    quick = 'restart = { max_restarts = 2, within = "1m", backoff = "10ms" }'
    shop.write("sophia.toml", shop.settings(api=quick))
    assert shop.run("deploy").code == 0
    told = shop.root / "told-to-die"
    shop.write("api/main.py", (shop.root / "api/main.py").read_text() + dies_when_told(told))
    assert shop.run("deploy").code == 0
    told.touch()
    eventually(lambda: shop.facts_or_none().get("SOPHIA_RELEASE") == "1")
    eventually(lambda: shop.status("api")["release"] == 1)


def test_an_edited_copy_of_a_release_is_told_and_brought_back(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    copy = shop.root / ".sophia" / "releases" / "api" / "1" / "tree" / "shared" / "version.py"
    copy.write_text("VERSION = 'edited'\n")
    os.kill(int(shop.facts()["pid"]), signal.SIGKILL)
    assert shop.facts()["version"] == "1"
    assert copy.read_text() == "VERSION = 1\n"
    eventually(lambda: ("release-edited", "recovered") in shop.incidents("api"))
