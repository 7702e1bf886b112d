"""The data classes of the core behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.core import values


@values.dataclass(frozen=True, slots=True, order=True)
class Point:
    """A frozen value with slots, as nearly all are."""

    across: int
    down: int = 0
    tags: list[str] = values.field(default_factory=list, compare=False, repr=False)
    unit: ClassVar[str] = "px"

    @property
    def sum(self) -> int:
        return self.across + self.down


@values.dataclass(frozen=True, slots=True)
class Named(Point):
    """One that inherits fields."""

    name: str = ""

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ValueError(self.name)


@values.dataclass(slots=True)
class Counter:
    """One that can be changed."""

    seen: dict[str, int] = values.field(default_factory=dict)
    count: int = 0


@values.dataclass(slots=True, eq=False)
class Node:
    """One that is only equal to itself, and may stand in a circle."""

    next: Node | None = None


@values.dataclass(frozen=True)
class Open:
    """One without slots."""

    value: int
    ratio: float = values.field(default=0.5)


def standard(**options: bool) -> type[Any]:
    """The same as Point, made by the standard library."""

    @dataclasses.dataclass(frozen=True, slots=True, order=True)
    class Point:
        across: int
        down: int = 0
        tags: list[str] = dataclasses.field(default_factory=list, compare=False, repr=False)

    return Point


STANDARD = standard()
numbers = st.integers(-3, 3)


@given(numbers, numbers, numbers, numbers)
def test_comparing_hashing_and_showing_are_as_in_the_standard_library(a: int, b: int, c: int, d: int) -> None:
    ours, theirs = (Point(a, b), Point(c, d)), (STANDARD(a, b), STANDARD(c, d))
    operators: list[Callable[[Any, Any], bool]] = [
        lambda x, y: x == y,
        lambda x, y: x != y,
        lambda x, y: x < y,
        lambda x, y: x <= y,
        lambda x, y: x > y,
        lambda x, y: x >= y,
        lambda x, y: hash(x) == hash(y),
    ]
    assert [compare(*ours) for compare in operators] == [compare(*theirs) for compare in operators]
    assert repr(ours[0]) == repr(theirs[0]).rpartition(".")[2]


def test_defaults_are_made_for_every_instance() -> None:
    first, second = Counter(), Counter()
    first.seen["a"] = 1
    first.count += 1
    assert (second.seen, second.count, Point(1).tags) == ({}, 0, [])
    assert Open(1).ratio == 0.5


def test_what_may_not_be_compared_is_left_out() -> None:
    assert Point(1, 2, ["x"]) == Point(1, 2, [])
    other: object = (1, 2)
    assert Point(1, 2, ["x"]) != other


@pytest.mark.parametrize("made", [Point(1), Named(1, name="a"), Open(1)])
def test_a_frozen_one_cannot_be_changed(made: Any) -> None:
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError, match=name):
        setattr(made, name, 5)
    with pytest.raises(dataclasses.FrozenInstanceError, match=name):
        delattr(made, name)


def test_slots_leave_no_room_for_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Counter().other = 1  # type: ignore[attr-defined]
    assert not hasattr(Point(1), "__dict__")
    assert list(Named.__slots__) == ["name"]


def test_one_that_can_change_has_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Counter())


def test_fields_are_inherited_in_order() -> None:
    made = Named(1, 2, ["x"], "n")
    assert repr(made) == "Named(across=1, down=2, name='n')"
    assert (made.sum, made.unit) == (3, "px")
    assert repr(Named.__match_args__) == "('across', 'down', 'tags', 'name')"
    match made:
        case Named(across, down):
            assert (across, down) == (1, 2)


def test_what_checks_itself_is_asked() -> None:
    with pytest.raises(ValueError, match="bad"):
        Named(1, name="bad")


@pytest.mark.parametrize("made", [Point(1, 2, ["x"]), Named(1, 2, ["x"], "n"), Open(3), Counter({"a": 1}, 2)])
def test_copies_of_every_kind_are_equal(made: Any) -> None:
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), values.replace(made)):
        assert (other, type(other)) == (made, type(made))


@pytest.mark.parametrize("change", [values.replace, dataclasses.replace])
def test_a_copy_can_have_other_values(change: Callable[..., Any]) -> None:
    assert change(Point(1, 2), down=5) == Point(1, 5)
    with pytest.raises(TypeError):
        change(Point(1, 2), up=5)


def test_the_standard_library_knows_its_fields() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [each.name for each in dataclasses.fields(Named)] == ["across", "down", "tags", "name"]
    assert dataclasses.asdict(Counter({"a": 1}, 2)) == {"seen": {"a": 1}, "count": 2}


@pytest.mark.parametrize(("given", "told"), [((), "across"), ((1, 2, [], 4), "positional")])
def test_wrong_arguments_are_named(given: tuple[object, ...], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        Point(*given)  # type: ignore[arg-type]


def test_a_circle_is_shown_once() -> None:
    node = Node()
    node.next = node
    assert repr(node) == "Node(next=...)"
    assert node != Node()
    assert node in {node}


def test_a_default_that_all_would_share_is_refused() -> None:
    with pytest.raises(ValueError, match="default_factory"):

        @values.dataclass(slots=True)
        class Shared:
            names: object = []
