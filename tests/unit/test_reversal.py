"""Taking changes back until a text compiles: as few as possible, the rest of the later work kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.reversal import ReversedHunk, reversals

GOOD = '''def total(prices):
    net = sum(
        prices,
    )
    return net


def mean(prices):
    """Return the mean."""
    try:
        return total(prices) / len(prices)
    except ZeroDivisionError:
        return 0
'''


def test_a_deleted_line_comes_back_and_other_changes_stay() -> None:
    broken = GOOD.replace("    )\n", "").replace("Return the mean.", "Say the mean.") + "\nEXTRA = 1\n"
    best = reversals(GOOD, broken, compile_fault)[0]
    assert best.text == GOOD.replace("Return the mean.", "Say the mean.") + "\nEXTRA = 1\n"
    assert best.hunks == (ReversedHunk(3, 3, ("    )",)),)
    assert (best.restored, best.dropped, best.changed, best.is_minimal) == (1, 0, 0, True)


def test_an_inserted_line_is_dropped() -> None:
    broken = GOOD.replace("    try:\n", "    try:\nfrom a import b\n")
    best = reversals(GOOD, broken, compile_fault)[0]
    assert (best.text, best.dropped, best.restored) == (GOOD, 1, 0)


def test_a_commented_line_returns_to_what_it_was() -> None:
    broken = GOOD.replace("    net = sum(", "    # net = sum(")
    best = reversals(GOOD, broken, compile_fault)[0]
    assert (best.text, best.changed) == (GOOD, 1)


def test_several_damages_are_all_taken_back_and_nothing_else() -> None:
    broken = GOOD.replace("    )\n", "").replace("    except ZeroDivisionError:\n", "").replace("/ len", "// len")
    best = reversals(GOOD, broken, compile_fault)[0]
    assert best.text == GOOD.replace("/ len", "// len")
    assert len(best.hunks) == 2


def test_part_of_a_difference_is_offered_beside_the_whole() -> None:
    broken = GOOD.replace("        prices,\n    )\n", "        abs(p) for p in prices\n")
    texts = [reversal.text for reversal in reversals(GOOD, broken, compile_fault)]
    assert GOOD.replace("        prices,\n", "        abs(p) for p in prices\n") in texts
    assert GOOD in texts


def test_the_breaking_commit_is_tried_before_later_changes() -> None:
    first_broken = GOOD.replace("    )\n", "")
    broken = first_broken.replace("        prices,\n", "        prices\n").replace(
        "    return net", "    return net + 0"
    )
    best = reversals(GOOD, broken, compile_fault, first_broken=first_broken)[0]
    assert best.text == broken.replace("prices\n    return", "prices\n    )\n    return")


def test_a_good_version_that_does_not_compile_gives_nothing() -> None:
    assert reversals("def f(:\n", "def f(::\n", compile_fault) == ()


def test_a_text_that_compiles_needs_no_reversal() -> None:
    assert reversals(GOOD, GOOD + "x = 1\n", compile_fault) == ()


def test_equal_texts_give_nothing() -> None:
    assert reversals("def f(:\n", "def f(:\n", compile_fault) == ()


def test_the_limit_on_checks_is_kept() -> None:
    calls = 0

    def counting(text: str) -> SyntaxFault | None:
        nonlocal calls
        calls += 1
        return compile_fault(text)

    lines = GOOD.split("\n")
    broken = "\n".join(line + " (" if index % 2 and line.strip() else line for index, line in enumerate(lines))
    reversals(GOOD, broken, counting, limit=7)
    assert calls <= 7


def test_a_last_line_without_newline_survives() -> None:
    broken = GOOD.replace("    )\n", "").rstrip("\n")
    best = reversals(GOOD, broken, compile_fault)[0]
    assert best.text == GOOD.rstrip("\n")


@settings(max_examples=60, deadline=None)
@given(
    deleted=st.sets(st.integers(0, 12), max_size=4),
    inserted=st.dictionaries(
        st.integers(0, 12), st.sampled_from(["x = (", "from a import b", "# note", ")"]), max_size=3
    ),
)
def test_every_reversal_compiles_and_each_of_its_hunks_is_needed(deleted: set[int], inserted: dict[int, str]) -> None:
    lines: list[str] = []
    for index, line in enumerate(GOOD.split("\n")):
        lines += [inserted[index]] if index in inserted else []
        lines += [] if index in deleted else [line]
    broken = "\n".join(lines)
    found = reversals(GOOD, broken, compile_fault)
    assert bool(found) == (compile_fault(broken) is not None)
    for reversal in found:
        assert compile_fault(reversal.text) is None
        assert apply(broken, reversal.hunks) == reversal.text
        for index in range(len(reversal.hunks)):
            rest = reversal.hunks[:index] + reversal.hunks[index + 1 :]
            if len(reversal.hunks) > 1 and reversal.is_minimal:
                assert compile_fault(apply(broken, rest)) is not None


def apply(text: str, hunks: tuple[ReversedHunk, ...]) -> str:
    lines = text.split("\n")
    for hunk in reversed(hunks):
        lines[hunk.start : hunk.end] = hunk.replacement
    return "\n".join(lines)
