"""The harness catches a rule that breaks a guarantee, and passes one that keeps them all."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import test_cases as harness
from case_format import Case, read_cases
from outside_guard import WentOutside

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.rule import Reads, Rule
from sophia_cli.fixers.view import FileView

NAME = "old-word"
TEXT = """\
## The word is replaced
```python app.py mode=755
x = "old"
```
```findings
SPH999 app.py:1:6 safe
```
```python app.py fixed
x = "new"
```
"""


def rule(
    replacement: bytes = b"new",
    safety: Safety = Safety.SAFE,
    reach: Callable[[], object] = lambda: None,
) -> Rule:
    """Return a rule that replaces `old`, and that reaches for what it is told while it checks."""

    def check(view: FileView) -> Iterator[Finding]:
        reach()
        for match in re.finditer(b"old", view.data or b""):
            fix = Fix("replace it", safety, (Edit(view.path, match.start(), match.end(), replacement),), (), 0.9)
            region = Region(1, match.start() + 1, 1, match.end() + 1)
            yield Finding("SPH999", NAME, Category.CORRECTNESS, Severity.ERROR, view.path, region, "old", fix=fix)

    return Rule("SPH999", NAME, Category.CORRECTNESS, Severity.ERROR, "an old word", Reads.BYTES, check, "manual")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    path = tmp_path / NAME / "cases.md"
    path.parent.mkdir()
    path.write_text(TEXT, "utf-8")
    return read_cases(path)[0]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Rule], None]:
    def put(one: Rule) -> None:
        monkeypatch.setitem(harness.RULES, NAME, one)
        monkeypatch.setattr(harness, "all_rules", lambda: (one,))

    return put


def failures(case: Case, tmp_path: Path) -> set[str]:
    """Return the names of the guarantees that the installed rule breaks."""
    project = tmp_path / "project"
    project.mkdir()
    alone = harness.drafted(case, harness.inputs(case), [harness.RULES[NAME]], False)
    guarantees: dict[str, Callable[[], None]] = {
        "findings": lambda: harness.test_the_findings_are_exact_alone_and_with_all_rules(case),
        "bytes": lambda: harness.assert_exact_bytes(case, False, alone),
        "settles": lambda: harness.assert_settled(case, False, alone),
        "undo": lambda: harness.test_undo_gives_bytes_and_modes_back(case, False, project),
        "inside": lambda: harness.test_check_stays_inside(case),
    }
    broken = set()
    for name, hold in guarantees.items():
        try:
            hold()
        except AssertionError:
            broken.add(name)
    return broken


def test_a_rule_that_keeps_every_guarantee_passes(case: Case, install: Callable[[Rule], None], tmp_path: Path) -> None:
    install(rule())
    assert failures(case, tmp_path) == set()


def test_a_fix_that_never_settles_is_caught(case: Case, install: Callable[[Rule], None], tmp_path: Path) -> None:
    install(rule(replacement=b"older"))
    assert {"bytes", "settles"} <= failures(case, tmp_path)


def test_a_fix_of_another_safety_is_caught(case: Case, install: Callable[[Rule], None], tmp_path: Path) -> None:
    install(rule(safety=Safety.UNSAFE))
    assert {"findings", "bytes"} <= failures(case, tmp_path)


@pytest.mark.parametrize("reach", [lambda: os.listdir("."), lambda: time.monotonic()], ids=["files", "clock"])
def test_a_check_that_looks_at_the_world_is_caught(
    case: Case, install: Callable[[Rule], None], reach: Callable[[], object]
) -> None:
    install(rule(reach=reach))
    with pytest.raises(WentOutside):
        harness.test_check_stays_inside(case)
