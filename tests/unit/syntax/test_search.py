"""The search: what counts as progress, and that its limits hold for whatever it is given."""

from __future__ import annotations

import pytest
from work import work_of

from sophia_cli.core.values import replace
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.compiler import compile_fault, earliest_fault, quiet
from sophia_cli.fixers.syntax.costs import learned_costs
from sophia_cli.fixers.syntax.engine import repair
from sophia_cli.fixers.syntax.model import Kind, SyntaxFault
from sophia_cli.fixers.syntax.progress import is_progress
from sophia_cli.fixers.syntax.search import Limits, Outcome, search
from sophia_cli.fixers.syntax.token_model import load_token_model

# What reading one text costs at least: `work` divided by it bounds how many texts are read.
LEAST_PER_TEXT = 200
FUNCTION = "def function_{n}(a):\n    if a:\n        return [a, {n}]\n    return None\n\n\n"
BROKEN_FUNCTION = FUNCTION.replace("if a:", "if a")


def _found(text: str, limits: Limits | None) -> list[Outcome]:
    with quiet():
        return search(text, learned_costs(), load_token_model(), limits)


def _fault(line: int, column: int = 1, message: str = "invalid syntax") -> SyntaxFault:
    return SyntaxFault(line, column, line, column + 1, message, "SyntaxError")


def _change(start: int, end: int, count: int) -> Change:
    return Change(start, end, ("x",) * count, Op.REWRITE, Kind.OTHER, "for the test")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        pytest.param(_fault(5), _fault(6), _change(4, 5, 1), id="a later line"),
        pytest.param(_fault(5), _fault(9), _change(2, 2, 3), id="later than the lines that came in above"),
        pytest.param(_fault(5), _fault(4), _change(1, 3, 0), id="later once the lines above are gone"),
        pytest.param(_fault(5), _fault(5), _change(4, 5, 0), id="the next line took the place of the faulty one"),
        pytest.param(_fault(5, 3), _fault(5, 9, "expected ':'"), _change(4, 5, 1), id="another fault further right"),
        pytest.param(
            _fault(5, 9, "keyword argument repeated: a"),
            _fault(5, 9, "keyword argument repeated: b"),
            replace(_change(4, 5, 1), op=Op.DELETE_TOKENS),
            id="another fault where something was taken out",
        ),
        pytest.param(_fault(5), _fault(2, 1, "'await' outside async function"), _change(4, 5, 1), id="all is parsed"),
    ],
)
def test_a_fault_further_down_is_progress(before: SyntaxFault, after: SyntaxFault, change: Change) -> None:
    assert is_progress(before, after, change)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        pytest.param(_fault(5), _fault(4), _change(4, 5, 1), id="an earlier line"),
        pytest.param(_fault(5), _fault(8), _change(2, 2, 3), id="the same line, moved down by new lines"),
        pytest.param(_fault(5), _fault(3), _change(1, 3, 0), id="the same line, moved up by removed lines"),
        pytest.param(_fault(5), _fault(5), _change(4, 5, 1), id="the same place"),
        pytest.param(_fault(5, 3), _fault(5, 9), _change(4, 5, 1), id="the same fault further right"),
        pytest.param(_fault(5, 9), _fault(5, 3, "expected ':'"), _change(4, 5, 1), id="another fault further left"),
    ],
)
def test_a_fault_that_stays_or_comes_earlier_is_none(before: SyntaxFault, after: SyntaxFault, change: Change) -> None:
    assert not is_progress(before, after, change)


def test_a_statement_that_cannot_be_parsed_comes_before_a_string_that_is_open_further_down() -> None:
    text = 'try:\n    a = 1\ndef f():\n    return a\n\n\nx = """open\n'
    with quiet():
        fault = earliest_fault(text)
    assert fault is not None
    assert fault.line == 3


def test_a_block_that_only_ends_where_the_open_string_begins_is_no_fault_of_its_own() -> None:
    with quiet():
        fault = earliest_fault('def f():\n    # what it does\n\n    """open\n    return 1\n')
    assert fault is not None
    assert "unterminated" in fault.message


def test_a_bracket_below_which_statements_go_on_comes_before_a_string_that_is_open_further_down() -> None:
    with quiet():
        fault = earliest_fault('def f(x):\n    y = g(x, (1)\n    return y\n\n\ndef h():\n    raise ValueError("open)\n')
    assert fault is not None
    assert (fault.line, fault.message) == (2, "'(' was never closed")


def test_an_open_string_in_an_open_bracket_is_a_fault_of_the_string() -> None:
    with quiet():
        fault = earliest_fault('x = f(\n    1,\n    "open,\n    3,\n)\n')
    assert fault is not None
    assert (fault.line, "unterminated" in fault.message) == (3, True)


def test_a_conflict_below_another_fault_is_resolved_with_it() -> None:
    broken = (
        "def weigh(parcel, scale:\n    return scale.weigh(parcel)\n\n\ndef send(parcel, street):\n"
        "<<<<<<< HEAD\n    street.deliver(parcel)\n=======\n    street.deliver(parcel, 1)\n>>>>>>> heavier\n"
        "    return street\n"
    )
    fault = compile_fault(broken)
    assert fault is not None
    found = repair(broken, fault)
    assert found is not None
    assert "def weigh(parcel, scale):" in found.text
    assert compile_fault(found.text) is None


@pytest.mark.parametrize(
    "above",
    ["f(a=1, a=2)", "a, *b, *c = x", "from __future__ import colours", "x: int = [y := 1 for y in z]", "return 1"],
)
def test_what_the_compiler_says_later_does_not_hide_what_is_mended_further_down(above: str) -> None:
    broken = f"{above}\n\n\ndef g(value)\n    return value\n"
    fault = compile_fault(broken)
    assert fault is not None
    assert fault.line == 4
    found = repair(broken, fault)
    assert found is not None
    assert "def g(value):" in found.text


MANY_FAULTS = '''import os
"""Parcels."""
from __future__ import annotations

def weigh(parcel: int -> str:
    match parcel:
        case 1:
        case 2:
            return "two"
    return str(parcel)

def send():
    if street := 3 and:
        return street
    else:
def label():
    return lambda: yield 3
'''


def test_a_text_that_came_further_at_a_price_is_not_dropped_for_cheaper_ones_that_did_not() -> None:
    best = _found(MANY_FAULTS, None)[0]
    assert "        case 1:\n            pass\n        case 2:\n" in best.text
    assert len(best.changes) == 6


INTERRUPTED = '''"""Parcels."""


class Parcels:
    def weigh(self, parcel):
        """Return the weight."""
        return await self.scale(parcel)

    async def send(self, parcel, street):
        """Send it."""
        try:
            cart = await self.cart(street)
            if cart.full:
                self.log("full")
async def count(self, street):
        """Count the parcels of a street."""
        try:
            return len(await self.cart(street))
        except KeyError:
            return 0

    async def stop(self, street):
        """Stop the cart of a street."""
        await self.halt(street)
        raise RuntimeError(street)
        street: the street that is to be left alone
        until: the day on which the cart goes again

        Returns:
            Nothing
        """
        await self.halt(street)

    async def rest(self):
        """Rest."""
        return None
                return False
'''


def test_a_method_cut_by_others_whose_leftovers_follow_is_mended_without_loss() -> None:
    found = _found(INTERRUPTED + "The editor was closed before all was saved to the disk.", Limits())
    assert found
    assert found[0].lost == 0
    assert compile_fault(found[0].text) is None


def test_a_text_that_compiles_needs_no_search() -> None:
    assert _found("a = 1\n", Limits()) == []


def test_what_is_found_compiles_and_comes_cheapest_first() -> None:
    found = _found("def f(a)\n    print(a\n    return [a, 1\n", Limits())
    assert len(found) > 1
    assert all(compile_fault(outcome.text) is None for outcome in found)
    assert [outcome.cost for outcome in found] == sorted(outcome.cost for outcome in found)


def test_the_changes_lead_from_the_broken_text_to_the_found_one() -> None:
    broken = "def f(a)\n    print(a\n    return [a, 1\n"
    for outcome in _found(broken, Limits()):
        lines = broken.split("\n")[:-1]
        for change in outcome.changes:
            lines = change.apply(lines)
        assert "".join(line + "\n" for line in lines) == outcome.text


def test_no_more_is_found_than_wanted() -> None:
    broken = "print((1, 2\n"
    assert len(_found(broken, Limits())) > 1
    assert len(_found(broken, Limits(finals=1))) == 1


def test_more_faults_than_allowed_are_given_up() -> None:
    broken = "".join(BROKEN_FUNCTION.format(n=n) for n in range(6))
    assert _found(broken, Limits(sites=5)) == []
    assert _found(broken, Limits(sites=6)) != []


def test_without_work_there_is_no_result_and_next_to_no_reading() -> None:
    broken = "".join(BROKEN_FUNCTION.format(n=n) for n in range(30))
    work = work_of(lambda: _found(broken, Limits(work=0)))
    assert work.texts <= 20


@pytest.mark.parametrize("allowed", [20_000, 200_000])
def test_three_hundred_faults_end_within_the_allowed_work(allowed: int) -> None:
    broken = "".join(BROKEN_FUNCTION.format(n=n) for n in range(300))
    work = work_of(lambda: _found(broken, Limits(work=allowed)))
    assert 0 < work.texts <= allowed // LEAST_PER_TEXT + 50


HUGE = {
    "a line of 1 MB": "x = [" + "1, " * 333_000 + "\n",
    "a call of 1 MB": "def f():\n    return call(" + "a.b('c'), " * 100_000 + "\n",
    "1 MB of junk": "“" * 1_000_000 + "\n",
    "1 MB of quotes": "x = " + "'a' \"b\" " * 125_000 + "'\n",
    "1 MB of parameters": "def f(" + ", ".join(f"a{n}=1, b{n}" for n in range(60_000)) + "): pass\n",
    "100,000 open brackets": "(" * 100_000 + "\n",
    "100,000 lines of open brackets": "(\n" * 100_000,
    "100,000 open docstrings": '"""a\n' * 99_999,
    "20,000 lines out of step": "".join(" " * (n % 50) + "x = 1\n" for n in range(20_000)),
    "30,000 lines of prose": "this is some prose here, really\n" * 30_000,
    "5,000 conflicts": "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> other\n" * 5_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_texts_end_within_the_allowed_work(name: str) -> None:
    limits = Limits(work=100_000)
    text = HUGE[name]
    fault = compile_fault(text)
    assert fault is not None
    work = work_of(lambda: repair(text, fault, limits=limits))
    assert work.texts <= limits.work // LEAST_PER_TEXT + 50


@pytest.mark.slow
@pytest.mark.parametrize("place", ["front", "end"])
def test_five_megabytes_end_within_the_allowed_work(place: str) -> None:
    whole = "".join(FUNCTION.format(n=n) for n in range(80_000))
    assert len(whole) > 5_000_000
    text = "def g(\n" + whole if place == "front" else whole + "x = (\n"
    fault = compile_fault(text)
    assert fault is not None
    limits = Limits()
    work = work_of(lambda: repair(text, fault, limits=limits))
    assert work.texts <= limits.work // LEAST_PER_TEXT + 50


def test_two_keywords_that_are_given_twice_in_one_line_are_both_taken_out() -> None:
    text = "area = field(digits=9, null=True, blank=True, null=True, blank=True)\n"
    fault = compile_fault(text)
    assert fault is not None
    found = repair(text, fault)
    assert found is not None
    assert found.text == "area = field(digits=9, null=True, blank=True)\n"


def test_a_second_way_gets_less_work_where_the_first_came_to_an_end() -> None:
    limits = Limits(work=1000)

    assert limits.beside(settled=False).work == 1000
    assert limits.beside(settled=True).work == 500
    assert limits.beside(settled=True).abreast
