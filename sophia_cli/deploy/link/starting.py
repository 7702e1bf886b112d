"""Starting the agent of a project, and waiting until it answers for the services."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError
from sophia_cli.deploy.link.client import AgentLink, AgentLost, connect_agent
from sophia_cli.project.state_folder import StateFolder

Said = TypeVar("Said")
READY = b"ready\n"
_START_S = 60.0
# An agent may end in the moment in which it is reached: the next one is then.
_TRIES = 3


class Reaching:
    """An agent on its way to this process: it runs, or it has just been started and other work can be done meanwhile.

    It gets no standard streams and no terminal, and lives on when this process ends.
    """

    def __init__(self, state: StateFolder) -> None:
        """Connect to the agent of a project, or start one; raises what `connect_agent` and `StateFolder.ensure` do."""
        self._state = state
        self._link = connect_agent(state.path)
        self._start: _Start | None = None
        if self._link is None:
            state.ensure()
            self._start = _Start(state.root)

    @property
    def is_starting(self) -> bool:
        """Whether an agent was started that has not answered yet, so that nobody holds its slot."""
        return self._start is not None

    def link(self) -> AgentLink:
        """Return a connection once the agent answers for the services; to be called once.

        Raises what the agent could not start for, and UnavailableError (`agent-not-started`) when it says nothing.
        """
        for _ in range(_TRIES):
            if self._link is not None:
                return self._link
            start = self._start or _Start(self._state.root)
            self._start = None
            start.wait()
            self._link = connect_agent(self._state.path)
        if self._link is None:
            raise _not_started(self._state.root, "it ended as soon as it had started")
        return self._link

    def leave(self) -> None:
        """Have no more to do with it; what was started stays, for the next command."""
        if self._link is not None:
            self._link.close()
        if self._start is not None:
            self._start.leave()


def reach_agent(state: StateFolder) -> AgentLink:
    """Return a connection to the agent of a project, which is started when none runs; raises what `Reaching` does."""
    return Reaching(state).link()


def first_answer(reach: Callable[[], AgentLink], ask: Callable[[AgentLink], Said]) -> tuple[AgentLink, Said]:
    """Return a connection and the answer to the first question on it.

    The agent may end between the two, so what is asked must do no harm when it is asked again. Raises what `reach` and
    `ask` raise.
    """
    for tries_left in reversed(range(_TRIES)):
        link = reach()
        try:
            return link, ask(link)
        except AgentLost:
            link.close()
            if not tries_left:
                raise
        except BaseException:
            link.close()
            raise
    raise AssertionError("the last try returns or raises")


class _Start:
    """An agent that was started and has not said yet how that went."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sophia_cli.agent", str(root), str(writing)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                pass_fds=(writing,),
                start_new_session=True,
            )
        except OSError:
            os.close(self._reading)
            raise
        finally:
            os.close(writing)

    def wait(self) -> None:
        """Return once an agent answers for the services, this one or another; raises what it could not start for."""
        try:
            answer = self._answer()
        except BaseException:
            self.leave()
            raise
        if answer == READY:
            self.leave()
            return
        os.close(self._reading)
        self._process.wait()
        raise _told(answer, self._root)

    def leave(self) -> None:
        """Wait no more."""
        os.close(self._reading)
        # It lives longer than this process, which therefore never waits for it.
        self._process.returncode = 0

    def _answer(self) -> bytes:
        """Return what the agent says about its start, all of it."""
        answer = b""
        while not answer.endswith(b"\n"):
            if not select.select([self._reading], [], [], _START_S)[0]:
                raise _not_started(self._root, f"it is not ready after {_START_S:g} s")
            part = os.read(self._reading, 65536)
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
