"""`environment = "per-release"`: the packages of a lock go and come back with the releases."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from deployed_project import DeployedProject
from wheel_shop import Shop

LOCK = """\
[[package]]
name = "tea"
version = "{version}"
optional = false
groups = ["main"]
files = [{{file = "{file}", hash = "sha256:{digest}"}}]
"""
SERVER = """\
import http.server
import hashlib
import os

import tea


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"tea={tea.VERSION} release={os.environ['SOPHIA_RELEASE']}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_a_changed_lock_brings_its_packages_and_a_rollback_takes_them_back(
    shop: DeployedProject, tmp_path: Path
) -> None:
    place = tmp_path / "wheels"
    place.mkdir()
    wheels = Shop(place)
    shop.environment = wheels.environment()
    shop.write("web.py", SERVER)
    shop.write(
        "sophia.toml",
        '[project]\nenvironment = "per-release"\n[agent]\nweb = false\n'
        f'[services.web]\ncommand = "python web.py"\nport = {shop.api_port}\nsoak = "0s"\n',
    )
    _lock(shop, wheels, "1.0")
    done = shop.run("deploy")
    assert done.code == 0, done
    assert shop.get() == "tea=1.0 release=1"
    _lock(shop, wheels, "2.0")
    done = shop.run("deploy")
    assert done.code == 0, done
    assert any("tea" in reason for reason in done.service("web")["reasons"]), done
    assert shop.get() == "tea=2.0 release=2"
    assert len(os.listdir(shop.root / ".sophia" / "environments")) == 3
    assert shop.run("rollback", "web").code == 0
    assert shop.get() == "tea=1.0 release=1"
    (shop.root / "poetry.lock").write_text('[[package]]\nname = "tea"\nversion = "2.0"\n')
    refused = shop.run("deploy")
    assert (refused.code, refused.document["error"]["reference"]) == (69, "lock-not-exported")
    assert shop.get() == "tea=1.0 release=1"


def _lock(shop: DeployedProject, wheels: Shop, version: str) -> None:
    wheel = wheels.wheel("tea", version)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    shop.write("poetry.lock", LOCK.format(version=version, file=wheel.name, digest=digest))
