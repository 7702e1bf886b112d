"""Every command of the guide runs, in the order in which the guide shows them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from deployed_project import DeployedProject

GUIDE = Path(__file__).parents[3] / "docs" / "deploy.md"


def test_the_commands_of_the_guide_run_one_after_the_other(shop: DeployedProject) -> None:
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    commands = [line.removeprefix("$ ").partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    assert len(commands) >= 10
    for number, command in enumerate(commands):
        if command == "sophia rollback api":
            # There has to be a release to go back from.
            shop.write("shared/version.py", f"VERSION = {number + 10}\n")
            assert shop.run("deploy").code == 0
        process = shop.start(*shlex.split(command)[1:])
        out, err = process.communicate(timeout=120)
        expected = (1,) if "--plan" in command else (0,)
        assert process.returncode in expected, (command, out, err)
    assert shop.run("status").document["services"][0]["state"] == "stopped"
