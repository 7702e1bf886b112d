"""Ways back: the emergency brake, a release by its number, the agent's own; and logs as they are written."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from deployed_project import DeployedProject, dies_when_told
from waiting import LIMIT_S, eventually


def _versions(shop: DeployedProject) -> tuple[str, str]:
    return shop.facts()["version"], shop.facts()["SOPHIA_RELEASE"]


def test_the_emergency_brake_returns_every_service_to_its_last_good_release(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    shop.write("shared/version.py", "VERSION = 2\n")
    shop.write("worker.py", (shop.root / "worker.py").read_text() + "# changed\n")
    assert shop.run("deploy").code == 0
    assert _versions(shop) == ("2", "2")
    before = {row["name"]: row["release"] for row in shop.run("status").document["services"]}
    braked = shop.run("rollback", "--all")
    assert (braked.code, braked.document["verdict"]) == (0, "rolled-back")
    rows = {row["name"]: (row["action"], row["release"]) for row in braked.document["services"]}
    assert rows["api"] == rows["worker"] == ("rolled-back", 1)
    # What has nothing to go back to goes on.
    assert rows["store"] == (("unchanged", 1) if before["store"] == 1 else ("rolled-back", 1))
    assert _versions(shop) == ("1", "1")
    assert {row["state"] for row in shop.run("status").document["services"]} == {"running"}


def test_a_release_that_the_agent_took_back_is_an_incident_that_says_so(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings(api='restart = { max_restarts = 1, within = "1m", backoff = "10ms" }'))
    assert shop.run("deploy").code == 0
    told = shop.root / "told-to-die"
    shop.write("api/main.py", (shop.root / "api/main.py").read_text() + dies_when_told(told))
    assert shop.run("deploy").code == 0
    told.touch()
    # The release first: what answers waits in the listener while the incident of the last death is still open.
    eventually(lambda: _release(shop) == "1" and set(shop.incidents("api")) == {("exited", "recovered")})
    with closing(sqlite3.connect(shop.root / ".sophia" / "agent.sqlite", timeout=LIMIT_S)) as state:
        acts = [row[0] for row in state.execute("SELECT recovery FROM incident_acts ORDER BY rowid")]
        seconds = [row[0] for row in state.execute("SELECT seconds FROM incidents WHERE service = 'api'")]
    assert acts[-2:] == ["give-up", "roll-back"]
    assert all(0 < one < LIMIT_S for one in seconds)


def _release(shop: DeployedProject) -> str | None:
    return shop.facts_or_none().get("SOPHIA_RELEASE")


def test_logs_are_followed_as_they_are_written(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    following = shop.start("logs", "worker", "--follow")
    try:
        assert following.stdout is not None
        assert "worker began" in following.stdout.readline()
        assert shop.run("restart", "worker").code == 0
        assert "worker began" in following.stdout.readline()
    finally:
        following.kill()
        following.communicate(timeout=LIMIT_S)


def test_a_release_that_there_is_not_is_answered_with_those_that_there_are(shop: DeployedProject) -> None:
    assert shop.run("deploy", "store").code == 0
    shop.write("store/run.py", (shop.root / "store/run.py").read_text() + "# changed\n")
    assert shop.run("deploy", "store").code == 0
    missing = shop.run("rollback", "store", "--to", "9")
    assert (missing.code, missing.document["error"]["reference"]) == (2, "release-missing")
    assert missing.document["error"]["hint"] == "its releases: 1, 2"


def test_what_runs_can_be_looked_at_while_the_settings_cannot_be_read(shop: DeployedProject) -> None:
    assert shop.run("deploy", "store").code == 0
    text = (shop.root / "sophia.toml").read_text()
    shop.write("sophia.toml", text + "[services.half")
    for words in (("status", "store"), ("logs", "store"), ("restart", "store")):
        ran = shop.run(*words)
        assert ran.code == 0, ran
    status = shop.run("status")
    assert [row["name"] for row in status.document["services"]] == ["store"]
    assert "the settings are not read" in status.stderr
    assert shop.run("deploy").code == 2
