"""A service that lacks a package: which one that is, and that it is brought back where the settings allow it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deployed_project import DeployedProject
from test_release_packages import SERVER
from waiting import eventually
from wheel_shop import Shop


@pytest.fixture
def site(shop: DeployedProject, tmp_path: Path) -> Path:
    """The project has an environment of its own, without pip, that holds `tea`; returned is where that lies."""
    (tmp_path / "wheels").mkdir()
    wheels = Shop(tmp_path / "wheels")
    wheels.wheel("tea", "1.0")
    wheels.wheel("tea", "2.0")
    shop.environment = wheels.environment()
    shop.write("web.py", SERVER)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", shop.root / ".venv"], check=True)
    words = [sys.executable, "-m", "pip", "--python", str(shop.root / ".venv/bin/python"), "install", "-q", "tea==1.0"]
    subprocess.run(words, env=wheels.environment(), check=True)
    return next((shop.root / ".venv" / "lib").glob("python*/site-packages"))


def _declare(shop: DeployedProject, healing: str) -> None:
    shop.write(
        "sophia.toml",
        f"[project]\npython = {json.dumps(str(shop.root / '.venv'))}\n[agent]\nweb = false\n"
        f'[services.web]\ncommand = "python web.py"\nport = {shop.api_port}\nsoak = "0s"\nhealing = {healing}\n'
        'restart = { max_restarts = 3, within = "1m", backoff = "100ms" }\n',
    )


def _lose(site: Path) -> None:
    for folder in site.glob("tea*"):
        subprocess.run(["rm", "-r", str(folder)], check=True)


def _pid(shop: DeployedProject) -> int:
    return int(shop.status("web")["pid"])


def test_a_package_that_is_gone_is_installed_again_in_the_version_of_the_release(
    shop: DeployedProject, site: Path
) -> None:
    _declare(shop, "{ install = true }")
    done = shop.run("deploy")
    assert done.code == 0, done
    pid = _pid(shop)
    _lose(site)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: ("module-missing", "recovered") in shop.incidents("web"))
    eventually(lambda: shop.status("web")["state"] == "running")
    assert shop.get() == "tea=1.0 release=1"


def test_a_package_that_is_gone_is_named_and_left_alone_without_leave(shop: DeployedProject, site: Path) -> None:
    _declare(shop, "{ install = false }")
    assert shop.run("deploy").code == 0
    pid = _pid(shop)
    _lose(site)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: shop.status("web")["state"] == "failed")
    log = (shop.root / ".sophia" / "logs" / "agent.log").read_text()
    assert "module `tea` is missing: `tea` 1.0 was there when the release was made and is gone" in log
    assert list(site.glob("tea*")) == []


def test_a_release_that_lacks_a_package_says_which(shop: DeployedProject, site: Path) -> None:
    _declare(shop, "{}")
    shop.write("web.py", SERVER.replace("import tea", "import yaml"))
    failed = shop.run("deploy")
    assert failed.code == 3, failed
    assert "`pyyaml`" in failed.service("web")["trouble"]["hint"].lower()
