"""Facts as values for the cache: what comes back is what went in, and nothing else is taken for facts."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.code.calls import CallSurface
from sophia_cli.project.code.codec import facts_from_values, facts_to_values
from sophia_cli.project.code.facts import (
    Binding,
    Guard,
    ImportedName,
    ImportFact,
    ModuleSurface,
    NameUse,
    PathEdit,
    Place,
    Scope,
)
from sophia_cli.project.code.file_facts import FileFacts, facts_of

NUMBERS = st.integers(1, 2000)
WORDS = st.text("abé.*_", max_size=6)
PLACES = st.builds(Place, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
IMPORTS = st.builds(
    ImportFact,
    *(
        WORDS,
        st.integers(0, 4),
        st.lists(st.builds(ImportedName, WORDS, st.none() | WORDS, PLACES), max_size=3).map(tuple),
    ),
    *(st.none() | WORDS, st.booleans(), PLACES, PLACES, st.sampled_from(Scope), st.sampled_from(Guard)),
    *(st.booleans(), st.booleans(), st.booleans()),
)
SURFACES = st.builds(
    ModuleSurface,
    st.lists(IMPORTS, max_size=3).map(tuple),
    st.lists(st.builds(Binding, WORDS, NUMBERS, st.booleans()), max_size=3).map(tuple),
    st.none() | st.lists(WORDS, max_size=3).map(tuple),
    st.booleans(),
    st.lists(st.builds(PathEdit, st.lists(WORDS, max_size=3).map(tuple), st.booleans(), NUMBERS), max_size=2).map(
        tuple
    ),
    st.lists(st.builds(NameUse, WORDS, NUMBERS), max_size=3).map(tuple),
    st.booleans(),
    st.lists(WORDS, max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(SURFACES, st.booleans(), st.booleans())
def test_facts_come_back_from_the_cache_as_they_were(surface: ModuleSurface, compiles: bool, is_scanned: bool) -> None:
    facts = FileFacts("a/b.py", surface, CallSurface(), compiles, is_scanned)
    assert facts_from_values("a/b.py", json.loads(json.dumps(facts_to_values(facts)))) == facts


def test_facts_of_a_file_come_back_with_its_calls() -> None:
    text = "from shop import Cart\ndef f(a, *, b=1): return Cart(a, b=b)\nf(1)\n"
    facts = facts_of("a.py", text, ast.parse(text))
    assert facts.compiles
    assert facts.surface.imports
    assert facts_from_values("a.py", json.loads(json.dumps(facts_to_values(facts)))) == facts


def test_a_file_without_a_tree_is_read_from_its_text() -> None:
    facts = facts_of("a.py", "import shop\nx = (\n", None)
    assert not facts.compiles
    assert [fact.module for fact in facts.surface.imports] == ["shop"]
    assert facts.calls == CallSurface()


@pytest.mark.parametrize(
    "values", [None, 3, "facts", [], [1, 2], [True, True, [[]], [], None, 0, [], [], [], []], {"a": 1}]
)
def test_values_of_another_shape_are_no_facts(values: object) -> None:
    assert facts_from_values("a.py", values) is None  # type: ignore[arg-type]  # what a damaged cache may hold
