"""Scripted flows: steps in the language of declared checks, each of which may use what earlier ones captured."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import Check
from sophia_cli.project.settings.checks import read_check
from sophia_cli.project.settings.reader import Origin, Table

_KEYS = ("name", "steps")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Flow:
    """What a virtual user does, over and over: the steps in their order."""

    name: str
    steps: tuple[Check, ...]

    @property
    def identity(self) -> str:
        """What has to be equal for two runs to be compared; the values of header fields are not in it."""
        return repr([(step.method, step.path, step.json_text, step.body, step.mcp) for step in self.steps])

    @property
    def may_write(self) -> bool:
        """Whether a step may change something in the service."""
        return any(step.mcp is not None or step.method not in ("GET", "HEAD", "OPTIONS") for step in self.steps)


def read_flow(text: str, file: str, environment: Mapping[str, str]) -> Flow:
    """Return the flow that a TOML text holds; UsageError with the line for the first thing that cannot be.

    `${NAME}` in a text of a step stands for a variable of the environment, so that no secret stands in the file.
    """
    try:
        content: dict[str, object] = tomllib.loads(text)
    except ValueError as error:
        raise UsageError("flow-invalid", f"`{file}` is no TOML: {error}", location=f"{file}:1:1") from error
    table = Table(Origin(file, text), (), {key: _filled(value, file, environment) for key, value in content.items()})
    for key in content:
        if key not in _KEYS:
            raise table.mistake((key,), f"a flow knows no `{key}`", "flow-invalid", "it has a `name` and `[[steps]]`")
    steps = tuple(read_check(step) for step in table.tables("steps"))
    if not steps:
        raise UsageError("flow-invalid", f"`{file}` has no `[[steps]]`", hint="docs/bench.md shows a flow")
    names = [step.name for step in steps]
    for name in names:
        if names.count(name) > 1:
            raise UsageError("flow-invalid", f"two steps of `{file}` are called `{name}`", location=f"{file}:1:1")
    return Flow(table.text("name") or "flow", steps)


def _filled(value: object, file: str, environment: Mapping[str, str]) -> object:
    match value:
        case str():
            return _VARIABLE.sub(lambda match: _variable(match[1], file, environment), value)
        case dict():
            return {key: _filled(inner, file, environment) for key, inner in value.items()}
        case list():
            return [_filled(inner, file, environment) for inner in value]
    return value


def _variable(name: str, file: str, environment: Mapping[str, str]) -> str:
    found = environment.get(name)
    if found is None:
        raise UsageError("flow-invalid", f"`{file}` names a variable `{name}` that is not set")
    return found
