"""History that cannot be read to its end: the user is told, by a fresh scan, a cached one and a fix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "def double(a):\n    return 2 * a\n"
BROKEN = "def double(a)\n    return 2 * a\n"


def _git(root: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *names, *words], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout in which a file compiled in its first commit and in none of the three after it."""
    _git(tmp_path, "init", "-q")
    for number, text in enumerate((GOOD, *(f"{BROKEN}# {n}\n" for n in range(3)))):
        (tmp_path / "a.py").write_text(text)
        _git(tmp_path, "add", "a.py")
        _git(tmp_path, "commit", "-q", "-m", f"number {number}")
    return tmp_path


def _run(root: Path, *words: str) -> tuple[str | None, str]:
    """Return what the summary says of history, and what stderr says."""
    done = subprocess.run(
        [sys.executable, "-m", "sophia_cli", *words, "--json"], cwd=root, capture_output=True, text=True, check=False
    )
    stopped = json.loads(done.stdout)["summary"]["history_stopped"]
    assert stopped is None or isinstance(stopped, str)
    return stopped, done.stderr


def _lose_the_second_commit(root: Path) -> None:
    commit = _git(root, "rev-list", "--reverse", "HEAD").split()[1]
    (root / ".git" / "objects" / commit[:2] / commit[2:]).unlink()


def test_nothing_is_said_where_history_was_read_to_the_end(project: Path) -> None:
    assert _run(project, "scan") == (None, "")
    assert _run(project, "fix", "--dry-run") == (None, "")


def test_a_scan_and_a_fix_tell_that_history_ended_early(project: Path) -> None:
    _lose_the_second_commit(project)
    for words in (("scan",), ("scan",), ("fix", "--dry-run"), ("fix", "--unsafe", "--quiet")):
        stopped, told = _run(project, *words)
        assert stopped == "git failed", words
        assert told.count("\n") == 1, words
        assert "git history was not read to the end (git failed)" in told, words


@pytest.mark.parametrize(
    ("kind", "clone", "remedy"),
    [
        ("shallow clone", ("--depth", "2"), "git fetch --unshallow"),
        ("partial clone", ("--filter=blob:none",), "git fetch --refetch --no-filter"),
    ],
)
def test_what_a_clone_lacks_is_told_with_the_command_that_brings_it(
    project: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, clone: tuple[str, ...], remedy: str
) -> None:
    _git(project, "config", "uploadpack.allowFilter", "true")
    copy = tmp_path_factory.mktemp("copy") / "clone"
    _git(project, "clone", "-q", *clone, project.as_uri(), str(copy))
    for words in (("scan",), ("scan",), ("fix", "--dry-run")):
        stopped, told = _run(copy, *words)
        assert stopped == kind, words
        assert remedy in told, words
    _git(copy, *remedy.split()[1:])
    assert _run(copy, "scan") == (None, "")


def test_branches_that_cannot_be_read_are_told(project: Path) -> None:
    (project / ".git/reftable").mkdir()
    (project / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")
    for words in (("scan",), ("scan",), ("fix", "--dry-run")):
        stopped, told = _run(project, *words)
        assert stopped == "reftable", words
        assert "git refs migrate --ref-format=files" in told, words
