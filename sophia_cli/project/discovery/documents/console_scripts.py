"""Commands that a package installs, as far as they start servers: `[project.scripts]`, Poetry's, setuptools'."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from sophia_cli.core.values import dataclass

_TARGET = re.compile(r"[\"']?\s*([\w.-]+)\s*=\s*([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_BLOCK = re.compile(r"console_scripts[\"']?\s*[=:]\s*(\[[^\]]*\]|(?:\n[ \t]+\S[^\n]*)+)")


@dataclass(frozen=True, slots=True)
class ConsoleScript:
    """A command's name, and the module and function behind it."""

    name: str
    module: str
    function: str


def console_scripts(path: str, text: str) -> tuple[ConsoleScript, ...]:
    """Return the commands that `pyproject.toml`, `setup.cfg` or `setup.py` declares; none for what cannot be read."""
    if path.endswith("pyproject.toml"):
        return tuple(_from_toml(text))
    return tuple(ConsoleScript(*match.groups()) for block in _BLOCK.findall(text) for match in _TARGET.finditer(block))


def _from_toml(text: str) -> Iterator[ConsoleScript]:
    try:
        content: Mapping[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    for way in (("project", "scripts"), ("tool", "poetry", "scripts"), ("tool", "pdm", "scripts")):
        table: object = content
        for key in way:
            table = table.get(key) if isinstance(table, dict) else None
        for name, target in table.items() if isinstance(table, dict) else ():
            if isinstance(target, str):
                module, _, function = target.partition(":")
                if module and function.isidentifier():
                    yield ConsoleScript(str(name), module, function)
