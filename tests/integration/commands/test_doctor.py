"""`sophia doctor`: what is seen on a machine and in a project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sophia_cli.main import main


def diagnoses(capsys: pytest.CaptureFixture[str], folder: Path, expected: int) -> dict[str, dict[str, Any]]:  # JSON
    """Run the doctor and return its checks by name."""
    assert main(["doctor", str(folder), "--json"]) == expected
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == expected
    return {check["name"]: check for check in document["checks"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "sophia.toml").write_text("[services.a]\napp = 'a:app'\n")
    (tmp_path / "a.py").write_text("app = None\n")
    (tmp_path / ".python-version").write_text("3.11\n")
    return tmp_path


def test_a_healthy_project_has_nothing_wrong(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = diagnoses(capsys, project, 0)
    assert checks["settings"]["message"] == "sophia.toml is valid, services: 1"
    assert checks["python version"]["message"] == "3.11, from .python-version"
    assert checks["files"]["message"] == "1 looked-at"
    assert {checks[name]["state"] for name in ("python", "settings", "files", "state folder")} == {"ok"}
    assert not (project / ".sophia").exists()


def test_an_app_without_uvicorn_in_the_projects_environment_is_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
    found = diagnoses(capsys, project, 0)["environment"]
    assert found["state"] == "warn"
    assert "`a`" in found["message"]
    (site,) = environment.glob("lib/python3*/site-packages")
    (site / "uvicorn-0.30.0.dist-info").mkdir()
    assert diagnoses(capsys, project, 0)["environment"]["state"] == "ok"
    (project / "sophia.toml").write_text("[services.a]\ncommand = 'python a.py'\n")
    shutil.rmtree(site / "uvicorn-0.30.0.dist-info")
    assert diagnoses(capsys, project, 0)["environment"]["state"] == "ok"


def test_text_says_what_to_do_about_what_is_not_well(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "sophia.toml").write_text("[services.a]\napp = 'a:app'\nprot = 1\n")
    assert main(["doctor", str(project)]) == 1
    shown = capsys.readouterr().out
    assert "wrong    settings" in shown
    assert "sophia.toml:3:1" in shown
    assert "did you mean `port`?" in shown


def test_wrong_settings_do_not_hide_the_rest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "sophia.toml").write_text("[services\n")
    checks = diagnoses(capsys, project, 1)
    assert checks["settings"]["state"] == "wrong"
    assert checks["files"]["state"] == "ok"


def test_a_python_that_sophia_cannot_check_is_a_warning(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".python-version").write_text("3.99\n")
    assert diagnoses(capsys, project, 0)["python version"]["state"] == "warn"


def test_a_folder_without_python_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sophia.toml").write_text("")
    assert diagnoses(capsys, tmp_path, 0)["files"]["state"] == "warn"


def test_a_state_folder_that_is_a_file_is_wrong(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".sophia").write_text("")
    assert diagnoses(capsys, project, 1)["state folder"]["state"] == "wrong"


def test_git_is_missing_only_where_there_is_history(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git makes the history of this test")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    empty = project / "bin"
    empty.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(empty))
        assert diagnoses(capsys, project, 0)["git"]["state"] == "warn"
    subprocess.run(["git", "init", "--quiet"], cwd=project, env=environment, check=True, timeout=300)
    assert diagnoses(capsys, project, 0)["git"]["state"] == "ok"
    monkeypatch.setenv("PATH", str(empty))
    assert diagnoses(capsys, project, 69)["git"]["state"] == "missing"


def test_a_git_of_the_project_is_not_run(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True, timeout=300)
    (project / "git").write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    (project / "git").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((".", str(project), os.environ["PATH"])))
    monkeypatch.chdir(project)
    assert diagnoses(capsys, project, 0)["git"]["state"] == "ok"
    assert not (project / "ran").exists()


def test_a_shallow_clone_is_a_warning(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def git(*words: str) -> None:
        names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *names, *words], cwd=project, check=True, timeout=300)

    git("init", "--quiet")
    git("add", "-A")
    git("commit", "--quiet", "-m", "one")
    git("commit", "--quiet", "--allow-empty", "-m", "two")
    clone = tmp_path_factory.mktemp("clones") / "shallow"
    git("clone", "--quiet", "--depth", "1", project.as_uri(), str(clone))
    assert diagnoses(capsys, clone, 0)["git"]["state"] == "warn"


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("error: path-missing\n")


def test_the_state_of_an_earlier_fix_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(project)]) == 0
    capsys.readouterr()
    checks = diagnoses(capsys, project, 0)
    assert checks["state folder"]["message"] == ".sophia is writable"
    assert checks["unfinished runs"]["message"] == "none"
