"""Command lines are read the same with Typer and without."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.commands.command_line.invoke import command_line, load
from sophia_cli.commands.command_line.parameters import Argument, Option, option, parameters_of, read
from sophia_cli.main import COMMANDS


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def sample(
    first: Annotated[str, Argument(metavar="FIRST", help="A word.")],
    rest: Annotated[list[Path] | None, Argument(metavar="REST", help="More words.")] = None,
    flag: Annotated[bool, option("--flag", "-f", help="A flag.")] = False,
    colour: Annotated[Colour, option("--colour", help="A choice.")] = Colour.RED,
    word: Annotated[str | None, option("--word", "-w", metavar="WORD", help="A word.")] = None,
    place: Annotated[Path | None, option("--place", help="A path.")] = None,
    several: Annotated[list[str] | None, option("--several", help="Words.")] = None,
) -> int:
    """A command with one parameter of each kind."""
    return 0


def with_typer(words: list[str]) -> Mapping[str, object] | None:
    """Return what Typer makes of the words, None for a mistake or a call for help."""
    seen: list[Mapping[str, object]] = []

    def remember(
        first: object,
        rest: object = None,
        flag: object = False,
        colour: object = Colour.RED,
        word: object = None,
        place: object = None,
        several: object = None,
    ) -> int:
        values = (first, rest, flag, colour, word, place, several)
        seen.append(dict(zip(inspect.signature(sample).parameters, values, strict=True)))
        return 0

    remember.__annotations__ = sample.__annotations__
    remember.__module__ = sample.__module__
    command = command_line("sample", remember)
    try:
        with command.make_context("sample", list(words)) as context:
            command.invoke(context)
    except (typer.TyperException, typer.Exit):
        return None
    return seen[0]


def with_defaults(values: Mapping[str, object]) -> Mapping[str, object]:
    return {name: values.get(name, p.default) for name, p in inspect.signature(sample).parameters.items()}


def plain(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values with every empty collection as None: commands treat the two alike."""
    return {name: value if value not in ((), []) else None for name, value in values.items()}


VALUED = ["--colour", "--colour=blue", "--colour=green", "--word", "-w", "--word=x", "--word=", "-wx", "--place=a/b"]
OTHERS = ["--place", "--several", "--several=a,b", "--flag", "-f", "--flag=1", "--no-flag", "-fw", "one", "two", "-"]
MISTAKES = ["red", "blue", "--", "-h", "--help", "--unknown", "--wor", "-x"]
WORDS = st.sampled_from([*VALUED, *OTHERS, *MISTAKES])


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, max_size=6))
def test_what_is_read_without_typer_is_what_typer_reads(words: list[str]) -> None:
    values = read(parameters_of(sample), words)
    if values is not None:
        told = with_typer(words)
        assert told is not None
        assert plain(with_defaults(values)) == plain(told)


@pytest.mark.parametrize(
    "words",
    [
        ["one"],
        ["one", "two", "three"],
        ["--flag", "one", "--colour", "blue"],
        ["one", "--word=x=y", "--place", "a/b"],
        ["--several", "a", "one", "--several=b,c"],
        ["-f", "-w", "x", "--", "-one", "--two"],
    ],
)
def test_plain_command_lines_need_no_typer(words: list[str]) -> None:
    assert read(parameters_of(sample), words) is not None


@pytest.mark.parametrize(
    "words",
    [[], ["--help"], ["one", "--unknown"], ["one", "--colour", "green"], ["one", "--word"], ["one", "--flag=1"]],
)
def test_mistakes_and_calls_for_help_are_left_to_typer(words: list[str]) -> None:
    assert read(parameters_of(sample), words) is None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_can_be_read_and_explained(command: tuple[str, str, str]) -> None:
    name, target, _ = command
    function = load(target)
    parameters = parameters_of(function)
    # A default that the reader does not know how to make would differ between the two ways.
    assert all(p.kind is bool or p.kind in (str, Path) or issubclass(p.kind, Enum) for p in parameters)
    assert {p.name for p in command_line(name, function).params if p.name != "help"} >= {p.name for p in parameters}


def test_the_help_says_what_a_word_is_and_not_of_which_type() -> None:
    for command in COMMANDS:
        line = command_line(command.name, load(command.target))
        with line.make_context(command.name, [], resilient_parsing=True) as context:
            assert not re.search(r"<(list|str|path)", line.get_help(context)), command.name


def test_every_command_takes_the_options_that_all_have() -> None:
    common = {"--format", "--json", "--output", "--quiet", "-q", "--verbose", "-v", "--yes", "-y"}
    for command in COMMANDS:
        described = [parameter.described for parameter in parameters_of(load(command.target))]
        names = {name for one in described if isinstance(one, Option) for name in one.names}
        assert common <= names, (command.name, common - names)
