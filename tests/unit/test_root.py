"""Where a project begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from sophia_cli.project.root import find_root, holds_sophia_table, left_behind


def make_marker(folder: Path, marker: str) -> None:
    match marker:
        case ".git folder":
            (folder / ".git").mkdir()
        case ".git file":
            (folder / ".git").write_text("gitdir: /elsewhere\n")
        case ".sophia":
            (folder / ".sophia").mkdir()
        case "pyproject":
            (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.sophia.rules]\n")
        case _:
            (folder / "sophia.toml").write_text("")


@pytest.mark.parametrize("marker", [".git folder", ".git file", ".sophia", "pyproject", "sophia.toml"])
def test_the_nearest_folder_with_a_marker_is_the_root(tmp_path: Path, marker: str) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "inner"
    deep = inner / "a" / "b"
    deep.mkdir(parents=True)
    make_marker(inner, marker)
    assert find_root(deep) == inner
    assert find_root(inner) == inner
    assert find_root(tmp_path) == tmp_path


def test_a_file_belongs_to_the_root_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_text("")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("")
    assert find_root(tmp_path / "pkg" / "a.py") == tmp_path


def test_pyproject_without_our_table_is_no_marker(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_text("")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.sophiaX]\n[tool]\nname = 'sophia'\n# [tool.sophia]\n")
    assert find_root(inner) == tmp_path


def test_a_broken_pyproject_with_our_table_still_marks_the_root(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n[tool.sophia]\n")
    assert holds_sophia_table(tmp_path / "pyproject.toml")


def test_with_no_marker_the_folder_itself_is_the_root(tmp_path: Path) -> None:
    # The temporary folder lies outside any project on the machines that run this; otherwise the claim is void.
    if find_root(tmp_path.parent) != tmp_path.parent:
        pytest.skip("the temporary folder is inside a project")
    (tmp_path / "a.py").write_text("")
    assert find_root(tmp_path) == tmp_path
    assert find_root(tmp_path / "a.py") == tmp_path
    assert find_root(tmp_path / "missing.py") == tmp_path


def test_what_a_run_left_in_the_home_folder_makes_no_project_of_everything_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, inner = tmp_path / "home", tmp_path / "home" / "work"
    inner.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    make_marker(home, ".sophia")
    assert find_root(inner) == inner
    assert find_root(home) == home
    make_marker(home, "sophia.toml")
    assert find_root(inner) == home


def test_a_symlink_leads_to_the_root_of_what_it_points_at(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "sophia.toml").write_text("")
    (tmp_path / "link").symlink_to(real)
    assert find_root(tmp_path / "link") == real


def test_a_link_out_of_a_project_is_told_from_one_to_a_project(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / "inside").mkdir(parents=True)
    (elsewhere / "folder").mkdir(parents=True)
    make_marker(project, ".git")
    (elsewhere / "a.py").write_text("")
    (project / "a.py").symlink_to(elsewhere / "a.py")
    (project / "out").symlink_to(elsewhere)
    (project / "in").symlink_to(project / "inside")
    (tmp_path / "link").symlink_to(project)
    assert left_behind(project / "a.py") == project
    assert left_behind(project / "out" / "folder") == project
    assert left_behind(tmp_path / "link" / "out") == project
    assert left_behind(project / "in") is None
    assert left_behind(tmp_path / "link" / "inside") is None
    assert left_behind(tmp_path / "link") is None
