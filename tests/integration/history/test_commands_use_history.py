"""`sophia scan` and `sophia fix` in a git checkout: commits named, files restored, mass damage reported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from git_project import BROKEN, GOOD, GitProject
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
from sophia_command import Sophia, facts

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"

# A tool deletes the closing line and a comment: the second deletion breaks nothing.
BEFORE = GOOD.replace("    net =", "    # without tax\n    net =")
AFTER = BEFORE.replace("    )\n", "").replace("    # without tax\n", "")


def variant(text: str, number: int) -> str:
    return text.replace("total", f"total_{number}").replace("average", f"average_{number}")


def break_many(project: GitProject, count: int = 4) -> str:
    """Add `count` files and break them all in one commit; return the commit."""
    project.commit("add", **{f"m{number}": variant(BEFORE, number) for number in range(count)})
    return project.commit("tidy up", **{f"m{number}": variant(AFTER, number) for number in range(count)})


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "duration_s"}


def test_scan_names_the_breaking_commit_and_the_version_that_compiled(project: GitProject, sophia: Sophia) -> None:
    added = project.commit("add", totals=GOOD)
    breaking = project.commit("break it", totals=BROKEN)
    project.commit("later", notes="NOTES = []\n")
    data = facts(sophia.json("scan"), "totals.py")
    assert (data["commit"], data["commit_summary"]) == (breaking, "break it")
    assert (data["good_commit"], data["good_path"]) == (added, "totals.py")


def test_scan_follows_a_rename_and_a_move_to_another_folder(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", old__totals=GOOD)
    breaking = project.commit("break", old__totals=BROKEN)
    (project.root / "shop").mkdir()
    project.git("mv", "old/totals.py", "shop/sums.py")
    project.commit("move")
    data = facts(sophia.json("scan"), "shop/sums.py")
    assert (data["commit"], data["good_path"]) == (breaking, "old/totals.py")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_fix_restores_the_very_bytes(project: GitProject, sophia: Sophia, newline: str) -> None:
    good, broken = (text.replace("\n", newline).encode() for text in (GOOD, BROKEN))
    project.write("totals.py", good)
    project.commit("add")
    project.write("totals.py", broken)
    project.commit("break")
    sophia.run("fix")
    assert (project.root / "totals.py").read_bytes() == good
    sophia.run("undo")
    assert (project.root / "totals.py").read_bytes() == broken


def test_fix_restores_from_history_and_keeps_what_came_later(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", totals=GOOD)
    project.commit("break", totals=BROKEN)
    project.commit("edit", totals=f"{BROKEN}\n\nRATE = 2\n")
    sophia.run("fix")
    assert (project.root / "totals.py").read_text() == f"{GOOD}\n\nRATE = 2\n"


def test_a_part_of_the_breaking_commit_is_not_taken_back_without_asking(project: GitProject, sophia: Sophia) -> None:
    reworked = GOOD.replace("total(prices, 0)", "total(prices, tax=0)").replace("    net = sum(\n", "")
    project.commit("add", totals=GOOD)
    project.commit("rework", totals=reworked)
    sophia.run("fix")
    assert (project.root / "totals.py").read_text() == reworked
    sophia.run("fix", "--unsafe")
    assert (project.root / "totals.py").read_text() == GOOD.replace("total(prices, 0)", "total(prices, tax=0)")


def test_damage_that_is_not_committed_is_restored_and_blames_no_commit(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", totals=GOOD)
    project.write("totals.py", BROKEN)
    assert "commit" not in facts(sophia.json("scan"), "totals.py")
    sophia.run("fix", "--unsafe")
    assert (project.root / "totals.py").read_text() == GOOD


def test_the_history_of_a_file_named_by_itself_is_read(project: GitProject, sophia: Sophia) -> None:
    breaking = break_many(project)
    assert facts(sophia.json("scan", "m2.py"), "m2.py")["commit"] == breaking
    sophia.run("fix", "m2.py", "--unsafe")
    assert sophia.json("scan")["summary"]["files_unparsable_after"] == 3


def test_a_file_that_never_compiled_says_which_commit_added_it(project: GitProject, sophia: Sophia) -> None:
    project.commit("start", notes="NOTES = []\n")
    added = project.commit("add totals", totals=BROKEN)
    project.commit("edit", totals=f"{BROKEN}\n\nRATE = 2\n")
    data = facts(sophia.json("scan"), "totals.py")
    assert (data["never_compiled"], data["added_commit"], data["added_commit_summary"]) == (True, added, "add totals")
    assert "commit" not in data


def test_the_commit_is_named_for_a_file_that_is_no_text_any_more(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", totals=GOOD)
    project.write("totals.py", b"\0\xff\xfe" * 50)
    breaking = project.commit("break")
    assert facts(sophia.json("scan"), "totals.py")["commit"] == breaking


def test_a_commit_that_broke_many_files_is_reported_once(project: GitProject, sophia: Sophia) -> None:
    breaking = break_many(project)
    (damage,) = sophia.json("scan")["summary"]["damage"]
    assert (damage["commit"], damage["summary"], damage["files"]) == (breaking, "tidy up", 4)
    assert damage["kinds"] == [{"damage": "line deleted: `)`", "files": 4}]
    assert damage["example"] == "m0.py: line deleted: `)`"
    line = f"commit {breaking[:10]} (tidy up) broke 4 files the same way: line deleted: `)` (4)\n"
    assert sophia.run("scan").stdout.count(line) == 1
    assert sophia.run("fix", "--dry-run").stdout.count(line) == 1


def test_all_that_a_tool_deleted_comes_back(project: GitProject, sophia: Sophia) -> None:
    break_many(project)
    document = sophia.json("fix")
    assert document["summary"]["files_unparsable_after"] == 0
    assert len(document["summary"]["damage"]) == 1
    for number in range(4):
        assert (project.root / f"m{number}.py").read_text() == variant(BEFORE, number)


def test_what_a_tool_deleted_without_a_commit_comes_back(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", **{f"m{number}": variant(BEFORE, number) for number in range(3)})
    for number in range(3):
        project.write(f"m{number}.py", variant(AFTER, number))
    document = sophia.json("fix")
    (damage,) = document["summary"]["damage"]
    assert (damage["commit"], damage["summary"], damage["files"]) == (None, None, 3)
    for number in range(3):
        assert (project.root / f"m{number}.py").read_text() == variant(BEFORE, number)


def test_damage_by_a_tool_is_undone_in_a_file_without_a_good_version_when_asked_to(
    project: GitProject, sophia: Sophia
) -> None:
    project.commit("import", late=variant(BROKEN, 9))
    break_many(project)
    sophia.run("fix")
    assert (project.root / "late.py").read_text() == variant(BROKEN, 9)
    project.git("checkout", "-q", ".")
    sophia.run("fix", "--unsafe")
    assert (project.root / "late.py").read_text() == variant(GOOD, 9)


@pytest.mark.parametrize("command", ["scan", "fix"])
def test_documents_that_hold_history_keep_to_their_schema(project: GitProject, sophia: Sophia, command: str) -> None:
    project.commit("import", late=variant(BROKEN, 9))
    break_many(project)
    schema = json.loads((SCHEMAS / f"{command}.json").read_text())
    document = sophia.json(command)
    assert {"commit", "added_commit", "damage"} <= {name for f in document["findings"] for name in f["data"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


def test_a_second_scan_asks_no_git_and_says_the_same(project: GitProject, sophia: Sophia) -> None:
    break_many(project)
    first = sophia.json("scan")
    started = sophia.gits
    assert started > 0
    assert without_times(sophia.json("scan")) == without_times(first)
    assert sophia.gits == started


def test_a_fix_after_a_scan_is_the_fix_without_one(project: GitProject, sophia: Sophia) -> None:
    break_many(project)
    cold = sophia.json("fix", "--dry-run")
    shutil.rmtree(project.root / ".sophia", ignore_errors=True)
    sophia.json("scan")
    assert without_times(sophia.json("fix", "--dry-run")) == without_times(cold)


def test_a_new_commit_makes_a_scan_ask_history_again(project: GitProject, sophia: Sophia) -> None:
    project.commit("add", totals=GOOD)
    project.write("totals.py", BROKEN)
    assert "commit" not in facts(sophia.json("scan"), "totals.py")
    breaking = project.commit("break")
    assert facts(sophia.json("scan"), "totals.py")["commit"] == breaking


def test_a_commit_that_says_nothing_about_the_broken_files_lets_their_reports_stand(
    project: GitProject, sophia: Sophia
) -> None:
    break_many(project)
    sophia.run("scan")
    project.commit("unrelated", notes="NOTES = []\n")
    started = sophia.gits
    assert "scanned 5 files, 4 from the cache" in sophia.run("scan", "-v").stderr
    assert sophia.gits == started + 2


def test_a_scan_after_one_broken_file_changed_says_what_a_scan_without_cache_says(
    project: GitProject, sophia: Sophia
) -> None:
    project.commit("import", late=variant(BROKEN, 9))
    break_many(project, 3)
    sophia.json("scan")
    # With two files left nothing shows that a tool was at work, so what `late.py` was taught is gone too.
    project.write("m0.py", variant(GOOD, 0))
    warm = sophia.json("scan")
    assert warm["summary"]["damage"] == []
    shutil.rmtree(project.root / ".sophia")
    assert without_times(warm) == without_times(sophia.json("scan"))


def test_history_takes_two_processes_whatever_the_number_of_files(project: GitProject, sophia: Sophia) -> None:
    break_many(project, 12)
    sophia.json("scan")
    assert sophia.gits == 2
