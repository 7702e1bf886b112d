"""What history says of parameters that are gone."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from sophia_cli.project.calls.past import Fate, fate_of
from sophia_cli.project.calls.wrong import Definition
from sophia_cli.project.code.extract_calls import calls_of

CLIENT = Definition("client.py", "Client", "__init__")
CONNECT = Definition("client.py", "", "connect")


@dataclass(frozen=True, slots=True)
class Version:
    commit: str
    text: str


def fate(parameter: str, definition: Definition, today: str, *earlier: str) -> Fate | None:
    versions = [Version(f"c{index}", text) for index, text in enumerate(earlier)]
    return fate_of(parameter, definition, calls_of(ast.parse(today), today), versions)


def test_the_only_one_that_came_took_the_place_of_the_only_one_that_went() -> None:
    assert fate("b", CONNECT, "def connect(a, c): ...", "def connect(a, b): ...") == Fate("c0", "c")


def test_a_parameter_that_nothing_replaced_was_dropped() -> None:
    assert fate("b", CONNECT, "def connect(a): ...", "def connect(a, b): ...") == Fate("c0", None)


def test_the_one_between_the_same_neighbours_took_the_place() -> None:
    found = fate("b", CONNECT, "def connect(a, x, d, y): ...", "def connect(a, b, d): ...")
    assert found == Fate("c0", "x")


def test_several_that_came_and_went_at_once_tell_nothing() -> None:
    assert fate("a", CONNECT, "def connect(x, y): ...", "def connect(a, b): ...") is None


def test_names_are_followed_over_several_commits() -> None:
    found = fate("a", CONNECT, "def connect(c): ...", "def connect(b): ...", "def connect(a): ...")
    assert found == Fate("c1", "c")
    dropped = fate("a", CONNECT, "def connect(): ...", "def connect(b): ...", "def connect(a): ...")
    assert dropped == Fate("c0", None)


def test_a_name_that_never_was_has_no_fate() -> None:
    assert fate("z", CONNECT, "def connect(a): ...", "def connect(b): ...") is None


def test_fields_of_a_dataclass_count_as_its_parameters() -> None:
    head = "from dataclasses import dataclass\n@dataclass\nclass Client:\n    host: str\n"
    assert fate("port", CLIENT, head + "    place: int\n", head + "    port: int\n") == Fate("c0", "place")


def test_a_constructor_is_read_from_its_class() -> None:
    today = "class Other:\n    def __init__(self, b): ...\nclass Client:\n    def __init__(self, c): ...\n"
    assert fate("b", CLIENT, today, today.replace("self, c", "self, b")) == Fate("c0", "c")


def test_versions_that_do_not_compile_or_lack_the_callable_tell_nothing() -> None:
    assert fate("b", CONNECT, "def connect(a): ...", "def connect(a, b: ...") is None
    assert fate("b", CONNECT, "def connect(a): ...", "connect = make()") is None
    assert fate("b", CONNECT, "connect = make()", "def connect(b): ...") is None
