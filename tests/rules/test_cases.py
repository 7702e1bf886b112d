"""What every rule is held to, for each of its cases; see README.md beside this file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from case_format import Case, Expected, InputFile, read_cases
from outside_guard import GUARD

from sophia_cli.core.findings import Finding, Safety
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.analysis import FileReport, analyse
from sophia_cli.fixers.examine import refusal_report
from sophia_cli.fixers.file_facts import facts_of_bytes
from sophia_cli.fixers.mending.choosing import Policy
from sophia_cli.fixers.mending.execute import execute
from sophia_cli.fixers.mending.rounds import Draft, draft_fixes
from sophia_cli.fixers.mending.verify import Version
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import AnyRule, ProjectRule, Rule
from sophia_cli.fixers.survey import Survey
from sophia_cli.fixers.view import FileView
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.files.classify import PYTHON_SUFFIXES
from sophia_cli.project.locks import project_lock
from sophia_cli.project.runs.transactions import begin_run
from sophia_cli.project.runs.undo import undo_run

View = TypeVar("View", FileView, ProjectView)

FOLDER = Path(__file__).parent
RULES = {rule.name: rule for rule in all_rules()}
CASES = [case for path in sorted(FOLDER.glob("*/cases.md")) for case in read_cases(path) if case.rule in RULES]
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}: {case.title}" for case in CASES])
each_policy = pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])


def report_on(case: Case, file: InputFile, rules: Sequence[AnyRule]) -> FileReport:
    if file.obstacle is not None:
        return refusal_report(file.path, file.obstacle, file.reason, rules)
    return analysing(case, rules)(file.path, file.data)


def findings_of(case: Case, rules: Sequence[AnyRule]) -> list[Finding]:
    found = [finding for file in case.files for finding in report_on(case, file, rules).findings]
    together = surveying(case, inputs(case), rules).findings()
    found += [finding for findings in together.values() for finding in findings]
    return [finding for finding in found if finding.name == case.rule]


def analysing(case: Case, rules: Sequence[AnyRule]) -> Callable[[str, bytes], FileReport]:
    def analysis(path: str, data: bytes) -> FileReport:
        if not path.endswith(PYTHON_SUFFIXES):
            return FileReport(path, (), True, 0)
        return analyse(path, data, case.context_of(path), rules)

    return analysis


def surveying(case: Case, files: dict[str, bytes], rules: Sequence[AnyRule]) -> Survey:
    """Return what the rules for the whole project see of a case's files."""
    python = {path: data for path, data in files.items() if path.endswith(PYTHON_SUFFIXES)}
    return Survey(
        rules=[rule for rule in rules if isinstance(rule, ProjectRule)],
        facts={path: facts_of_bytes(path, data) for path, data in python.items()},
        documents={path: data for path, data in files.items() if path not in python},
        read=files.get,
        past=case.past,
        python=case.python,
    )


def drafted(case: Case, files: dict[str, bytes], rules: Sequence[AnyRule], unsafe: bool) -> Draft:
    """Fix with these rules selected, and those whose fixes stand or fall with theirs. All rules run, as in `fix`."""
    analysis = analysing(case, all_rules())
    versions = [Version(data, analysis(path, data)) for path, data in files.items()]
    survey = surveying(case, files, all_rules())
    found = [finding for version in versions for finding in version.report.findings]
    found += [finding for findings in survey.findings().values() for finding in findings]
    selected = {rule.id for rule in rules}
    groups = {f.fix.group for f in found if f.rule in selected and f.fix is not None} - {None}
    selected |= {f.rule for f in found if f.fix is not None and f.fix.group in groups}
    policy = Policy(unsafe=unsafe, wants=lambda finding: finding.rule in selected)
    return draft_fixes(
        versions, analysis, policy, survey=survey, load=lambda path: Version(files[path], analysis(path, files[path]))
    )


def inputs(case: Case) -> dict[str, bytes]:
    return {file.path: file.data for file in case.files if file.obstacle is None}


def expected_files(case: Case, unsafe: bool) -> dict[str, bytes]:
    return {**inputs(case), **case.fixed, **(case.fixed_unsafe if unsafe else {})}


def result(draft: Draft) -> dict[str, bytes]:
    return {version.report.path: version.data for version in draft.after}


def picture(root: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and ".sophia" not in path.parts)
    return {path.relative_to(root).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in files}


def test_every_rule_has_a_folder_of_cases_and_every_folder_a_rule() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    assert folders == set(RULES)
    assert {case.rule for case in CASES} == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_case_in_which_it_reports_and_one_in_which_it_is_silent(rule: str) -> None:
    mine = [case for case in CASES if case.rule == rule]
    assert any(case.findings for case in mine)
    assert any(not case.findings for case in mine)


@each_case
def test_the_findings_are_exact_alone_and_with_all_rules(case: Case) -> None:
    found = findings_of(case, [RULES[case.rule]])
    assert sorted(map(Expected.of, found)) == list(case.findings)
    assert findings_of(case, all_rules()) == found


@each_case
@each_policy
def test_the_fixed_bytes_are_exact_and_the_rounds_settle(case: Case, unsafe: bool) -> None:
    alone = drafted(case, inputs(case), [RULES[case.rule]], unsafe)
    assert_exact_bytes(case, unsafe, alone)
    assert_settled(case, unsafe, alone)


def assert_exact_bytes(case: Case, unsafe: bool, alone: Draft) -> None:
    """Assert that the rule alone leads to the bytes of the case, and with all rules too."""
    expected = expected_files(case, unsafe)
    assert result(alone) == {path: expected.get(path) for path in result(alone)}
    together = result(drafted(case, inputs(case), all_rules(), unsafe))
    # Where the rule of the case is silent, other rules may well mend the file.
    asked = {finding.path for finding in case.findings}
    mended = {path: data for path, data in together.items() if path in asked}
    assert mended == {path: data for path, data in expected.items() if path in asked}


def assert_settled(case: Case, unsafe: bool, first: Draft) -> None:
    """Assert that a second run has nothing to do."""
    assert first.settled
    second = drafted(case, result(first), [RULES[case.rule]], unsafe)
    assert second.plan.steps == ()
    applicable = {Safety.SAFE, Safety.UNSAFE} if unsafe else {Safety.SAFE}
    left = [f for version in second.after for f in version.report.findings if f.name == case.rule]
    tried = {finding.message for taken in first.taken_back for finding in taken.findings}
    assert not [f for f in left if f.fix and f.fix.safety in applicable and f.message not in tried]


@each_case
@each_policy
def test_undo_gives_bytes_and_modes_back(case: Case, unsafe: bool, tmp_path: Path) -> None:
    for file in case.files:
        place = tmp_path / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        os.chmod(place, file.mode)
    before = picture(tmp_path)
    draft = drafted(case, inputs(case), [RULES[case.rule]], unsafe)
    if not draft.plan.steps:
        assert expected_files(case, unsafe) == inputs(case)
        return
    clock = SystemClock()
    with project_lock(tmp_path, "the rule harness", 10.0, clock) as lock:
        with begin_run(lock, "fix", clock.now) as run:
            execute(draft.plan, run, tmp_path, analysing(case, all_rules()), None)
            run.commit()
        fixed = picture(tmp_path)
        assert {path: data for path, (data, _) in fixed.items() if path in inputs(case)} == expected_files(case, unsafe)
        assert {path: mode for path, (_, mode) in fixed.items()} == {path: mode for path, (_, mode) in before.items()}
        undo_run(lock, run.id, clock.now)
    assert picture(tmp_path) == before


@each_case
def test_check_stays_inside(case: Case) -> None:
    rule = RULES[case.rule]
    guarded: AnyRule
    if isinstance(rule, Rule):
        guarded = replace(rule, check=watched(rule.check))
    else:
        guarded = replace(rule, check=watched(rule.check))
    assert findings_of(case, [guarded]) == findings_of(case, [rule])


def watched(check: Callable[[View], Iterable[Finding]]) -> Callable[[View], Iterable[Finding]]:
    def twice(view: View) -> Iterable[Finding]:
        # The first call may import what it needs; from then on a check only looks at what it is given.
        once = list(check(view))
        with GUARD.watch():
            again = list(check(view))
        assert once == again
        return again

    return twice
