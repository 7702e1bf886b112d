"""Where files went and what they held earlier, from real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_project import GitProject, make_project

from sophia_cli.project.history.moves import FilePast

BODY = "\n".join(f"def step_{number}():\n    return {number}\n" for number in range(12))


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return make_project(tmp_path / "shop")


def _move(project: GitProject, old: str, new: str, title: str = "Move") -> str:
    (project.root / new).parent.mkdir(parents=True, exist_ok=True)
    project.git("mv", old, new)
    project.git("commit", "-q", "-m", title)
    return project.git("rev-parse", "HEAD")


def test_a_move_is_followed_to_where_the_file_is_today(project: GitProject) -> None:
    project.commit("Begin", core__db=BODY)
    first = _move(project, "core/db.py", "storage/db.py")
    second = _move(project, "storage/db.py", "storage/sql/engine.py")
    past = FilePast(project.root)
    assert past.moved("core/db.py") == ("storage/sql/engine.py", first)
    assert past.moved("storage/db.py") == ("storage/sql/engine.py", second)
    assert past.moved("storage/sql/engine.py") is None


def test_a_removed_file_is_known_by_its_commit_and_not_taken_for_moved(project: GitProject) -> None:
    project.commit("Begin", core__db=BODY)
    project.git("rm", "-q", "core/db.py")
    project.git("commit", "-q", "-m", "Drop")
    past = FilePast(project.root)
    assert past.removed("core/db.py") == project.git("rev-parse", "HEAD")
    assert past.moved("core/db.py") is None
    assert past.removed("core/other.py") is None


def test_a_file_that_came_back_is_neither_removed_nor_moved(project: GitProject) -> None:
    project.commit("Begin", core__db=BODY)
    _move(project, "core/db.py", "core/sql.py")
    project.commit("Bring back", core__db="x = 1\n")
    past = FilePast(project.root)
    assert past.moved("core/db.py") is None
    assert past.removed("core/db.py") is None


def test_earlier_versions_come_newest_first_across_moves(project: GitProject) -> None:
    project.commit("One", core__db=BODY + "ONE = 1\n")
    second = project.commit("Two", core__db=BODY + "TWO = 2\n")
    moved = _move(project, "core/db.py", "core/sql.py")
    third = project.commit("Three", core__sql=BODY + "THREE = 3\n")
    past = FilePast(project.root)
    found = [(commit, text.split("\n")[-2]) for commit, text in past.earlier("core/sql.py")]
    assert found == [(third, "TWO = 2"), (moved, "TWO = 2"), (second, "ONE = 1")]


def test_paths_count_from_a_root_inside_the_checkout(project: GitProject) -> None:
    project.commit("Begin", api__core__db=BODY, other="x = 1\n")
    moved = _move(project, "api/core/db.py", "api/storage/db.py")
    assert FilePast(project.root / "api").moved("core/db.py") == ("storage/db.py", moved)


def test_without_a_repository_nothing_is_remembered(tmp_path: Path) -> None:
    past = FilePast(tmp_path)
    assert past.moved("a.py") is None
    assert past.removed("a.py") is None
    assert past.earlier("a.py") == ()


@pytest.mark.parametrize("comes_first", [True, False])
def test_a_file_that_went_and_came_elsewhere_in_two_commits_was_moved(project: GitProject, comes_first: bool) -> None:
    project.commit("Begin", core__db=BODY, core__empty="")

    def go() -> str:
        project.git("rm", "-q", "core/db.py", "core/empty.py")
        project.git("commit", "-q", "-m", "Drop")
        return project.git("rev-parse", "HEAD")

    def come() -> None:
        project.commit("Add", storage__sql=BODY, storage__empty="")

    if comes_first:
        come()
        dropped = go()
    else:
        dropped = go()
        come()
    project.commit("Change", storage__sql=BODY + "MORE = 1\n")
    past = FilePast(project.root)
    assert past.moved("core/db.py") == ("storage/sql.py", dropped)
    assert past.removed("core/db.py") is None
    assert past.removed("core/empty.py") == dropped


def test_of_two_files_with_the_lost_content_none_is_where_it_went(project: GitProject) -> None:
    project.commit("Begin", core__db=BODY)
    project.git("rm", "-q", "core/db.py")
    project.git("commit", "-q", "-m", "Drop")
    project.commit("Add", storage__sql=BODY, storage__copy=BODY)
    assert FilePast(project.root).moved("core/db.py") is None
