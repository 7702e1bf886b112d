"""What a repair takes away is counted; what it only moves, joins or splits is not."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.losses import lost_definitions, lost_lines, lost_words


@pytest.mark.parametrize(
    ("before", "after", "lines", "words"),
    [
        ("a = 1\nb = 2\n", "a = 1\nb = 2\n", 0, 0),
        ("a = 1\nb = 2\n", "a = 1\n", 1, 2),
        ("a = 1\nb = 2\n", "a = 1\n# b = 2\n", 1, 2),
        ("a = 1\nb = 2\n", "", 2, 4),
        ("a = 1\n b = 2\n", "a = 1\nb = 2\n", 0, 0),
        ("import os\nimport sys\n", "import sys\nimport os\n", 0, 0),
        ("f(a,\n  b)\n", "f(a, b)\n", 0, 0),
        ("x = (1\n", "x = (1)\n", 0, 0),
        ("x = y z\n", "x = y\n", 0, 1),
        ("if a:\n    # b\n", "if a:\n    # b\n    pass\n", 0, 0),
        ("<<<<<<< HEAD\na = 1\n=======\nb = 2\n>>>>>>> x\n", "a = 1\n", 1, 2),
        ("```python\na = 1\n```\n", "a = 1\n", 0, 0),
        ("# only a remark\na = 1\n", "a = 1\n", 0, 0),
        ("a = 1  # a remark\nb = = 1\n", "a = 1\nb = 1\n", 0, 0),
        ("f(a  # why, b)\n", "f(a, b)  # why\n", 0, 0),
    ],
)
def test_lines_and_words_of_code_that_are_lost(before: str, after: str, lines: int, words: int) -> None:
    assert (lost_lines(before, after), lost_words(before, after)) == (lines, words)


def test_a_line_that_moves_far_away_is_not_lost() -> None:
    body = "".join(f"x{n} = {n}\n" for n in range(40))
    before, after = f"{body}from __future__ import annotations\n", f"from __future__ import annotations\n{body}"
    assert lost_lines(before, after) == 0
    assert lost_words(before, after) == 0


def test_a_line_that_stands_once_more_elsewhere_does_not_pay_for_a_lost_one() -> None:
    before = "a = 1\nb = 2\nc = 3\na = 1\n"
    assert lost_lines(before, "b = 2\nc = 3\na = 1\n") == 1


def test_code_that_becomes_text_is_lost() -> None:
    before = "a = 1\nb = 2\nc = 3\n"
    assert lost_lines(before, 'a = 1\n"""\nb = 2\nc = 3\n"""\n') == 2


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("def f():\n    pass\n", "def f():\n    pass\n", 0),
        ("def f():\n    pass\n", "# def f():\n#    pass\n", 1),
        ("class A:\n    async def f(self): ...\n", "class A:\n    def f(self): ...\n", 0),
        ("class A: ...\ndef f(): ...\n", "x = 1\n", 2),
        ("def f(): ...\ndef f(): ...\n", "def f(): ...\n", 1),
        ("def f(): ...\n", "def g(): ...\n", 1),
        ('"""\ndef f(): the text\n"""\n', "x = 1\n", 0),
        ("def f(): ...\n", '"""\ndef f(): ...\n"""\n', 1),
    ],
)
def test_functions_and_classes_that_are_lost(before: str, after: str, lost: int) -> None:
    assert lost_definitions(before, after) == lost
