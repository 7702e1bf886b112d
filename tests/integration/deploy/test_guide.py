"""Every command on services that a page shows runs, in the order in which the page shows them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from deployed_project import DeployedProject
from waiting import LIMIT_S

ROOT = Path(__file__).parents[3]
ON_SERVICES = ("deploy", "status", "logs", "restart", "rollback", "stop", "agent")


@pytest.mark.parametrize("page", ["docs/deploy.md", "README.md"])
def test_the_commands_of_a_page_run_one_after_the_other(shop: DeployedProject, page: str) -> None:
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    lines = [line.removeprefix("$ ").partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    commands = [words for line in lines if (words := shlex.split(line)[1:]) and words[0] in ON_SERVICES]
    assert len(commands) >= 5
    for number, words in enumerate(commands):
        if words[:1] == ["rollback"] and "--all" not in words:
            # There has to be a release to go back from.
            shop.write("shared/version.py", f"VERSION = {number + 10}\n")
            assert shop.run("deploy").code == 0
        process = shop.start(*words)
        out, err = process.communicate(timeout=LIMIT_S)
        expected = 1 if "--plan" in words else 0
        assert process.returncode == expected, (words, out, err)
    assert {row["state"] for row in shop.run("status").document["services"]} == {"stopped"}


def test_init_writes_settings_of_what_it_finds_that_can_be_deployed(shop: DeployedProject) -> None:
    (shop.root / "sophia.toml").unlink()
    found = shop.run("init")
    assert found.code == 0
    assert {"api", "store"} <= {row["name"] for row in found.document["settings"]}
    assert shop.run("deploy", "--plan").code == 1
