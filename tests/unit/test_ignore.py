"""Ignore files: git is the judge of what its own language means."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia_cli.project.files.ignore import literal_prefix, parse_ignore, read_ignore

_PIECE = st.sampled_from(["a", "b", "ab", ".py", " ", "!", "#", "/", "/", "*", "**", "?", "-", "[", "\\", "\\a", "\\*"])
_BRACKET = st.sampled_from(["[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[\\]]", "[a"])
_PATTERN = st.lists(_PIECE | _BRACKET, min_size=1, max_size=6).map("".join)
_NAMES = ("a", "b", "ab", "a.py", "b.py", "ab.py", "*", "c", "!a", "#a", "a b", "]", "a ")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty git repository with files of all the names, two folders deep."""
    root = tmp_path_factory.mktemp("repository")
    _git(root, "init", "-q")
    folders = ("", "a", "b", "a/b", "ab/a")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in folders:
        for name in _NAMES:
            if not (root / folder / name).exists():
                (root / folder / name).write_text("")
    return root


def _git(root: Path, *arguments: str, stdin: str = "") -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(root), "-c", "core.excludesFile=", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, check=False)
    return done.stdout


def _ours(lines: list[str], paths: list[tuple[str, bool]]) -> set[str]:
    rules = parse_ignore(lines)
    ignored: set[str] = set()
    for path, is_folder in paths:
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if any(folder in ignored for folder in above) or rules.verdict(path, parts[-1], is_folder):
            ignored.add(path)
    return ignored


@settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(lines=st.lists(st.builds(str.__add__, st.sampled_from(["", "", "!"]), _PATTERN), min_size=1, max_size=4))
def test_the_same_paths_are_ignored_as_by_git(repository: Path, lines: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    found = sorted(repository.rglob("*"))
    paths = [
        (path.relative_to(repository).as_posix(), path.is_dir())
        for path in found
        if ".git" not in path.relative_to(repository).parts[:1] and path.name != ".gitignore"
    ]
    asked = "\0".join(path for path, _ in paths)
    theirs = set(_git(repository, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked).split("\0")) - {""}
    assert _ours(lines, paths) == theirs


@pytest.mark.parametrize(
    ("line", "path", "is_folder", "verdict"),
    [
        ("*.py", "a.py", False, True),
        ("build/", "build", True, True),
        ("build/", "build", False, None),
        ("/a.py", "b/a.py", False, None),
        ("a/**/b.py", "a/b.py", False, True),
        ("a/**/b.py", "a/x/y/b.py", False, True),
        ("**/b.py", "b.py", False, True),
        ("a/**", "a/x", False, True),
        ("a/**", "a", True, None),
        ("a.py   ", "a.py", False, True),
        ("a.py\\ ", "a.py ", False, True),
        ("\\#a", "#a", False, True),
        ("!a", "a", False, False),
        ("[", "[", False, None),
    ],
)
def test_patterns_mean_what_git_documents(line: str, path: str, is_folder: bool, verdict: bool | None) -> None:
    assert parse_ignore([line]).verdict(path, path.rpartition("/")[2], is_folder) is verdict


def test_the_last_pattern_that_matches_decides() -> None:
    assert parse_ignore(["*.py", "!keep.py"]).verdict("keep.py", "keep.py", False) is False
    assert parse_ignore(["!keep.py", "*.py"]).verdict("keep.py", "keep.py", False) is True


def test_an_ignore_file_that_is_a_link_a_pipe_or_a_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("*\n")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    assert read_ignore(str(tmp_path / "real")) is not None
    for name in ("link", "pipe", "", "missing"):
        assert read_ignore(str(tmp_path / name)) is None


def test_an_ignore_file_with_a_mark_and_windows_lines_is_read(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.py\r\nb\xff\r\n")
    rules = read_ignore(str(tmp_path / ".gitignore"))
    assert rules is not None
    assert rules.verdict("a.py", "a.py", False) is True
    assert rules.verdict("b\udcff", "b\udcff", False) is True


@pytest.mark.parametrize(
    ("pattern", "prefix"), [("/vendor/ours/**/*.py", "vendor/ours"), ("vendor/", ""), ("*/a", ""), ("a/b.py", "a/b.py")]
)
def test_the_place_of_a_pattern_is_its_folders_without_wildcards(pattern: str, prefix: str) -> None:
    assert literal_prefix(pattern) == prefix
