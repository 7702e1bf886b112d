"""`sophia doctor` tells where modules are looked for, and what says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def roots_told(project: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "sophia_cli", "doctor", str(project), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    checks = json.loads(done.stdout)["checks"]
    return [check["message"] for check in checks if check["name"] == "source root"]


def test_every_root_is_told_with_its_evidence(tmp_path: Path) -> None:
    for path, text in {
        "pyproject.toml": '[project]\nname = "shop"\n\n[tool.pytest.ini_options]\npythonpath = ["helpers"]\n',
        "src/shop/__init__.py": "",
        "helpers/build.py": "",
        "libs/money/__init__.py": "",
        "scripts/seed.py": "import sys\nsys.path.insert(0, 'libs')\n",
        "docs/conf.txt": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert roots_told(tmp_path) == [
        "`.`: the project root",
        "`src`: packaging settings name it (pyproject.toml:1)",
        "`helpers`: a tool's settings name it (pyproject.toml:5)",
        "`libs`: a package lies in it, for the files below",
        "1 change of `sys.path`, for its own file only: scripts/seed.py:2",
    ]


def test_a_project_without_anything_special_has_its_root(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import os\n", "utf-8")
    assert roots_told(tmp_path) == ["`.`: the project root"]
