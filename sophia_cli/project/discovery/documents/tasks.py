"""Tasks for people: targets of Makefiles and justfiles; shell scripts; scripts of poe, pdm, taskipy, rye and hatch.

Most start what other files say better, or do something once. They are taken for what nothing else tells: a port, and a
program that goes on and has no telling name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.documents.command_line import Started, split_words, started_by
from sophia_cli.project.discovery.places import Places

_MAKEFILES = frozenset({"Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile"})
_TARGET = re.compile(r"@?([A-Za-z_][\w-]*)[^:=\n]*:(?!=)")
_TABLES = (
    ("tool", "poe", "tasks"),
    ("tool", "pdm", "scripts"),
    ("tool", "taskipy", "tasks"),
    ("tool", "rye", "scripts"),
    ("tool", "hatch", "envs", "default", "scripts"),
)
_STARTING = re.compile(
    r"\s*(?:exec\s+|nohup\s+|poetry run\s+|uv run\s+)*(?:python[\d.]*|uvicorn|gunicorn|hypercorn|flask|fastapi)\s"
)
_KEYS = ("cmd", "shell", "script")


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a file: its name, the line that holds its command, and what that starts."""

    path: str
    line: int
    name: str
    text: str
    folder: str
    started: Started


def is_task_file(path: str) -> bool:
    """Whether a file holds tasks by its name."""
    name = path.rpartition("/")[2]
    return name in _MAKEFILES or name == "pyproject.toml" or name.endswith((".mk", ".sh"))


def tasks(path: str, text: str, places: Places) -> Iterator[Task]:
    """Yield the tasks of a file that start files of the project; nothing for a file that cannot be read."""
    folder = path.rpartition("/")[0]
    if path.endswith(".sh"):
        commands = _from_script(path, text)
    else:
        commands = _from_toml(text) if path.endswith(".toml") else _from_targets(text)
    lines = text.split("\n")
    for name, line, command in commands:
        started = started_by(split_words(command), folder, places)
        if started.files and started.is_endless and started.is_python:
            yield Task(path, line, name, lines[line - 1].strip(), folder, started)


def _from_script(path: str, text: str) -> Iterator[tuple[str, int, str]]:
    name = path.rpartition("/")[2].removesuffix(".sh")
    for number, line in enumerate(text.split("\n"), 1):
        if _STARTING.match(line):
            yield name, number, line.strip().rstrip("&\\ ")


def _from_targets(text: str) -> Iterator[tuple[str, int, str]]:
    name = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in ("\t", " ") and line.strip():
            if name:
                yield name, number, line.strip().lstrip("@-")
            continue
        match = _TARGET.match(line)
        if match:
            name = match.group(1)


def _from_toml(text: str) -> Iterator[tuple[str, int, str]]:
    try:
        content: Mapping[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    for way in _TABLES:
        table: object = content
        for key in way:
            table = table.get(key) if isinstance(table, dict) else None
        for name, given in table.items() if isinstance(table, dict) else ():
            commands = [given.get(key) for key in _KEYS] if isinstance(given, dict) else [given]
            command = next((one for one in commands if isinstance(one, str)), None)
            if command:
                yield str(name), _line_of(str(name), command, text), command


def _line_of(name: str, command: str, text: str) -> int:
    place = text.find(command.strip())
    if place < 0:
        match = re.search(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*=", text, re.MULTILINE)
        place = match.end() if match else 0
    return text.count("\n", 0, place) + 1
