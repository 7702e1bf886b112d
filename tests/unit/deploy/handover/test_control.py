"""What is said to a launcher and how its answers are read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sophia_cli.deploy.handover import recipe
from sophia_cli.deploy.handover.control import (
    ControlError,
    InstanceState,
    LaunchExit,
    Verb,
    parse_answer,
    request_line,
)


def test_a_request_is_one_line() -> None:
    assert request_line(Verb.STATUS) == b'{"do": "status"}\n'
    assert request_line(Verb.DRAIN, 3.5) == b'{"do": "drain", "deadline_s": 3.5}\n'


def test_an_answer_is_a_state() -> None:
    line = b'{"ok": true, "started": true, "attached": false, "draining": true, "connections": 2}\n'
    assert parse_answer(line) == InstanceState(True, False, True, 2)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b'{"ok": true}',
        b'{"ok": false, "error": "no", "started": true, "attached": false, "draining": true, "connections": 2}',
    ],
)
def test_a_refusal_and_what_is_no_answer_are_errors(line: bytes) -> None:
    with pytest.raises(ControlError):
        parse_answer(line)


def test_the_exit_codes_are_those_of_the_launcher() -> None:
    tree = ast.parse((Path(recipe.LAUNCHER).with_name("launcher") / "specification.py").read_text())
    codes = {
        target.id.removeprefix("EXIT_"): node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.startswith("EXIT_")
    }
    assert codes == {code.name: code.value for code in LaunchExit if code is not LaunchExit.DRAINED}


def test_the_launcher_and_the_shim_read_by_an_old_interpreter() -> None:
    start = Path(recipe.LAUNCHER)
    parts = start.with_name("launcher").glob("*.py")
    for path in (start, *parts, Path(recipe.PYTHON_SHIM) / "sitecustomize.py"):
        ast.parse(path.read_text(), feature_version=(3, 8))
