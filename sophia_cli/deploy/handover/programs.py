"""Which program a command starts, and how that program can be given a listening socket."""

from __future__ import annotations

import os.path
import re
from enum import Enum

from sophia_cli.core.errors import UsageError
from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.handover.commands import Line

_SHELL = "/bin/sh"
_PYTHON = late_pattern(r"python(\d+(\.\d+)?)?$")
_VERSIONED = late_pattern(r"python(\d+\.\d+)")
_SCRIPT = late_pattern(r"\.(py|sh|bash|js|mjs|cjs|ts)$")
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
# Programs that read neither PYTHONPATH nor NODE_OPTIONS, nor start one that does.
_FOREIGN = frozenset(
    {"caddy", "cargo", "deno", "docker", "dotnet", "envoy", "go", "haproxy", "java", "mongod", "mysqld", "nginx", "php"}
    | {"podman", "postgres", "puma", "redis-server", "ruby", "traefik"}
)
_SYSTEM = frozenset({"/bin", "/usr/bin", "/usr/local/bin"})
_ENVIRONMENTS = frozenset({".venv", "venv", ".env", "env"})


class Taking(Enum):
    """How a program takes a socket that is open already."""

    OPTION = "option"
    SHIM = "shim"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Taken:
    """The words to start, in which a socket option stands where there is one."""

    argv: tuple[str, ...]
    kind: Taking


@dataclass(frozen=True, slots=True)
class _Server:
    """A server program: options that say where it listens (they go), what takes descriptor 3, what it may not do."""

    places: tuple[str, ...]
    takes: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


_RELOAD = "a release never changes, so there is nothing to reload"
_DAEMON = "a program that leaves its parent cannot be supervised"
_SERVERS = {
    "uvicorn": _Server(("--host", "--port", "--uds", "--fd"), ("--fd", "3"), (("--reload", _RELOAD),)),
    "gunicorn": _Server(
        ("--bind", "-b"), ("--bind", "fd://3"), (("--reload", _RELOAD), ("--daemon", _DAEMON), ("-D", _DAEMON))
    ),
    "hypercorn": _Server(
        ("--bind", "-b"), ("--bind", "fd://3"), (("--reload", _RELOAD), ("--daemon", _DAEMON), ("-D", _DAEMON))
    ),
}


def other_interpreter(line: Line, version: str) -> str | None:
    """Return the interpreter that a command names by its version (`python3.9`) where that is not the project's.

    It is another one on purpose, to be found through PATH. None where the project's `version` is not known.
    """
    name = "" if line.shell else line.words[0]
    named = _VERSIONED.fullmatch(name)
    own = ".".join(version.split(".")[:2])
    return name if named is not None and own and named[1] != own else None


def recognise(service: str, line: Line, python: str, port: int | None, version: str = "") -> Taken:
    """Return the words to start with the project's interpreter, of a `version`, and how they take a socket.

    Raises UsageError (`command-unsupported`) for options under which nothing can be handed over or supervised.
    """
    if line.shell:
        return Taken((_SHELL, "-c", line.words[0]), Taking.SHIM)
    program, arguments = line.words[0], line.words[1:]
    name = os.path.basename(program)
    # Another interpreter, or a server of one, is another environment on purpose when it is named by its full path.
    is_own = _is_of(program, python) and other_interpreter(line, version) is None
    chosen = (python, "-m", name) if is_own else (program,)
    if _PYTHON.fullmatch(name):
        return _of_python(service, chosen[0], arguments, port)
    if name in _SERVERS:
        return _served(service, name, chosen, arguments, port)
    if name == "flask":
        _refuse(service, name, arguments, (("--reload", _RELOAD), ("--debug", _RELOAD)))
        return Taken((*chosen, *arguments), Taking.SHIM)
    if "/" in program and _is_of(program, python):
        return Taken((os.path.join(os.path.dirname(python), name), *arguments), Taking.SHIM)
    if name in _FOREIGN or ("/" in program and not _SCRIPT.search(name) and not _is_in_prefix(program)):
        return Taken(line.words, Taking.NONE)
    return Taken(line.words, Taking.SHIM)


def _is_of(program: str, python: str) -> bool:
    """Tell whether a program is the project environment's: by its bare name, or by a path (no release holds one)."""
    folder = os.path.dirname(program)
    if not folder or folder == os.path.dirname(python):
        return True
    is_named_so = os.path.basename(os.path.dirname(folder)) in _ENVIRONMENTS
    return not program.startswith("/") and os.path.basename(folder) == "bin" and is_named_so


def _is_in_prefix(program: str) -> bool:
    """Tell whether a program is in the folder for programs of a prefix, as those of an environment are."""
    folder = os.path.dirname(program)
    return folder.startswith("/") and os.path.basename(folder) == "bin" and folder not in _SYSTEM


def _of_python(service: str, python: str, arguments: tuple[str, ...], port: int | None) -> Taken:
    flags, rest = _python_flags(arguments)
    if len(rest) >= 2 and rest[0] == "-m" and rest[1] in _SERVERS:
        return _served(service, rest[1], (python, *flags, "-m", rest[1]), rest[2:], port)
    # -E and -I do not read PYTHONPATH, -S does not run a sitecustomize.
    is_isolated = any(set(flag[1:]) & set("EIS") for flag in flags if flag[0] == "-" and flag[1:2] not in "-WX")
    if "manage.py" in {os.path.basename(word) for word in rest[:1]} and rest[1:2] == ("runserver",):
        rest = _runserver(rest, port)
    return Taken((python, *flags, *rest), Taking.NONE if is_isolated else Taking.SHIM)


def _python_flags(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split what is for the interpreter from what it is to run; `-mNAME` and `-um NAME` are spelt out as `-m NAME`."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-") and arguments[place] != "-":
        word = arguments[place]
        if word in _PYTHON_OPTIONS_WITH_VALUE:
            place += 2
            continue
        if word.startswith("--") or word[1] in "WX":
            place += 1
            continue
        run = re.fullmatch(r"-([a-zA-Z]*?)([mc])(.*)", word, re.DOTALL)
        if run:
            before = (f"-{run[1]}",) if run[1] else ()
            value = (run[3],) if run[3] else ()
            return (*arguments[:place], *before), (f"-{run[2]}", *value, *arguments[place + 1 :])
        place += 1
    return arguments[:place], arguments[place:]


def _runserver(rest: tuple[str, ...], port: int | None) -> tuple[str, ...]:
    """Django's own server: without the reloader's second process, on the port that the instance is told."""
    options = [word for word in rest[2:] if word != "--noreload"]
    has_place = any(re.fullmatch(r"(.*:)?\d+", word) for word in options)
    place = [] if has_place or port is None else [str(port)]
    return (*rest[:2], *options, *place, "--noreload")


def _served(service: str, name: str, program: tuple[str, ...], arguments: tuple[str, ...], port: int | None) -> Taken:
    server = _SERVERS[name]
    _refuse(service, name, arguments, server.refused)
    if port is None:
        return Taken((*program, *arguments), Taking.NONE)
    return Taken((*program, *_without(arguments, server.places), *server.takes), Taking.OPTION)


def _refuse(service: str, name: str, arguments: tuple[str, ...], refused: tuple[tuple[str, str], ...]) -> None:
    for option, reason in refused:
        if option in arguments:
            raise UsageError(
                "command-unsupported",
                f"service {service} cannot run `{name} {option}`: {reason}",
                hint=f"leave `{option}` out of `services.{service}.command`",
            )


def _without(arguments: tuple[str, ...], options: tuple[str, ...]) -> tuple[str, ...]:
    """Drop options and their values, in the spellings `--bind X`, `--bind=X`, `-b X`, `-bX`."""
    kept: list[str] = []
    skips = False
    for word in arguments:
        if skips:
            skips = False
        elif word in options:
            skips = True
        elif not any(_is_joined(word, option) for option in options):
            kept.append(word)
    return tuple(kept)


def _is_joined(word: str, option: str) -> bool:
    if option.startswith("--"):
        return word.startswith(option + "=")
    return word.startswith(option)
