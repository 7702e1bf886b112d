"""Deployments of other kinds: several instances, kept data, gone services, other ports, environments, commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from deployed_project import DeployedProject
from waiting import eventually

from benchmarks.ports import free_ports


def test_several_instances_share_the_address_and_are_replaced_one_by_one(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings(api="replicas = 2"))
    assert shop.run("deploy").code == 0
    status = shop.status("api")
    assert (status["wanted"], status["ready"], status["state"]) == (2, 2, "running")
    before = {one["pid"] for one in status["instances"]}
    shop.write("shared/version.py", "VERSION = 2\n")
    done = shop.run("deploy")
    assert [(step["name"], step["instance"]) for step in done.service("api")["steps"]] == [
        ("start-candidate", 0),
        ("prove", 0),
        ("attach", 0),
        ("verify", 0),
        ("drain-old", 0),
        ("start-candidate", 1),
        ("prove", 1),
        ("attach", 1),
        ("verify", 1),
        ("drain-old", 1),
        ("soak", 0),
    ]
    after = {one["pid"] for one in shop.status("api")["instances"]}
    assert len(after) == 2
    assert not before & after
    shop.write("sophia.toml", shop.settings(api="replicas = 1"))
    assert shop.run("deploy").code == 0
    assert len(shop.status("api")["instances"]) == 1


def test_an_interpreter_that_is_not_there_is_told_before_anything_is_begun(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings().replace('["python", "worker.py"]', '["python3.1", "worker.py"]'))
    refused = shop.run("deploy", "--plan")
    assert (refused.code, refused.document["error"]["reference"]) == (69, "interpreter-not-found")
    assert shop.run("deploy", "store").code == 0
    assert "python3.1" in refused.document["error"]["message"]


def test_data_that_a_service_keeps_outlives_its_releases(shop: DeployedProject) -> None:
    shop.write("sophia.toml", shop.settings(worker='persist = ["data/worker"]'))
    shop.write("worker.py", _WRITES)
    kept = shop.root / "data" / "worker" / "starts.txt"
    assert shop.run("deploy").code == 0
    eventually(kept.exists)
    shop.write("worker.py", _WRITES + "# changed\n")
    assert shop.run("deploy").code == 0
    eventually(lambda: kept.read_text() == "start of release 1\nstart of release 2\n")


_WRITES = """\
import os
import time
from pathlib import Path

with (Path("data") / "worker" / "starts.txt").open("a") as file:
    file.write(f"start of release {os.environ['SOPHIA_RELEASE']}\\n")
while True:
    time.sleep(0.05)
"""


def test_a_service_that_the_settings_no_longer_have_is_stopped_and_forgotten(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    settings = shop.settings()
    shop.write("sophia.toml", settings[: settings.index("[services.worker]")])
    plan = shop.run("deploy", "--plan")
    assert plan.service("worker")["reasons"] == ["no longer in the settings"]
    done = shop.run("deploy")
    assert (done.code, done.service("worker")["action"]) == (0, "stopped")
    assert [row["name"] for row in shop.run("status").document["services"]] == ["store", "api"]


def test_a_service_moves_to_the_port_that_the_settings_name_now(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    old = shop.api_port
    (shop.api_port,) = free_ports(1)
    shop.write("sophia.toml", shop.settings())
    done = shop.run("deploy")
    assert done.service("api")["reasons"] == ["setting `port` changed"]
    assert (done.code, done.service("api")["port"]) == (0, shop.api_port)
    assert shop.facts()["version"] == "1"
    with pytest.raises(OSError):
        shop.get(port=old)


def test_an_environment_changes_what_it_names(shop: DeployedProject) -> None:
    more = '[environments.production.services.api]\nenv = { LEVEL = "quiet" }\n'
    shop.write("sophia.toml", shop.settings(api='env = { LEVEL = "loud" }', more=more))
    assert shop.run("deploy", "--env", "production").code == 0
    assert shop.facts()["LEVEL"] == "quiet"
    wrong = shop.run("deploy", "--env", "productoin")
    assert (wrong.code, wrong.document["error"]["reference"]) == (2, "environment-unknown")


def test_an_instance_gets_nothing_of_the_environment_that_is_not_declared(shop: DeployedProject) -> None:
    assert shop.run("deploy", API_TOKEN="leaked", LEVEL="leaked").code == 0
    facts = shop.facts()
    assert (facts["API_TOKEN"], facts["LEVEL"]) == ("", "")


def test_a_command_of_uvicorn_gets_the_socket_by_descriptor(shop: DeployedProject) -> None:
    pytest.importorskip("uvicorn")
    settings = shop.settings().replace('app = "api.main:app"', 'command = "uvicorn api.main:app --lifespan on"')
    shop.write("sophia.toml", settings)
    assert shop.run("deploy").code == 0
    before = shop.facts()
    shop.write("shared/version.py", "VERSION = 2\n")
    done = shop.run("deploy")
    assert done.code == 0, done.stderr
    assert "stop-candidate" in [step["name"] for step in done.service("api")["steps"]]
    after = shop.facts()
    assert (before["version"], after["version"]) == ("1", "2")


def test_a_gate_that_fails_keeps_the_release_out(shop: DeployedProject) -> None:
    gate = """
[[services.api.checks]]
name = "is the first version"
request = "GET /"
expect_headers = { "Content-Length" = "1" }
gate = true
"""
    assert shop.run("deploy").code == 0
    before = shop.facts()
    shop.write("sophia.toml", shop.settings(api=gate))
    shop.write("shared/version.py", "VERSION = 2\n")
    done = shop.run("deploy")
    assert (done.code, done.service("api")["action"]) == (3, "rolled-back")
    assert "is the first version" in done.service("api")["trouble"]["cause"]
    assert shop.facts() == before


def test_an_app_without_uvicorn_in_its_environment_is_refused_with_the_reason(shop: DeployedProject) -> None:
    import venv

    venv.create(shop.root / ".bare", with_pip=False, symlinks=True)
    settings = shop.settings()
    shop.write("sophia.toml", settings.replace(f'python = "{sys.prefix}"', 'python = ".bare"'))
    done = shop.run("deploy", "api", "store")
    assert done.code == 3
    assert "uvicorn is not installed" in done.service("api")["trouble"]["cause"]


def test_two_projects_do_not_know_each_other(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    other = DeployedProject(_folder(shop))
    try:
        assert other.run("deploy").code == 0
        assert other.run("stop", "--all").code == 0
        assert shop.facts()["version"] == "1"
    finally:
        other.close()


def _folder(shop: DeployedProject) -> Path:
    folder = shop.root.parent / "other"
    os.mkdir(folder)
    return folder
