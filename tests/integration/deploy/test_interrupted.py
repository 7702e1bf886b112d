"""Ctrl-C in the middle of a deployment: what is under way is taken back, then the command ends."""

from __future__ import annotations

import signal

from deployed_project import DeployedProject, waits_for
from waiting import LIMIT_S, eventually


def test_ctrl_c_takes_the_rollout_back_and_exits_with_130(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    before = shop.facts()
    shop.write("api/main.py", "import time\ntime.sleep(3600)\n" + (shop.root / "api" / "main.py").read_text())
    process = shop.start("deploy")
    eventually(lambda: any(one["role"] == "candidate" for one in shop.status("api")["instances"]))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130, err
    status = shop.status("api")
    assert (status["state"], status["release"], len(status["instances"])) == ("running", 1, 1)
    assert shop.facts() == before
    assert shop.run("agent", "status").document["busy_with"] is None


def test_a_deployment_whose_command_is_killed_is_finished_by_the_agent(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    gate = shop.root / "gate"
    shop.write("shared/version.py", waits_for(gate) + "VERSION = 2\n")
    process = shop.start("deploy")
    eventually(lambda: any(one["role"] == "candidate" for one in shop.status("api")["instances"]))
    process.kill()
    process.communicate(timeout=LIMIT_S)
    gate.touch()
    eventually(lambda: shop.status("api")["release"] == 2)
    # The one before accepts until it has begun to drain.
    eventually(lambda: shop.facts()["version"] == "2")
