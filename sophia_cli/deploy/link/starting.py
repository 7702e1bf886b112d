"""Starting the agent of a project, and waiting until it answers for the services."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError
from sophia_cli.deploy.link.client import AgentLink, connect_agent
from sophia_cli.project.state_folder import StateFolder

READY = b"ready\n"
_START_S = 60.0


def reach_agent(state: StateFolder, meanwhile: Callable[[], None] | None = None) -> AgentLink:
    """Return a connection to the agent of a project, which is started when none runs.

    While it starts, `meanwhile` is run, whose errors go through; the agent stays. Raises what the agent could not start
    for, and UnavailableError (`agent-not-started`) when it says nothing.
    """
    link = connect_agent(state.path)
    if link is not None:
        return link
    state.ensure()
    start_agent(state.root, meanwhile)
    link = connect_agent(state.path)
    if link is None:
        raise _not_started(state.root, "it ended as soon as it had started")
    return link


def start_agent(root: Path, meanwhile: Callable[[], None] | None = None) -> None:
    """Start the agent of a project; returns once it has adopted what runs. Harmless when another one just started.

    It gets no standard streams and no terminal, and lives on when this process ends. `meanwhile` is run as it starts.
    """
    reading, writing = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "sophia_cli.agent", str(root), str(writing)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                pass_fds=(writing,),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        if meanwhile is not None:
            _while_starting(process, meanwhile)
        answer = _answer(reading, root)
    finally:
        os.close(reading)
    if answer == READY:
        # It lives longer than this process, which therefore never waits for it.
        process.returncode = 0
        return
    process.wait()
    raise _told(answer, root)


def _while_starting(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> None:
    try:
        meanwhile()
    except BaseException:
        # The agent is there for the next command; this process does not wait for it.
        process.returncode = 0
        raise


def _answer(reading: int, root: Path) -> bytes:
    """Return what the agent says about its start, all of it."""
    answer = b""
    while not answer.endswith(b"\n"):
        if not select.select([reading], [], [], _START_S)[0]:
            raise _not_started(root, f"it is not ready after {_START_S:g} s")
        part = os.read(reading, 65536)
        if not part:
            break
        answer += part
    return answer


def _told(answer: bytes, root: Path) -> SophiaError:
    try:
        told = json.loads(answer)
        code = ExitCode(told["exit_code"])
        return SophiaError(told["reference"], told["message"], hint=told["hint"], exit_code=code)
    except (ValueError, KeyError, TypeError):
        return _not_started(root, "it ended without saying why")


def _not_started(root: Path, reason: str) -> UnavailableError:
    return UnavailableError(
        "agent-not-started",
        f"the agent of `{root}` did not start: {reason}",
        hint="`.sophia/logs/agent.log` may tell why; `sophia agent run` starts it in the foreground",
        location=str(root),
    )
