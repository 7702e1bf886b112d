"""Faults of large files are found in pieces: the same as in the whole, without compiling the whole."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.large_text import LARGE, first_fault
from sophia_cli.fixers.syntax.model import SyntaxFault

FUNCTION = 'def function_{n}(a):\n    """Return\n\na list."""\n    return [a, {n}]\n\n\n'
WHOLE = "".join(FUNCTION.format(n=n) for n in range(18_000))

FAULTS = {
    "a colon is missing": "def f()\n    return 1\n",
    "a block is empty": "if a:\n    # nothing\nb = 1\n",
    "an await at the margin": "await a\n",
}


class Counted:
    """Asks the compiler, and remembers how long the longest text was."""

    def __init__(self) -> None:
        self.longest = 0

    def fault(self, text: str) -> SyntaxFault | None:
        self.longest = max(self.longest, len(text))
        return compile_fault(text)


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_of_a_large_text_is_found_without_compiling_much_at_once(name: str) -> None:
    place = WHOLE.index("def function_9000(")
    text = WHOLE[:place] + FAULTS[name] + WHOLE[place:]
    assert len(text) > 1_000_000
    compiler = Counted()
    assert first_fault(text, compiler.fault) == compile_fault(text)
    assert compiler.longest < 200_000


def test_a_bracket_that_is_never_closed_is_found_where_it_opens() -> None:
    place = WHOLE.index("def function_9000(")
    compiler = Counted()
    fault = first_fault(WHOLE[:place] + "a = (\n" + WHOLE[place:], compiler.fault)
    assert fault is not None
    assert abs(fault.line - WHOLE.count("\n", 0, place)) <= 2
    assert compiler.longest < 1_000_000


def test_of_a_text_that_is_only_large_the_whole_is_asked() -> None:
    text = WHOLE[: WHOLE.index("def function_8000(")] + "a = (1]\n"
    assert LARGE < len(text) < 1_000_000
    assert first_fault(text, compile_fault) == compile_fault(text)


def test_a_string_that_is_longer_than_a_piece_is_no_fault() -> None:
    text = 'TEXT = """\n' + "words at the margin\n" * 5_000 + '"""\n' + WHOLE
    assert first_fault(text, compile_fault) is None
