"""Tools as child processes: a time limit, the end of their output, and nothing left running behind them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.sessions import end_session

_MOST_BYTES = 4_000_000
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a tool ended: its exit code, and the last of what it wrote."""

    code: int
    out: str
    err: str


def run_tool(
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit_s: float,
    inherited: tuple[int, ...] = (),
) -> Ended:
    """Run a tool to its end in `folder` and return how it ended; `inherited` are descriptors that stay open in it.

    UnavailableError when it cannot be started (`tool-unusable`) or takes longer than `limit_s` (`tool-too-slow`).
    Whatever it started is ended with it, also when this process is interrupted.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                pass_fds=inherited,
            )
        except OSError as error:
            raise UnavailableError(
                "tool-unusable",
                f"`{words[0]}` cannot be started: {error.strerror or error}",
                hint="make it executable, or make the environment anew",
            ) from error
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(
                "tool-too-slow",
                f"`{Path(words[0]).name} {' '.join(words[1:4])}` was stopped after {limit_s:g} s",
                hint="look at the network and the package index, then run again",
            ) from error
        finally:
            end_session(process, _GRACE_S)
        return Ended(code, _tail(out.fileno()), _tail(err.fileno()))


def _tail(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, _MOST_BYTES, max(0, size - _MOST_BYTES)).decode("utf-8", "replace")
