"""The reader of cases: what it reads, and that it refuses what would make a case say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_format import CaseError, Expected, read_cases

from sophia_cli.fixers.view import Obstacle

FINDINGS = "```findings\n```\n"


def cases_file(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "some-rule"
    folder.mkdir()
    path = folder / "cases.md"
    path.write_text(text, "utf-8")
    return path


def test_a_case_is_read_with_its_files_findings_and_fixed_bytes(tmp_path: Path) -> None:
    text = (
        "# some-rule\n\n## First\n\n```python a.py mode=755\nx = = 1\n```\n\n"
        "```findings\nSPH100 a.py:1:5 safe\n```\n\n```python a.py fixed\nx = 1\n```\n"
    )
    (case,) = read_cases(cases_file(tmp_path, text))
    assert (case.rule, case.title) == ("some-rule", "First")
    assert [(file.path, file.data, file.mode) for file in case.files] == [("a.py", b"x = = 1\n", 0o755)]
    assert case.findings == (Expected("a.py", 1, 5, "SPH100", "safe"),)
    assert case.fixed == {"a.py": b"x = 1\n"}


def test_escaped_blocks_hold_exact_bytes(tmp_path: Path) -> None:
    text = "## A\n```python a.py escaped\n\\xef\\xbb\\xbfx = 1\\r\\n\n@repeat 3 (\n\\x00\\\\\n```\n" + FINDINGS
    (case,) = read_cases(cases_file(tmp_path, text))
    assert case.files[0].data == b"\xef\xbb\xbfx = 1\r\n(((\x00\\"


def test_a_longer_fence_holds_fences(tmp_path: Path) -> None:
    text = "## A\n````python a.py\n```python\nx = 1\n```\n````\n" + FINDINGS
    (case,) = read_cases(cases_file(tmp_path, text))
    assert case.files[0].data == b"```python\nx = 1\n```\n"


def test_context_history_and_obstacles_are_read(tmp_path: Path) -> None:
    text = (
        '## A\n```context\npython = "3.12"\nnamed = true\nmodules = ["a.b"]\n```\n```python a.py\nx =\n```\n'
        "```python a.py good\nx = 1\n```\n```obstacle b.py unreadable Permission denied\n```\n" + FINDINGS
    )
    (case,) = read_cases(cases_file(tmp_path, text))
    context = case.context_of("a.py")
    assert (context.python, context.named, context.modules) == ((3, 12), True, frozenset({"a.b"}))
    assert context.good is not None
    assert context.good.text == "x = 1\n"
    assert case.context_of("b.py").good is None
    assert (case.files[1].obstacle, case.files[1].reason) == (Obstacle.UNREADABLE, "Permission denied")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "```python a.py\n```\n",
        "## A\n" + FINDINGS,
        "## A\n```python a.py\nx = 1\n```\n",
        "## A\n```python a.py\nx = 1\n",
        "## A\n```python\nx = 1\n```\n" + FINDINGS,
        "## A\n```\nx = 1\n```\n" + FINDINGS,
        "## A\n```python a.py\n```\n```findings\nSPH100 a.py safe\n```\n",
        "## A\n```python a.py\n```\n```findings\nSPH100 b.py:1:1 safe\n```\n",
        "## A\n```python a.py\n```\n```python b.py fixed\n```\n" + FINDINGS,
        "## A\n```python a.py\n```\n```python a.py\n```\n" + FINDINGS,
        "## A\n```python a.py mended\n```\n" + FINDINGS,
        "## A\n```python a.py\n```\n" + FINDINGS + FINDINGS,
        "## A\n```python a.py\n```\n```context\npyton = 1\n```\n" + FINDINGS,
        "## A\n```python a.py\n```\n" + FINDINGS + "## A\n```python a.py\n```\n" + FINDINGS,
        "## A\n```python a.py\n```\n"
        + FINDINGS
        + "```python a.py fixed\nx\n```\n```python a.py fixed-unsafe\nx\n```\n",
    ],
)
def test_a_case_that_is_not_written_as_described_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CaseError):
        read_cases(cases_file(tmp_path, text))
