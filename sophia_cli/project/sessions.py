"""Child processes in sessions of their own, ended with all that they left running."""

from __future__ import annotations

import os
import signal
import subprocess


def end_session(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a process that leads its session, with what it started; what ignores SIGTERM is killed after `grace_s`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
