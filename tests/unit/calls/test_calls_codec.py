"""Calls on their way into a cache and back."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import sophia_cli
from sophia_cli.project.code.calls import CallSurface
from sophia_cli.project.code.calls_codec import calls_from_values, calls_to_values
from sophia_cli.project.code.extract_calls import calls_of

RICH = """
from dataclasses import dataclass, field
from .other import *
from typing import Any, ClassVar

@dataclass(kw_only=True, **OPTIONS)
class One(Base, metaclass=Meta):
    a: int = field(init=False, default=1)
    b: ClassVar[int]
    @property
    def c(self): return Two(self)
    async def d(self, x, /, y=1, *rest, z, **options) -> "Two": ...

class Two:
    def __init__(self, one: One | None): self.one = one
    def run(self, other: Any):
        two = Two(None) if other else One()
        two.d(1, *other, z=2, **other)
        other.name = 1
        with One() as one: one.d()
"""


def surface(text: str) -> CallSurface:
    return calls_of(ast.parse(text), text)


def through_json(found: CallSurface) -> CallSurface:
    return calls_from_values(json.loads(json.dumps(calls_to_values(found))))


def test_every_kind_of_fact_survives() -> None:
    found = surface(RICH)
    assert found.functions
    assert found.classes
    assert found.locals
    assert found.stars
    assert found.replaced
    assert found.calls
    assert through_json(found) == found


def test_what_real_files_say_survives() -> None:
    for path in Path(sophia_cli.__file__).parent.rglob("*.py"):
        found = surface(path.read_text("utf-8"))
        assert through_json(found) == found, path


def test_an_empty_surface_is_an_empty_list() -> None:
    assert calls_to_values(CallSurface()) == []
    assert calls_from_values([]) == CallSurface()


@pytest.mark.parametrize(
    "values", [[1], [[], [], []], [[["f"]], [], [], [], [], [], []], [[], [], [], [], [], [], [["f"]]]]
)
def test_values_that_it_never_makes_are_refused(values: list[object]) -> None:
    with pytest.raises((ValueError, TypeError, IndexError)):
        calls_from_values(values)  # type: ignore[arg-type]  # on purpose
