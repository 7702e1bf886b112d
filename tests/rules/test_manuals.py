"""The manual page of a rule shows what the rule really finds, in lines that fit a terminal."""

from __future__ import annotations

import re

import pytest

from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.analysis import AnalysisContext, analyse
from sophia_cli.fixers.rule import AnyRule, Rule

_EXAMPLE = re.compile(r"^## Example\n.*?^(`{3,})(\w+)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_WIDEST = 120
_SECTIONS = ("What it does", "Why is this bad", "Example", "Fix safety")

# What these report cannot be shown in a few lines of text: bytes, sizes and what the operating system says.
_NOT_SHOWN = {"unreadable-file", "undecodable-file", "file-too-large", "analysis-failed", "too-deep"}


def example_of(rule: AnyRule) -> str:
    match = _EXAMPLE.search(rule.manual)
    assert match is not None, "the manual page has no block of code below `## Example`"
    return match[3]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_every_manual_page_has_its_sections_an_example_and_lines_that_fit(rule: AnyRule) -> None:
    assert [section for section in _SECTIONS if f"## {section}\n" not in rule.manual] == []
    assert example_of(rule)
    assert [line for line in rule.manual.splitlines() if len(line) > _WIDEST] == []


@pytest.mark.parametrize(
    "rule",
    # The example of a rule about several files is its first case: one file alone does not show it.
    [rule for rule in all_rules() if isinstance(rule, Rule) and rule.name not in _NOT_SHOWN],
    ids=lambda rule: rule.name,
)
def test_the_example_of_a_manual_page_is_reported_by_its_rule(rule: Rule) -> None:
    data = example_of(rule).encode()
    report = analyse("example.py", data, AnalysisContext(python=(3, 11)), all_rules())
    assert rule.name in {finding.name for finding in report.findings}


def test_only_rules_that_exist_are_left_out() -> None:
    assert {rule.name for rule in all_rules()} >= _NOT_SHOWN
