"""From what a service is started with to the files that this starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sophia_cli.project.imports.entry_points import entry_files
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.service_model import Service

FILES = frozenset(
    {
        "shop/__init__.py",
        "shop/main.py",
        "shop/__main__.py",
        "src/worker/tasks.py",
        "api/run.py",
        "api/app.py",
        "tools/__main__.py",
        "uvicorn.txt",
    }
)


def _service(tmp_path: Path, lines: str) -> Service:
    (tmp_path / "sophia.toml").write_text(f"[services.one]\n{lines}\n", "utf-8")
    return load_settings(tmp_path).services[0]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ('app = "shop.main:app"', ["shop/main.py"]),
        ('app = "app:create()"\ncwd = "api"', ["api/app.py"]),
        ('command = ["python", "api/run.py", "--port", "80"]', ["api/run.py"]),
        ('command = "python run.py"\ncwd = "api"', ["api/run.py"]),
        ('command = ["python", "-m", "shop"]', ["shop/__init__.py", "shop/__main__.py"]),
        ('command = "cd . && uvicorn shop.main:app --host 127.0.0.1"', ["shop/main.py"]),
        ('command = ["celery", "--app=worker.tasks", "worker"]', ["src/worker/tasks.py"]),
        ('command = ["python", "./tools"]', ["tools/__main__.py"]),
        ('command = ["python", "-c", "from shop.main import run; run()"]', ["shop/main.py"]),
        ('command = ["node", "server.js"]', []),
        ('command = "echo \'unclosed shop.main:app"', ["shop/main.py"]),
    ],
)
def test_a_service_starts_from_these_files(tmp_path: Path, lines: str, found: list[str]) -> None:
    assert list(entry_files(_service(tmp_path, lines), FILES, ("src",))) == found
