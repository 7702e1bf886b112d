"""What is counted in a finished text: names that only another scope has, loops and functions that end oddly."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.compiler import quiet
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.outcome import Outcomes

TIDY = """\
import os

LIMIT = 3


class Shop:
    kind = "corner"

    def total(self, prices: list[int], *more: int, rate=LIMIT, **rest: int) -> int:
        found = [price * rate for price in prices if (known := price) and known]
        for number, price in enumerate(more):
            found.append(number + price)
        try:
            found += rest.values()
        except ValueError as error:
            print(error, os.name, lambda one: one + rate)

        def inner():
            return found, self.kind

        return inner()
"""


def _counts(text: str) -> dict[str, float]:
    with quiet():
        found = Outcomes(Judge()).features(text)
    assert found is not None
    return found


def test_names_of_parameters_loops_handlers_and_outer_functions_are_known() -> None:
    counts = _counts(TIDY)
    assert counts["foreign"] == 0
    assert counts["unresolved"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "def one(a):\n    return b\n\ndef two(b):\n    return b\n",
        "class One:\n    size = 1\n\n    def two(self):\n        return size\n",
        "def one(text):\n    i = 0\n    return i + len(text)\nwhile i:\n    print(1)\n",
    ],
)
def test_a_name_that_only_another_scope_has_is_foreign(text: str) -> None:
    assert _counts(text)["foreign"] == 1
    assert _counts(text)["unresolved"] == 0


def test_a_name_that_nobody_has_is_unresolved_and_not_foreign() -> None:
    counts = _counts("def one(a):\n    return a + b\n")
    assert (counts["foreign"], counts["unresolved"]) == (0, 1)


def test_a_declared_global_is_known_everywhere() -> None:
    assert _counts("def one():\n    global a\n    a = 1\n\ndef two():\n    return a\n")["foreign"] == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def f(a):\n    for i in a:\n        print(i)\n        return a\n", "loop-once"),
        ("for i in x:\n    print(i)\nelse:\n    print(2)\n", "loop-else"),
        ("def f(a):\n    if a:\n        return 1\n    print(a)\n", "falls-off"),
    ],
)
def test_loops_and_functions_that_end_oddly_are_counted(text: str, name: str) -> None:
    assert _counts(text)[name] == 1


@pytest.mark.parametrize(
    "end",
    [
        "    return 2\n",
        "    if a:\n        return 1\n    else:\n        raise ValueError\n",
        "    try:\n        return 1\n    except ValueError:\n        return 2\n",
        "    with a:\n        return 1\n",
        "    while True:\n        print(a)\n",
    ],
)
def test_a_function_that_always_gives_a_value_falls_off_nowhere(end: str) -> None:
    assert _counts(f"def f(a):\n    if a.b:\n        return 3\n{end}")["falls-off"] == 0
