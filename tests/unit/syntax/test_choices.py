"""Of several ways to make a text compile, the engine takes the one a person would: nothing lost, nothing half done."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sophia_cli.core.findings import Safety
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.engine import repair
from sophia_cli.fixers.syntax.model import Repair

FILE = Path(__file__).with_name("choices.txt")


def _choices() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for part in FILE.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, texts = part.partition("\n")
        broken, _, wanted = texts.partition("--- becomes\n")
        found[name] = broken, wanted
    return found


CHOICES = _choices()


def _mended(broken: str) -> Repair:
    fault = compile_fault(broken)
    assert fault is not None
    found = repair(broken, fault)
    assert found is not None
    return found


@pytest.mark.parametrize("name", CHOICES)
def test_the_engine_takes_the_change_that_a_person_would_make(name: str) -> None:
    broken, wanted = CHOICES[name]
    assert ast.dump(ast.parse(_mended(broken).text)) == ast.dump(ast.parse(wanted))


def test_text_around_code_is_kept_as_comments() -> None:
    broken, wanted = CHOICES["text before and behind a Markdown block"]
    assert "# This prints the separator." in _mended(broken).text
    assert "# Here is the code:" in _mended(broken).text
    assert [line for line in _mended(broken).text.split("\n") if line] == [line for line in wanted.split("\n") if line]


def test_a_remark_between_parameters_survives_the_removal_of_one() -> None:
    broken, wanted = CHOICES["parameter twice, one a line, with a remark"]
    assert _mended(broken).text == wanted


@pytest.mark.parametrize(
    "name",
    [
        "import in a function",
        "decorator below its function",
        "parameter twice",
        "text before and behind a Markdown block",
    ],
)
def test_where_a_person_has_to_say_what_was_meant_nothing_is_safe(name: str) -> None:
    assert _mended(CHOICES[name][0]).safety is Safety.UNSAFE


def test_a_changed_signature_is_never_safe() -> None:
    assert _mended("def ask(a, b=1, c):\n    return a, b, c\n").safety is Safety.UNSAFE


def test_a_method_that_would_leave_its_class_is_never_safe() -> None:
    found = _mended("class Store:\n    size = 1\n\n   def load(self,\n    key):\n    return key\n\n\nprint(Store)\n")
    assert found.safety is Safety.UNSAFE


def test_a_bracket_that_has_a_line_of_its_own_is_not_dropped_unasked() -> None:
    assert _mended("def ask(a):\n    return a\n)\n\n\nprint(ask(1))\n").safety is Safety.UNSAFE
