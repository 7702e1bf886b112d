"""`sophia demo`: the story is what happened, and says so when it went wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types

from sophia_cli.commands.demo import last_words, summary
from sophia_cli.commands.demonstrating.story import bundled, unpack

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def demo(scratch: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(scratch), "PATH": path}
    command = [sys.executable, "-m", "sophia_cli", "demo", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_the_bundled_project_is_broken_in_nine_files_and_its_history_compiles(tmp_path: Path) -> None:
    broken = []
    for path, data in bundled("project").items():
        if path.endswith(".py"):
            try:
                compile(data, path, "exec")
            except SyntaxError:
                broken.append(path)
    assert len(broken) == 9
    for path, data in bundled("history").items():
        assert path in broken
        compile(data, path, "exec")


def test_unpacking_makes_a_clean_checkout_with_history(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("the history is made with git")
    assert unpack(tmp_path)
    log = subprocess.run(["git", "log", "--format=%s"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(log.stdout.splitlines()) == 2
    status = subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_everything_is_found_mended_verified_and_undone(tmp_path: Path) -> None:
    done = demo(tmp_path, "--json", "--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / "demo.json").read_text("utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    figures = document["summary"]
    assert (document["command"], document["verdict"], document["complaints"]) == ("demo", "passed", [])
    assert figures["issues_found"] >= figures["files_broken"] == 9
    assert figures["issues_fixed"] == figures["issues_found"]
    assert figures["issues_fixed_safely"] > 0
    assert figures["files_mended"] == 9
    assert figures["undone_to_the_byte"] is True
    assert "load" in figures["not_in_this_build"]
    (kept,) = tmp_path.iterdir()
    assert str(kept) in done.stderr
    assert {path: (kept / path).read_bytes() for path in bundled("project")} == bundled("project")


def test_without_git_the_story_is_told_too_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = demo(tmp_path, path=str(tmp_path))
    assert "with git history" not in done.stdout
    for line in ("$ sophia scan", "$ sophia fix", "$ sophia fix --unsafe", "$ sophia undo ", "verified"):
        assert line in done.stdout
    assert "every file is the same to the byte as before" in done.stdout
    assert done.returncode == (1 if "not as it should be" in done.stderr else 0)
    assert list(tmp_path.iterdir()) == []


def test_the_figures_and_the_last_line_agree() -> None:
    from sophia_cli.commands.demonstrating.story import Story

    story = Story(5, 4, 3, 9, 5, 4, "F", "B", from_history=True, restored=False, complaints=("x",))
    assert last_words(story).startswith("5 found, 4 mended (3 of them without --unsafe), 4 of 5 broken files compile")
    assert summary(story)["issues_fixed"] == 4
