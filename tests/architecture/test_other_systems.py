"""What Sophia does where Linux is missing: everything but deploying, and `doctor` says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
IMPORTS = """
import importlib, pkgutil, sys
import sophia_cli
assert sys.platform == "darwin"
# They are files of their own, for other interpreters.
others = ("handover.launch", "handover.shim", "__main__")
for module in pkgutil.walk_packages(sophia_cli.__path__, "sophia_cli."):
    if not any(other in module.name for other in others):
        importlib.import_module(module.name)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "broken.py").write_text("def f(:\n    return 1\n")
    (tmp_path / "sophia.toml").write_text('[services.web]\ncommand = "python web.py"\nport = 18999\n')
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{HERE / 'without_linux'}{os.pathsep}{ROOT}"}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def sophia(folder: Path, *words: str) -> tuple[int, Any]:  # JSON of any shape
    done = run(folder, "-m", "sophia_cli", *words, "--json")
    assert done.stdout or done.stderr, words
    return done.returncode, json.loads(done.stdout)


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", IMPORTS)
    assert done.returncode == 0, done.stderr


def test_files_are_scanned_and_mended(project: Path) -> None:
    code, document = sophia(project, "scan")
    assert (code, [one["path"] for one in document["findings"]]) == (1, ["broken.py"])
    assert sophia(project, "fix", "--unsafe")[0] == 0
    assert (project / "broken.py").read_text().startswith("def f():")
    assert sophia(project, "undo")[0] == 0


def test_a_service_is_measured(project: Path) -> None:
    script = (
        "import http.server as h; s = h.ThreadingHTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler); "
        "print(s.server_port, flush=True); s.serve_forever()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/broken.py"
            code, document = sophia(project, "bench", url, "--duration", "500ms")
            assert (code, document["command"]) == (0, "bench"), document
        finally:
            server.kill()


def test_the_doctor_says_what_is_missing_and_the_agent_does_not_begin(project: Path) -> None:
    code, document = sophia(project, "doctor")
    checks = {check["name"]: check for check in document["checks"]}
    assert code == 0
    assert checks["processes"]["state"] == checks["limits"]["state"] == "warn"
    assert "cannot be deployed" in checks["processes"]["hint"]
    assert sophia(project, "status")[0] in (0, 1)
    code, document = sophia(project, "agent", "start")
    assert (code, document["error"]["reference"]) == (69, "system-not-supported")
