"""What a command line starts: the program behind shells and wrappers, its Python files and its port."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.documents.flags import filled_in, option
from sophia_cli.project.discovery.places import Places, upwards
from sophia_cli.project.discovery.python.values import port_in

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
_SERVERS = frozenset(
    {"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "fastapi", "flask", "celery", "waitress-serve"}
)
_CONFIGS = frozenset({"-c", "--config", "--log-config", "--env-file"})
_FASTAPI = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
_FLASK = ("wsgi.py", "app.py")
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
    inner = option(plain, "--app-dir", "--chdir", "--workdir")
    if inner is not None and posixpath.normpath(posixpath.join(folder, inner)) in places.folders:
        folder = posixpath.normpath(posixpath.join(folder, inner))
    module_next = config_next = False
    for word in rest:
        if word == "-m":
            module_next = True
            continue
        if config_next or word in _CONFIGS:
            config_next = not config_next
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
    server = next((word for word in plain[:4] if word.rpartition("/")[2] in _SERVERS), "").rpartition("/")[2]
    said = [places.said[path] for path in _said_in(server, plain, folder, places)]
    if server == "celery" and not files:
        files += _celery(plain, folder, places)
    elif server == "flask" and not files:
        files += _flask(option(plain, "--app", "-A") or next((s.app for s in said if s.app), ""), folder, places)
    elif server == "fastapi" and not files:
        files += next(([path] for name in _FASTAPI if (path := posixpath.join(folder, name)) in places.files), [])
    elif server == "gunicorn" and not files:
        named = [*(word for word in plain[1:] if _MODULE.fullmatch(word)), *(said_one.app for said_one in said)]
        for module in (name.partition(":")[0] for name in reversed(named) if name):
            files += [] if files else places.modules(module, folder)[:1]
    port = _port(plain) or next((one.port for one in said if one.port), None)
    return Started(program, tuple(plain), tuple(dict.fromkeys(files)), app, port, not ends)


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
        value = filled_in(value)
        return port_in(value if ":" in value else f":{value}")
    return None


def _celery(words: Sequence[str], folder: str, places: Places) -> list[str]:
    dotted = option(words, "-A", "--app")
    if not dotted:
        return []
    module = dotted.partition(":")[0]
    found = places.modules(f"{module}.celery", folder) if module.isidentifier() else ()
    found = found or places.modules(module, folder) or places.modules(dotted.rpartition(".")[0], folder)
    return list(found)[:1]


def _flask(app: str, folder: str, places: Places) -> list[str]:
    """Return the file of an application as Flask names it: `shop`, `shop:create`, `shop/web.py`; else the usual one."""
    module = app.partition(":")[0]
    if module.endswith(".py") or "/" in module:
        script = places.script(module, folder)
        return [script] if script else []
    if module:
        return list(places.modules(module, folder))[:1]
    return next(([path] for name in _FLASK if (path := posixpath.join(folder, name)) in places.files), [])


def _said_in(server: str, words: Sequence[str], folder: str, places: Places) -> list[str]:
    """Return the files whose words a server reads: the one that it is given, else the one of its usual name.

    What it is given may be a path of an image, so its name is enough. The usual one stands in the folder, above it, or
    below it when there is no other.
    """
    given = ""
    if server == "flask":
        names = [".flaskenv", ".env"]
    elif server in ("gunicorn", "hypercorn"):
        given = (option(words, "-c", "--config") or "").removeprefix("python:").removeprefix("file:")
        names = [given or "gunicorn.conf.py"]
    else:
        return []
    found = (posixpath.normpath(posixpath.join(place, name.lstrip("/"))) for name in names for place in upwards(folder))
    below = f"{folder}/" if folder and not given else ""
    tails = [
        path
        for name in names
        for path in places.said
        if path.rpartition("/")[2] == name.rpartition("/")[2] and path.startswith(below)
    ]
    if not given and len(tails) > 1:
        tails = []
    return [path for path in dict.fromkeys((*found, *tails)) if path in places.said]
