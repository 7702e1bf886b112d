"""The nearest known word to one that is not known."""

from __future__ import annotations

from sophia_cli.core.nearest import did_you_mean, nearest


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("SACN", ("fix", "Scan", "undo")) == "Scan"


def test_a_word_that_is_near_to_none_gets_the_other_words() -> None:
    assert nearest("xyz", ("scan", "fix")) is None
    assert did_you_mean("xyz", ("scan", "fix"), "known: scan, fix") == "known: scan, fix"
    assert did_you_mean("scam", ("scan", "fix"), "known: scan, fix") == "did you mean `scan`?"
