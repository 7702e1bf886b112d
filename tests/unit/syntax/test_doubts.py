"""What a mended text tells against its repair, and how sure a repair is."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.certainty import certainty, certainty_inputs
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.compiler import compile_fault, quiet
from sophia_cli.fixers.syntax.costs import learned_costs
from sophia_cli.fixers.syntax.doubts import Doubt, doubts
from sophia_cli.fixers.syntax.engine import repair
from sophia_cli.fixers.syntax.model import Kind, Repair

REST = "\n".join(f"{name} = 1" for name in ["one", "two", *"abcdefghijklmn"])


def told(before: str, after: str, op: Op = Op.INSERT_TOKEN, unresolved: float = 0.0) -> frozenset[Doubt]:
    kind = Kind.INDENTATION if op in (Op.INDENT_LINE, Op.INDENT_RUN) else Kind.OTHER
    change = Change(0, 1, (), op, kind, "a change")
    return doubts(before, (before, after), [change], 4, unresolved)


def mended(text: str) -> Repair:
    with quiet():
        fault = compile_fault(text)
    assert fault is not None
    found = repair(text, fault)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("before", "after", "op", "doubt"),
    [
        ("a = 1 b\n", "a = 1\nb\n", Op.SPLIT_LINE, Doubt.NO_EFFECT),
        ("a = f(1\n'b',\n", "a = f(1)\n'b',\n", Op.CLOSE_BRACKET, Doubt.NO_EFFECT),
        ("def f():\n    return\n      g()\n", "def f():\n    return\n    g()\n", Op.INDENT_LINE, Doubt.UNREACHABLE),
        ("if a:\nb()\n", "if a:\n  b()\n", Op.INDENT_LINE, Doubt.UNEVEN),
        ("if a:\nb = 1\nprint(b)\n", "if a:\n    b = 1\nprint(b)\n", Op.INDENT_LINE, Doubt.UNBOUND),
        ("for a in b:\nc()\n", "for a in b:\n    c()\n", Op.INDENT_LINE, Doubt.UNUSED),
        ("total = 1 +\ntotal = 1\n", "total = 1\ntotal = 1\n", Op.DELETE_TOKEN, Doubt.TWIN),
        ("total =\nrest = f()\n", "total = \\\nrest = f()\n", Op.JOIN_LINES, Doubt.CHAINED),
        ("f(ab, cd, ab, cd\n", "f(ab, cd, ab, cd)\n", Op.CLOSE_BRACKET, Doubt.REPEATED),
        ("a = f(\n    b,\n", "a = f(\n    b,\n)\n", Op.CLOSE_BRACKET, Doubt.CUT_END),
        ("a = f(b, c,\nd = 1\n", "a = f(b, c,)\nd = 1\n", Op.CLOSE_BRACKET, Doubt.LOOSE_END),
        ("a = f(b  # why)\nd = 1\n", "a = f(b)  # why)\nd = 1\n", Op.CLOSE_BRACKET, Doubt.REMARK),
        ("a = [\n  b\n    c\n]\n", "a = [\n  b,\n    c\n]\n", Op.INSERT_TOKEN, Doubt.MISALIGNED),
        ("class A:\n self.b = 1\n", "class A:\n    self.b = 1\n", Op.INDENT_LINE, Doubt.SELF_OUTSIDE),
        ("a = (1, 2]\n", "a = (1, 2)\n", Op.REPLACE_BRACKET, Doubt.EITHER_BRACKET),
        ("a = b[1)\n", "a = b[1]\n", Op.REPLACE_BRACKET, Doubt.EITHER_BRACKET),
    ],
)
def test_what_looks_odd_in_the_mended_text_is_told(before: str, after: str, op: Op, doubt: Doubt) -> None:
    assert doubt in told(before, after, op)


@pytest.mark.parametrize(
    ("before", "after", "op"),
    [
        ("a = f(1\nb()\n", "a = f(1)\nb()\n", Op.CLOSE_BRACKET),
        ("def f()\n    return 1\n", "def f():\n    return 1\n", Op.ADD_COLON),
        ("if a:\nb()\n", "if a:\n    b()\n", Op.INDENT_LINE),
        ("b = 0\nif a:\nb = 1\nprint(b)\n", "b = 0\nif a:\n    b = 1\nprint(b)\n", Op.INDENT_LINE),
        ("for a in b:\nc(a)\n", "for a in b:\n    c(a)\n", Op.INDENT_LINE),
        ("for _ in b:\nc()\n", "for _ in b:\n    c()\n", Op.INDENT_LINE),
        ("a = [\n    b\n    c\n]\n", "a = [\n    b,\n    c\n]\n", Op.INSERT_TOKEN),
        ("def f(self):\nself.a = 1\n", "def f(self):\n    self.a = 1\n", Op.INDENT_LINE),
        ("a = f(1, 2]\n", "a = f(1, 2)\n", Op.REPLACE_BRACKET),
    ],
)
def test_a_plain_repair_raises_no_doubt(before: str, after: str, op: Op) -> None:
    assert told(before, after, op) == frozenset()


def test_the_only_name_that_a_file_does_not_know_is_told_where_the_file_knows_many() -> None:
    before, after = f"{REST}\nf(one stray)\n", f"{REST}\nf(one, stray)\n"
    assert Doubt.UNKNOWN_NAME in told(before, after, unresolved=1.0)
    assert Doubt.UNKNOWN_NAME not in told("f(one stray)\n", "f(one, stray)\n", unresolved=1.0)
    assert Doubt.UNKNOWN_NAME not in told(before, after, unresolved=9.0)


def test_a_word_that_begins_like_another_one_looks_cut_off() -> None:
    assert Doubt.CUT_WORD in told("configure = 1\nf(conf\n", "configure = 1\nf(conf)\n")
    assert Doubt.CUT_WORD not in told("configure = 1\nconf = 2\nf(conf\n", "configure = 1\nconf = 2\nf(conf)\n")


def test_a_text_that_cannot_be_read_raises_no_doubt() -> None:
    assert told("a = (\n", "a = (((\n") == frozenset()


def test_a_doubt_keeps_a_repair_from_being_safe() -> None:
    plain = mended("def pair(a, b):\n    return call(a, b]\n")
    either = mended("def pair(a, b):\n    return (a, b]\n")
    assert either.confidence > learned_costs().safe
    assert plain.text == "def pair(a, b):\n    return call(a, b)\n"
    assert (plain.safety.value, either.safety.value) == ("safe", "unsafe")


def test_a_longer_lead_makes_a_repair_surer_and_never_certain() -> None:
    weights = {"any": -1.0, "lead": 0.5}
    sure = [certainty(lead, [("add-colon", "header", ":")], weights) for lead in (-9.0, 0.0, 2.0, 5.0, 50.0)]
    assert sure == sorted(sure)
    assert sure[-1] == sure[-2] < 1.0
    assert sure[0] == certainty(-3.0, [("add-colon", "header", ":")], weights)


def test_several_kinds_of_changes_share_what_is_known_of_each() -> None:
    one = certainty_inputs(2.0, [("add-colon", "header", ":")])
    two = certainty_inputs(2.0, [("add-colon", "header", ":"), ("indent-line", "line", "")])
    twice = certainty_inputs(2.0, [("add-colon", "header", ":")] * 2)
    assert one["add-colon"] == 1.0
    assert "several" not in one
    assert two["add-colon"] == two["indent-line"] == two["indents"] == 0.5
    assert two["several"] == 1.0
    assert twice["add-colon"] == twice["again"] == 1.0
    assert "several" not in twice
