"""Which environment is changed, and which is refused; an interpreter is a file that prints what one would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.packages.target import Target, find_target

ELSEWHERE = Path("/nonexistent")


def _environment(folder: Path, **facts: object) -> Path:
    """Make an environment whose interpreter tells these facts."""
    site = folder / "lib" / "python3.9" / "site-packages"
    for made in (site, folder / "bin"):
        made.mkdir(parents=True)
    told = {
        "prefix": str(folder),
        "base_prefix": "/usr",
        "version": [3, 9, 1],
        "implementation": "CPython",
        "purelib": str(site),
        "platlib": str(site),
        "scripts": str(folder / "bin"),
        "data": str(folder),
        "external": False,
        **facts,
    }
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (folder / "told.json").write_text(json.dumps(told))
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/sh\ncat '{folder}/told.json'\n")
    python.chmod(0o755)
    return folder


def _find(root: Path, named: str | None = None, own: Path = ELSEWHERE) -> Target:
    return find_target(root, named, own, {"PATH": "/usr/bin:/bin"})


def _refusal(root: Path, named: str | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        _find(root, named)
    assert refused.value.hint
    return refused.value.reference


@pytest.mark.parametrize("name", [".venv", "venv", "env", ".env"])
def test_the_usual_places_are_found(tmp_path: Path, name: str) -> None:
    _environment(tmp_path / name)
    target = _find(tmp_path)
    assert (target.shown, target.version) == (name, (3, 9, 1))


def test_what_the_settings_name_goes_over_what_lies_there(tmp_path: Path) -> None:
    _environment(tmp_path / ".venv")
    _environment(tmp_path / "tools" / "python")
    assert _find(tmp_path, "tools/python").shown == "tools/python"
    assert _find(tmp_path, "tools/python/bin/python").prefix == tmp_path / "tools" / "python"


def test_an_environment_of_the_operating_system_is_refused(tmp_path: Path) -> None:
    _environment(tmp_path / ".venv", base_prefix=str(tmp_path / ".venv"), external=True)
    assert _refusal(tmp_path) == "environment-refused"
    assert _refusal(tmp_path, ".venv") == "environment-refused"


def test_packages_that_would_go_outside_of_the_environment_are_refused(tmp_path: Path) -> None:
    _environment(tmp_path / ".venv", purelib="/usr/lib/python3/dist-packages")
    assert _refusal(tmp_path) == "environment-refused"


@pytest.mark.parametrize("named", ["missing", "../missing"])
def test_a_name_that_leads_nowhere_is_no_reason_to_take_another(tmp_path: Path, named: str) -> None:
    _environment(tmp_path / ".venv")
    assert _refusal(tmp_path, named) == "environment-missing"


def test_a_folder_that_only_has_the_name_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    assert _refusal(tmp_path) == "environment-missing"


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo '{}'", "echo broken >&2; exit 3"])
def test_an_interpreter_that_does_not_run_is_told(tmp_path: Path, script: str) -> None:
    python = _environment(tmp_path / ".venv") / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    assert _refusal(tmp_path) == "environment-unusable"


def test_an_environment_whose_interpreter_is_gone_is_told(tmp_path: Path) -> None:
    os.unlink(_environment(tmp_path / ".venv") / "bin" / "python")
    assert _refusal(tmp_path) == "environment-unusable"


@pytest.mark.skipif(shutil.which("git") is None, reason="git makes the checkout")
@pytest.mark.parametrize("named", [None, ".venv", ".venv/bin/python"])
def test_an_interpreter_that_came_with_the_checkout_is_not_run(tmp_path: Path, named: str | None) -> None:
    python = _environment(tmp_path / ".venv") / "bin" / "python"
    python.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    for words in (["init", "-q"], ["add", "-f", "."]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, timeout=300)
    assert _refusal(tmp_path, named) == "environment-refused"
    assert not (tmp_path / "ran").exists()


def test_an_environment_outside_of_the_project_must_be_named(tmp_path: Path) -> None:
    _environment(tmp_path / "elsewhere")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".venv").symlink_to("../elsewhere")
    assert _refusal(tmp_path / "project") == "environment-refused"
    assert _find(tmp_path / "project", ".venv").prefix == tmp_path / "elsewhere"
