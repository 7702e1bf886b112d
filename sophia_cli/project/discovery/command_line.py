"""What a command line starts: the program behind shells and wrappers, its Python files and its port."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sophia_cli.project.discovery.places import Places
from sophia_cli.project.discovery.python_values import port_in

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_WRAPPERS = frozenset(
    {"exec", "tini", "dumb-init", "gosu", "su-exec", "nohup", "time", "nice", "env", "--", "-g", "sudo"}
)
_RUNNERS = frozenset({"poetry", "pipenv", "uv", "pdm", "hatch", "rye", "conda", "newrelic-admin", "ddtrace-run"})
_RUNNER_WORDS = frozenset({"run", "run-program", "--no-dev", "--no-sync", "--frozen", "--no-capture-output"})
_PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)[\d.]*")
_APP = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)(\(\))?")
_MODULE = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
_DEFAULT = re.compile(r"\$\{\w+:?-(\d+)\}")
_SERVERS = frozenset(
    {"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "fastapi", "flask", "celery", "waitress-serve"}
)
_JOINTS = frozenset("&|;()<>")
_ONCE = frozenset(
    {
        "true",
        "false",
        "echo",
        "sleep",
        "tail",
        "cat",
        "ls",
        "terraform",
        "alembic",
        "pytest",
        "tox",
        "make",
        "pip",
        "bash",
    }
    | {"sh", "zsh", "ash", "top", "mkdir", "cp", "npm-install", "apt-get", "gcloud", "mypy", "ruff", "black", "flake8"}
    | {"set", "cd", "export", "source", ".", "wait", "trap", "fi", "done", "if", "for", "chmod", "curl", "alembic"}
)


@dataclass(frozen=True, slots=True)
class Started:
    """What a command starts. `program` is its first word that means something; `is_endless` is false for what does its
    work and ends (a migration, a shell, a help text)."""

    program: str
    words: tuple[str, ...]
    files: tuple[str, ...]
    app: str | None
    port: int | None
    is_endless: bool

    @property
    def is_python(self) -> bool:
        """Whether a Python program is started."""
        return bool(self.files) or self.program in _SERVERS or _PYTHON.fullmatch(self.program) is not None


def started_by(words: Sequence[str], folder: str, places: Places) -> Started:
    """Return what the words of a command start, seen from a folder of the repository."""
    plain = program_of(words)
    if not plain:
        return Started("", tuple(words), (), None, None, False)
    program = plain[0].rpartition("/")[2]
    files: list[str] = []
    app = None
    rest = plain[1:] if _PYTHON.fullmatch(plain[0]) else plain
    module_next = False
    for word in rest:
        if word == "-m":
            module_next = True
            continue
        match = _APP.fullmatch(word)
        if match and not word.startswith("-"):
            app = word
            files += places.modules(match.group(1), folder)
        elif word.endswith(".py"):
            script = places.script(word, folder)
            files += [script] if script else []
        elif module_next and _MODULE.fullmatch(word):
            files += places.modules(word, folder)[:1]
        module_next = False
    module = rest[1] if rest[:1] == ["-m"] and len(rest) > 1 else program
    ends = program in _ONCE or module in _ONCE or set(plain[1:2]) & {"--help", "-h", "--version"}
    if not files:
        files += places.commands.get(program, ())
    if program == "celery" and not files:
        files += _celery(plain, folder, places)
    return Started(program, tuple(plain), tuple(dict.fromkeys(files)), app, _port(plain), not ends)


def split_words(text: str) -> list[str]:
    """Return the words of a line for a shell: those of its last command, where it has several."""
    text = text.replace("\\\n", " ").replace("\n", " ; ")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        words = text.split()
    pieces: list[list[str]] = [[]]
    for word in words:
        if set(word) <= _JOINTS:
            pieces.append([])
        else:
            pieces[-1].append(word)
    # What keeps running stands last, unless a handler for its failure follows (`|| exit 1`).
    telling = [piece for piece in pieces if piece and piece[0] not in ("exit", "echo", "true")]
    return telling[-1] if telling else []


def program_of(given: Sequence[str]) -> list[str]:
    """Return the words from the program on, without shells and wrappers such as `tini --`."""
    words = list(given)
    while words:
        first = words[0].rpartition("/")[2]
        if first in _SHELLS:
            if len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):
                words = split_words(words[2])
                continue
            if len(words) > 1 and not words[1].startswith("-"):
                words = words[1:]
                continue
            return words[:1]
        if (
            first in _WRAPPERS
            or _ASSIGNMENT.fullmatch(words[0])
            or first in _RUNNER_WORDS
            or (first in _RUNNERS and len(words) > 1)
        ):
            words = words[1:]
        else:
            return words
    return words


def _port(words: Sequence[str]) -> int | None:
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name not in ("--port", "-p", "--bind", "-b", "--server.port", "-P"):
            if word.startswith(":") and port_in(word):
                return port_in(word)
            continue
        if not equals:
            value = words[position + 1] if position + 1 < len(words) else ""
        value = _DEFAULT.sub(r"\1", value)
        return port_in(value if ":" in value else f":{value}")
    return None


def _celery(words: Sequence[str], folder: str, places: Places) -> list[str]:
    for position, word in enumerate(words):
        if word in ("-A", "--app") and position + 1 < len(words):
            dotted = words[position + 1]
            found = places.modules(dotted.partition(":")[0], folder)
            return list(found or places.modules(dotted.rpartition(".")[0], folder))[:1] if dotted else []
    return []
