"""Reaching the agent when others start it, too, and when it ends in that very moment."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deployed_project import DeployedProject
from waiting import LIMIT_S, eventually


def agents_of(root: Path) -> list[int]:
    """Return the process ids of all agents of a project, those that wait for their place, too."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"sophia_cli.agent" in words and os.fsencode(root.resolve()) in words:
            found.append(int(entry.name))
    return found


def holds_open(pid: int, path: Path) -> bool:
    """Return whether a process has a file open."""
    try:
        return any(os.path.realpath(entry) == str(path) for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@contextmanager
def dying_agent(root: Path) -> Iterator[None]:
    """What is left of an agent that ends in the moment in which it is reached: it takes one connection and is gone."""
    (root / ".sophia").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / ".sophia" / "agent.sock"))
        listener.listen(1)
        listener.settimeout(LIMIT_S)

        def end() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            listener.close()
            connection.close()

        thread = threading.Thread(target=end)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def test_two_deployments_at_the_same_moment_end_with_one_agent(shop: DeployedProject) -> None:
    first, second = (shop.start("deploy", "--json") for _ in range(2))
    answers = [process.communicate(timeout=LIMIT_S) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], answers
    actions = [{row["action"] for row in json.loads(out)["services"]} for out, _ in answers]
    assert sorted(map(sorted, actions)) == [["deployed"], ["unchanged"]]
    # One that gave up is still ending, and a child looks like the agent until it is another program.
    eventually(lambda: agents_of(shop.root) == [shop.agent_pid()])
    assert shop.facts()["version"] == "1"


@pytest.mark.parametrize("words", [("agent", "start"), ("deploy",)], ids=" ".join)
def test_an_agent_that_ends_as_it_is_reached_is_followed_by_another(
    shop: DeployedProject, words: tuple[str, ...]
) -> None:
    with dying_agent(shop.root):
        ran = shop.run(*words)
    assert ran.code == 0, ran.stderr
    # One that gave up is still ending, and a child looks like the agent until it is another program.
    eventually(lambda: agents_of(shop.root) == [shop.agent_pid()])


def test_the_status_does_without_an_agent_that_ends_as_it_is_asked(shop: DeployedProject) -> None:
    with dying_agent(shop.root):
        ran = shop.run("status")
    assert ran.code == 0, ran.stderr
    assert {row["reason"] for row in ran.document["services"]} == {"no agent runs"}


def test_an_agent_waits_for_the_place_of_one_that_is_about_to_end(shop: DeployedProject) -> None:
    state = shop.root / ".sophia"
    state.mkdir(mode=0o700)
    with open(state / "agent.lock", "w") as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        starting = shop.start("agent", "start", "--json")
        eventually(lambda: any(holds_open(pid, state / "agent.lock") for pid in agents_of(shop.root)))
        assert starting.poll() is None
    out, err = starting.communicate(timeout=LIMIT_S)
    assert starting.returncode == 0, err
    assert json.loads(out)["pid"] == shop.agent_pid()
