"""Repairs that the past gives carry their text, their lines and their evidence."""

from __future__ import annotations

from dataclasses import replace

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.lessons import lessons_of
from sophia_cli.fixers.syntax.mass_damage import BrokenFile, mass_damage
from sophia_cli.fixers.syntax.model import Origin
from sophia_cli.fixers.syntax.past import origin_of, past_repairs
from sophia_cli.fixers.syntax.reversal import ReversedHunk
from sophia_cli.project.history.model import GoodVersion

GOOD = "rows = load(\n    path,\n    limit,\n)\n"
BROKEN = "rows = load(\n    path,\n    limit,\n"
COMMITTED = GoodVersion(GOOD, "a" * 40, "old/rows.py", "b" * 40, "tidy", BROKEN)
UNCOMMITTED = GoodVersion(GOOD, "a" * 40, "rows.py", "", "")


def test_a_good_version_gives_a_repair_with_its_lines() -> None:
    best = past_repairs(BROKEN, COMMITTED, (), compile_fault)[0]
    assert best.text == GOOD
    assert best.hunks == (ReversedHunk(3, 3, (")",)),)
    assert (best.restored, best.dropped, best.changed) == (1, 0, 0)


def test_the_evidence_names_both_commits() -> None:
    best = past_repairs(BROKEN, COMMITTED, (), compile_fault)[0]
    assert any("a" * 10 in sentence for sentence in best.evidence)
    assert any("b" * 10 in sentence for sentence in best.evidence)


def test_the_origin_is_the_breaking_commit() -> None:
    assert origin_of(COMMITTED) == Origin("b" * 40, "a" * 40, "old/rows.py", "tidy")


def test_uncommitted_damage_has_no_origin() -> None:
    assert origin_of(UNCOMMITTED) is None
    assert origin_of(None) is None
    assert past_repairs(BROKEN, UNCOMMITTED, (), compile_fault)[0].text == GOOD


def test_lessons_of_other_files_are_used_without_a_good_version() -> None:
    files = [BrokenFile(f"{name}.py", "c", GOOD, BROKEN) for name in "ab"]
    lessons = lessons_of(mass_damage(files, compile_fault))
    other = "users = fetch(\n    url,\n    retry,\n"
    (repair,) = past_repairs(other, None, lessons, compile_fault)
    assert repair.text == other + ")\n"
    assert repair.hunks == (ReversedHunk(3, 3, (")",)),)
    assert repair.reversal is None
    assert repair.evidence


def test_no_past_gives_nothing() -> None:
    assert past_repairs(BROKEN, None, (), compile_fault) == ()


def test_all_that_a_commit_deleted_taken_back_is_certain() -> None:
    assert past_repairs(BROKEN, COMMITTED, (), compile_fault)[0].is_certain


def test_the_original_of_a_copy_is_not_certain() -> None:
    copy = replace(COMMITTED, is_copy=True)
    assert not past_repairs(BROKEN, copy, (), compile_fault)[0].is_certain


def test_a_part_of_the_breaking_commit_is_not_certain() -> None:
    reworked = BROKEN.replace("limit", "most")
    version = replace(COMMITTED, first_broken=reworked)
    best = past_repairs(reworked, version, (), compile_fault)[0]
    assert best.text == GOOD.replace("limit", "most")
    assert not best.is_certain


def test_many_lines_that_one_commit_deleted_may_have_gone_on_purpose() -> None:
    rows = "".join(f"    row_{number},\n" for number in range(9))
    version = replace(COMMITTED, text=f"rows = (\n{rows})\n", first_broken="rows = (\n")
    assert not past_repairs("rows = (\n", version, (), compile_fault)[-1].is_certain
    assert past_repairs("rows = (\n", version, (), compile_fault, by_tool=True)[0].is_certain


def test_only_after_a_tool_lines_that_are_not_missed_come_back_first() -> None:
    good, broken = "# rows\n" + GOOD + "# end\n", BROKEN + "# end\n"
    version = replace(COMMITTED, text=good, first_broken=broken)
    assert past_repairs(broken, version, (), compile_fault)[0].text == GOOD + "# end\n"
    assert past_repairs(broken, version, (), compile_fault, by_tool=True)[0].text == good


def test_work_of_a_tool_that_is_not_committed_is_certain() -> None:
    assert not past_repairs(BROKEN, UNCOMMITTED, (), compile_fault)[0].is_certain
    assert past_repairs(BROKEN, UNCOMMITTED, (), compile_fault, by_tool=True)[0].is_certain
