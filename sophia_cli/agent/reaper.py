"""Waiting for children: every process that ends below the agent is reaped, those it knows are told about."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TypeAlias

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.processes import is_running, open_process

_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: an exit code, a signal, or neither where only its parent could know."""

    code: int | None
    signal: int | None

    def describe(self) -> str:
        """Return it in words: `exit code 3`, `signal SIGKILL`, `ended`."""
        if self.signal is not None:
            known = self.signal in {member.value for member in signal.Signals}
            return f"signal {signal.Signals(self.signal).name if known else self.signal}"
        return "ended" if self.code is None else f"exit code {self.code}"


Told: TypeAlias = Callable[[Ended], None]


class Reaper:
    """Reaps children on SIGCHLD and watches adopted processes, whose parent is somebody else."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._children: dict[int, Told] = {}
        self._watched: dict[ProcessIdentity, Callable[[], object]] = {}

    def start(self) -> None:
        """Begin to reap."""
        self._loop.add_signal_handler(signal.SIGCHLD, self.reap)

    def stop(self) -> None:
        """Reap and watch no more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        for forget in tuple(self._watched.values()):
            forget()

    def child(self, pid: int, told: Told) -> None:
        """Call `told` when a child ends, in a later turn of the loop even when it has ended already."""
        self._children[pid] = told
        self._loop.call_soon(self.reap)

    def adopted(self, identity: ProcessIdentity, told: Told) -> None:
        """Call `told` when a process that is no child ends; at the loop's next turn when it is gone already."""
        pidfd = open_process(identity)
        if pidfd is None:
            self._loop.call_soon(told, Ended(None, None))
        elif isinstance(pidfd, Missing):
            self._look(identity, told)
        else:
            self._watch(identity, pidfd, told)

    def reap(self) -> None:
        """Reap every child that has ended; also the orphans of services, which nobody else waits for."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            told = self._children.pop(pid, None)
            if told is not None:
                told(_ended(status))

    def _watch(self, identity: ProcessIdentity, pidfd: int, told: Told) -> None:
        def forget() -> None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            del self._watched[identity]

        def ended() -> None:
            forget()
            told(Ended(None, None))

        self._watched[identity] = forget
        self._loop.add_reader(pidfd, ended)

    def _look(self, identity: ProcessIdentity, told: Told) -> None:
        """Watch a process where the system has no pidfd: by looking, four times a second."""

        async def look() -> None:
            while is_running(identity):
                await asyncio.sleep(_LOOK_S)
            del self._watched[identity]
            told(Ended(None, None))

        task = self._loop.create_task(look())
        self._watched[identity] = task.cancel


def _ended(status: int) -> Ended:
    if os.WIFSIGNALED(status):
        return Ended(None, os.WTERMSIG(status))
    return Ended(os.WEXITSTATUS(status), None)
