"""The user's own check command: run it with a time limit, keep the end of what it says."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.sessions import end_session

_TAIL_BYTES = 4000
_TAIL_LINES = 20
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One run of the check: whether it passed, the last lines of its output, whether it was stopped for its time."""

    passed: bool
    output: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class UserCheck:
    """A command to run in the project root, without a shell. `environment` is what it inherits."""

    command: str
    arguments: tuple[str, ...]
    root: Path
    timeout_s: float
    environment: Mapping[str, str]

    def run(self) -> CheckRun:
        """Run the command once; it passes when it exits with 0 within the time limit.

        Raises UsageError (`check-not-found`) when the program cannot be started. Ctrl-C ends the command as well.
        """
        # Python may not trust bytecode by size and second: versions of a file follow faster than that.
        environment = {**self.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        with TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    self.arguments,
                    cwd=self.root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise UsageError(
                    "check-not-found",
                    f"the check `{self.command}` cannot be started: {error.strerror or error}",
                    hint="`--verify` runs a program without a shell; for a pipeline say `--verify \"sh -c '...'\"`",
                ) from error
            try:
                code = process.wait(self.timeout_s)
                note = "" if code == 0 else f"[exit code {code}]"
            except subprocess.TimeoutExpired:
                code, note = None, f"[stopped after {self.timeout_s:g} s]"
            finally:
                end_session(process, _GRACE_S)
            text = _tail(output.fileno())
        return CheckRun(code == 0, "\n".join(part for part in (text, note) if part), stopped=code is None)


def user_check(command: str, root: Path, timeout_s: float, environment: Mapping[str, str]) -> UserCheck:
    """Return the check for a command line; UsageError (`check-invalid`) when it cannot be split into words."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(
            "check-invalid",
            f"`--verify {command}` cannot be read: {str(error).lower()}",
            hint="write the command as in a shell, its quotation marks in pairs",
        ) from error
    if not words:
        raise UsageError(
            "check-invalid", "`--verify` needs a command", hint='say for example `--verify "python -m pytest -q"`'
        )
    return UserCheck(command, tuple(words), root, timeout_s, environment)


def _tail(file: int) -> str:
    size = os.fstat(file).st_size
    data = os.pread(file, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    lines = data.decode("utf-8", "replace").splitlines()
    if size > _TAIL_BYTES and len(lines) > 1:
        lines = lines[1:]
    return "\n".join(lines[-_TAIL_LINES:])
