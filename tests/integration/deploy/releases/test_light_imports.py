"""What the agent imports to look after releases stays small: it runs for months beside the services."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "packaging", "typer", "httpx", "libcst", "tomllib", "subprocess", "ctypes", "email", "http.client", "logging",
    "concurrent.futures", "difflib", "shutil", "tempfile", "sophia_cli.deploy.releases.create",
    "sophia_cli.deploy.releases.sources", "sophia_cli.deploy.plan", "sophia_cli.project.imports",
)  # fmt: skip


def test_reading_comparing_and_restoring_load_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "import sophia_cli.deploy.releases.store, sophia_cli.deploy.releases.compare\n"
        "import sophia_cli.deploy.releases.restore\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "[]"
