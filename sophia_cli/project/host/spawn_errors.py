"""Why a process could not be started, in words that lead to what has to be changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from sophia_cli.core.errors import ExitCode, SophiaError

# What a machine is short of for a while.
SHORTAGES = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT, errno.ENOBUFS)
)


class SpawnStep(Enum):
    """The steps of a start, in their order."""

    FORK = "make a process"
    SIGNALS = "reset its signals"
    SESSION = "make its session"
    GROUP = "enter its control group"
    DESCRIPTORS = "arrange its descriptors"
    LIMITS = "set its limits"
    FOLDER = "enter its folder"
    PROGRAM = "run its program"
    TIME = "run its program in time"
    NAME = "learn who it is"


class SpawnFailed(SophiaError):
    """A process could not be started: at which `step`, with which error `number` of the system (0: none)."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, reference: str, message: str, hint: str, step: SpawnStep, number: int) -> None:
        super().__init__(reference, message, hint=hint)
        self.step = step
        self.number = number


def find_program(name: str, cwd: Path, path: str) -> Path | None:
    """Return the file that a command name leads to: as a path below `cwd`, or through the folders of `path`."""
    if "/" in name:
        candidate = cwd / name
        return candidate if os.path.exists(candidate) else None
    for folder in path.split(os.pathsep):
        candidate = cwd / folder / name
        # A folder that this user may not look into holds nothing for it.
        if os.path.isfile(candidate):
            return candidate
    return None


def spawn_failed(argv: tuple[str, ...], cwd: Path, env: Mapping[str, str], step: SpawnStep, number: int) -> SpawnFailed:
    """Return the error for a start that failed at a step with an error number (0: none) of the system."""
    if not argv or (step is SpawnStep.PROGRAM and number == 0):
        hint = "mend `command` in the settings"
        return SpawnFailed("command-invalid", "the command is empty or holds a zero byte", hint, step, number)
    if step is SpawnStep.FOLDER:
        reason = {errno.ENOENT: "does not exist", errno.ENOTDIR: "is no folder"}.get(number, os.strerror(number))
        hint = "mend `cwd` in the settings"
        return SpawnFailed("folder-unusable", f"the folder `{cwd}` {reason}", hint, step, number)
    if step is SpawnStep.PROGRAM:
        return _program_failed(argv[0], find_program(argv[0], cwd, env.get("PATH", os.defpath)), number)
    reason = os.strerror(number) if number else "it takes too long"
    hint = "the system is short of processes, descriptors or memory, or refuses them; see `sophia doctor`"
    return SpawnFailed("spawn-failed", f"cannot start `{argv[0]}`: {step.value}: {reason}", hint, step, number)


def _program_failed(name: str, found: Path | None, number: int) -> SpawnFailed:
    step = SpawnStep.PROGRAM
    if number == errno.ENOENT and found is not None:
        message = f"`{found}` asks for the interpreter `{_interpreter_of(found)}`, which is not there"
        hint = "create the environment again, or name the interpreter in `command`"
        return SpawnFailed("interpreter-not-found", message, hint, step, number)
    # Of a folder of PATH that is closed to this user the system tells rather than of a program that is nowhere.
    is_absent = number == errno.EACCES and found is None and "/" not in name
    if number in (errno.ENOENT, errno.ENOTDIR) or is_absent:
        hint = "install it in the project's environment, or give its path in `command`"
        return SpawnFailed("program-not-found", f"there is no program `{name}`", hint, step, number)
    if number == errno.EACCES:
        hint = "make it executable, or name its interpreter in `command`"
        return SpawnFailed("program-not-executable", f"`{found or name}` may not be executed", hint, step, number)
    if number == errno.ENOEXEC:
        hint = "give it a first line such as `#!/bin/sh`, or name its interpreter in `command`"
        message = f"`{found or name}` is no program of this machine"
        return SpawnFailed("program-not-executable", message, hint, step, number)
    hint = "see whether the program runs from a shell"
    return SpawnFailed("spawn-failed", f"cannot run `{name}`: {os.strerror(number)}", hint, step, number)


def _interpreter_of(script: Path) -> str:
    try:
        with script.open("rb") as file:
            first = file.readline(256)
    except OSError:
        return "?"
    words = first.removeprefix(b"#!").split()
    return words[0].decode("utf-8", "replace") if first.startswith(b"#!") and words else "?"
