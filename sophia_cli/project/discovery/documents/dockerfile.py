"""What the image of a Dockerfile starts: the CMD and ENTRYPOINT of its last stage."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.documents.command_line import Started, program_of, split_words, started_by
from sophia_cli.project.discovery.documents.compose_details import health_path_in
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places

_INSTRUCTION = re.compile(r"\s*(FROM|CMD|ENTRYPOINT|EXPOSE|ENV|COPY|ADD|HEALTHCHECK)\s+(.*)", re.IGNORECASE | re.DOTALL)
_PORT_VARIABLE = re.compile(r"\bPORT[= ]\"?(\d+)")
# Images in which people work, not programs.
_WORKPLACE = re.compile(r"workstation|devcontainer|code-server|code-oss|gitpod|jupyter", re.IGNORECASE)
_FLASK_APP = re.compile(r"\bFLASK_APP[= ]\"?([^\s\"]+)")
_COPIED = re.compile(r"(\S+)\s+(\S*/)?([\w.-]+)\s*$")
_NAMES = re.compile(r"(?:[\w.-]+\.)?(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?", re.IGNORECASE)
_EXEC = re.compile(
    r"^[ \t]*(exec[ \t]+.+|(?:python|uvicorn|gunicorn|hypercorn|celery|node)[\d.]*[ \t].+)", re.MULTILINE
)

Reader = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Instruction:
    line: int
    name: str
    rest: str


def is_dockerfile(path: str) -> bool:
    """Whether a file is a Dockerfile by its name: `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`."""
    name = path.rpartition("/")[2]
    return _NAMES.fullmatch(name) is not None and not name.endswith((".md", ".py", ".j2", ".dockerignore", ".template"))


def dockerfile_entry(path: str, text: str, places: Places, read: Reader) -> Entry | None:
    """Return what an image starts and goes on, None where it starts nothing or something that ends.

    A shell script that it starts is looked into, where the project has it.
    """
    command: _Instruction | None = None
    entrypoint: _Instruction | None = None
    exposed: int | None = None
    copied: dict[str, str] = {}
    is_workplace = False
    probe: str | None = None
    flask: re.Match[str] | None = None
    for instruction in _instructions(text):
        match instruction.name:
            case "FROM":
                command, entrypoint, exposed = None, None, None
                is_workplace = _WORKPLACE.search(instruction.rest) is not None
            case "CMD":
                command = instruction
            case "ENTRYPOINT":
                entrypoint, command = instruction, None
            case "EXPOSE" | "ENV":
                exposed = exposed or _port_of(instruction)
                flask = flask or _FLASK_APP.search(instruction.rest)
            case "HEALTHCHECK":
                probe = health_path_in(instruction.rest) or probe
            case _:
                match_copied = _COPIED.search(instruction.rest)
                if match_copied:
                    copied[match_copied.group(3)] = match_copied.group(1)
    words = [*(_words(entrypoint.rest) if entrypoint else ()), *(_words(command.rest) if command else ())]
    chosen = command if entrypoint is None else entrypoint
    if chosen is None or not words or is_workplace:
        return None
    if entrypoint is not None and command is not None and not program_of(_words(entrypoint.rest)):
        chosen = command
    if flask is not None and "flask" in words:
        words += ["--app", flask.group(1)]
    folder = path.rpartition("/")[0]
    started = _behind_scripts(started_by(words, folder, places), folder, places, read, copied)
    if not started.is_endless:
        return None
    doubt = None if started.files else Doubt.NOT_FOUND if started.is_python else Doubt.NOT_PYTHON
    if doubt is Doubt.NOT_PYTHON and started.program.endswith(".sh"):
        doubt = Doubt.NOT_FOUND
    return Entry(
        path=path,
        line=chosen.line,
        form=Form.DOCKERFILE,
        text=text.split("\n")[chosen.line - 1].strip(),
        framework=started.program,
        words=started.words,
        folder=folder,
        starts=started.files,
        port=started.port or exposed,
        doubt=doubt,
        probe=probe,
    )


def _behind_scripts(started: Started, folder: str, places: Places, read: Reader, copied: dict[str, str]) -> Started:
    """Return what a shell script starts in the end, the script itself where the project does not have it."""
    if not started.program.endswith(".sh"):
        return started
    script = places.script(started.words[0], folder)
    if script is None and started.program in copied:
        script = places.script(copied[started.program], folder)
    text = read(script) if script else None
    commands = _EXEC.findall(text.replace("\\\n", " ")) if text else []
    inner = started
    if commands:
        # `exec "$@"` runs what the image is given.
        is_given = '"$@"' in commands[-1].split() or "$@" in commands[-1].split()
        inner = started_by(started.words[1:] if is_given else split_words(commands[-1]), folder, places)
    return inner if inner.is_endless else started


def _words(rest: str) -> list[str]:
    rest = rest.strip()
    if rest.startswith("["):
        try:
            listed = json.loads(rest)
        except ValueError:
            listed = None
        if isinstance(listed, list):
            return [str(word) for word in listed]
    return split_words(rest)


def _port_of(instruction: _Instruction) -> int | None:
    if instruction.name == "ENV":
        match = _PORT_VARIABLE.search(instruction.rest)
        return int(match.group(1)) if match else None
    number = instruction.rest.split()[0].partition("/")[0] if instruction.rest.split() else ""
    return int(number) if number.isdigit() and 0 < int(number) < 65536 else None


def _instructions(text: str) -> list[_Instruction]:
    lines = text.split("\n")
    found: list[_Instruction] = []
    number = 0
    while number < len(lines):
        first, joined = number + 1, lines[number]
        while joined.rstrip().endswith("\\") and number + 1 < len(lines):
            number += 1
            # Comment lines between continued ones are dropped by the builder.
            addition = "" if lines[number].lstrip().startswith("#") else lines[number]
            joined = joined.rstrip()[:-1] + " " + addition + ("\\" if not addition and number + 1 < len(lines) else "")
        number += 1
        match = _INSTRUCTION.match(joined)
        if match:
            found.append(_Instruction(first, match.group(1).upper(), match.group(2)))
    return found
