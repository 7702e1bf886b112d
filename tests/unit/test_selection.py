"""Which rules run, and which findings a comment or a path keeps quiet."""

from __future__ import annotations

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.rule import Reads, Rule
from sophia_cli.fixers.selection import (
    find_rule,
    is_suppressed,
    select_rules,
    without_path_ignored,
    without_suppressed,
)
from sophia_cli.project.settings.model import PathIgnore


def make_rule(identifier: str, name: str, category: Category = Category.CORRECTNESS) -> Rule:
    return Rule(identifier, name, category, Severity.ERROR, "", Reads.SYNTAX, lambda view: (), "")


RULES = (
    make_rule("SPH100", "invalid-syntax"),
    make_rule("SPH101", "wrong-indentation"),
    make_rule("SPH201", "missing-module"),
    make_rule("SPH701", "leaked-secret", Category.SECURITY),
)


def make_finding(line: int = 1, path: str = "a.py", rule: Rule = RULES[1]) -> Finding:
    return Finding(rule.id, rule.name, rule.category, rule.severity, path, Region(line, 1, line, 2), "message")


def ids(select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[str]:
    return [rule.id for rule in select_rules(RULES, select, ignore)]


def test_all_rules_run_when_nothing_is_selected() -> None:
    assert ids() == ["SPH100", "SPH101", "SPH201", "SPH701"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("SPH101", ["SPH101"]),
        ("sph1", ["SPH100", "SPH101"]),
        ("SPH", ["SPH100", "SPH101", "SPH201", "SPH701"]),
        ("missing-module", ["SPH201"]),
        ("security", ["SPH701"]),
        ("modernize", []),
        ("all", ["SPH100", "SPH101", "SPH201", "SPH701"]),
        ("security, SPH2 ,", ["SPH201", "SPH701"]),
    ],
)
def test_a_selector_names_rules_by_id_prefix_name_or_category(selector: str, expected: list[str]) -> None:
    assert ids((selector,)) == expected


def test_ignore_wins_over_select() -> None:
    assert ids(("SPH1",), ("wrong-indentation",)) == ["SPH100"]


@pytest.mark.parametrize(
    ("word", "near"), [("wrong-indent", "`wrong-indentation`"), ("SPH2O1", "`SPH201`"), ("securty", "`security`")]
)
def test_an_unknown_selector_is_refused_with_the_nearest_known_one(word: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        ids((), (word,))
    assert caught.value.reference == "unknown-rule"
    assert near in str(caught.value.hint)


def test_a_rule_is_found_by_id_and_by_name_in_any_case() -> None:
    assert find_rule(RULES, "sph201") is find_rule(RULES, "Missing-Module") is RULES[2]
    with pytest.raises(UsageError):
        find_rule(RULES, "SPH1")


@pytest.mark.parametrize(
    ("line", "suppressed"),
    [
        ("x = (  # sophia: ignore[wrong-indentation]", True),
        ("x = (  # sophia: ignore[SPH101]", True),
        ("x = (  # sophia: ignore[other, wrong-indentation] because", True),
        ("x = (  # sophia: ignore", True),
        ("x = (  #sophia:ignore - generated", True),
        ("x = (  # sophia: ignore[other]", False),
        ("x = (  # sophia: ignore[]", False),
        ("x = (  # sophia: ignored", False),
        ("x = (  # sophia: ignore[wrong-indentation", False),
        ("x = (  # ignore", False),
        ("sophia: ignore", False),
    ],
)
def test_a_comment_on_the_line_of_a_finding_keeps_it_quiet(line: str, suppressed: bool) -> None:
    assert is_suppressed([line], make_finding()) is suppressed


def test_only_the_line_of_the_finding_counts() -> None:
    lines = ["x = 1  # sophia: ignore", "y = ("]
    quiet, loud, outside = make_finding(1), make_finding(2), make_finding(9)
    assert without_suppressed(lines, [quiet, loud, outside]) == (loud, outside)


@pytest.mark.parametrize("pattern", ["tests/**", "tests/", "/tests", "tests/*", "deep/", "a.py", "*.py"])
def test_a_path_pattern_leaves_out_its_rules(pattern: str) -> None:
    finding, other_rule = make_finding(path="tests/deep/a.py"), make_finding(1, "tests/deep/a.py", RULES[2])
    per_path = [PathIgnore(pattern, ("SPH1",))]
    assert without_path_ignored(RULES, [finding, other_rule], per_path) == (other_rule,)


def test_a_path_pattern_says_nothing_about_other_paths() -> None:
    findings = [make_finding(path="tests.py"), make_finding(path="src/tests.py")]
    assert without_path_ignored(RULES, findings, [PathIgnore("tests/", ("SPH1",))]) == tuple(findings)
    assert without_path_ignored(RULES, findings, [PathIgnore("/tests.py", ("SPH1",))]) == (findings[1],)
    assert without_path_ignored(RULES, findings, []) == tuple(findings)
