"""The agent of one project: brings everything together, takes over what runs, and serves until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from sophia_cli.agent.agent_log import log_to
from sophia_cli.agent.crew import Crew
from sophia_cli.agent.machine import look_at_machine
from sophia_cli.agent.requests.methods import Methods
from sophia_cli.agent.requests.server import Server
from sophia_cli.agent.requests.subscriptions import Subscriptions
from sophia_cli.agent.shortage import ShortageTold
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.web_process import WebProcess
from sophia_cli.core.errors import BusyError
from sophia_cli.deploy.link.address import AGENT_SOCKET, connect, listen
from sophia_cli.project.clock import Clock, SystemClock
from sophia_cli.project.failpoints import AgentFailpoint, failpoint
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.syscalls import become_subreaper
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
_TICK_S = 2.0
_CALM_S = 0.5
_FLOOD_S = 0.05
# Another agent that has the place is about to answer, or about to end.
_PATIENCE_S = 30.0
_LOOK_S = 0.02
_CONNECT_S = 5.0


def run_agent(root: Path, ready: Callable[[], None], *, in_foreground: bool, clock: Clock | None = None) -> int:
    """Run the agent of a project until it is told to end; `ready` is called once it answers for the services.

    Where another agent answers for them already, or does so while this one waits for it to end, there is nothing to
    run: `ready` is called at once. In the foreground nothing is waited for. Raises BusyError (`agent-already-running`)
    and whatever keeps it from starting.
    """
    state = StateFolder(root)
    state.ensure()
    clock = clock or SystemClock()
    with _only_one(state, clock, 0.0 if in_foreground else _PATIENCE_S) as is_here:
        if not is_here:
            ready()
            return 0
        with log_to(state, in_foreground):
            asyncio.run(_serve(state, ready, clock))
    return 0


async def _serve(state: StateFolder, ready: Callable[[], None], clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.set_exception_handler(ShortageTold(clock).handle)
    orphans = become_subreaper()
    if isinstance(orphans, Missing):
        log.warning("orphans are not followed", extra={"reason": orphans.reason})
    with Keeper.open(state, clock) as keeper:
        jitter = random.Random().random  # not a secret
        failpoint(AgentFailpoint.STATE_OPENED)
        crew = Crew(state, keeper, loop, jitter, look_at_machine(os.environ))
        crew.start()
        operation = crew.adopt()
        web = WebProcess(state, loop, crew.reaper, jitter)
        methods = Methods(crew, clock, ended, web.status)
        server = Server(
            {
                **methods.table(),
                "web": web.told,
                "web-settings": web.settle,
                "subscribe": Subscriptions(keeper).subscribe,
            }
        )
        # Before anybody is answered: a web API that an earlier agent left would find out that it is not ours, and end.
        web.begin(lambda: methods.is_busy)
        if operation is not None:
            # It takes the slot before anybody can ask for it, who would write another operation over it.
            methods.resume(operation)
        await server.start(listen(state.path, AGENT_SOCKET))
        log.info("agent runs", extra={"pid": os.getpid(), "project": str(state.root)})
        ready()
        watches = [loop.create_task(_watch(crew)), loop.create_task(_watch_logs(crew))]
        if operation is None:
            crew.start_missing()
        methods.rewire()
        await ended.wait()
        for watch in watches:
            watch.cancel()
        await web.end()
        await server.stop()
        crew.leave()
        with contextlib.suppress(FileNotFoundError):
            (state.path / AGENT_SOCKET).unlink()
    log.info("agent ended", extra={"pid": os.getpid()})


async def _watch(crew: Crew) -> None:
    """Look after what tells nobody when it changes: memory, copies of releases."""
    while True:
        await asyncio.sleep(_TICK_S)
        crew.look_around()


async def _watch_logs(crew: Crew) -> None:
    """Keep logs within their bounds; a flood is looked at often, since it fills the disk between two looks."""
    while True:
        await asyncio.sleep(_FLOOD_S if crew.rotate_logs() else _CALM_S)


@contextlib.contextmanager
def _only_one(state: StateFolder, clock: Clock, patience_s: float) -> Iterator[bool]:
    """Hold the place of the project's agent, or find out that another one answers: then what is yielded is false.

    BusyError when another one has the place and does not answer, for as long as there is patience.
    """
    file = os.open(state.path / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(file, state, clock, patience_s):
            yield False
            return
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
        yield True
    finally:
        os.close(file)


def _taken(file: int, state: StateFolder, clock: Clock, patience_s: float) -> bool:
    give_up = clock.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError as error:
            if clock.monotonic() >= give_up:
                pid = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
                raise BusyError(
                    "agent-already-running",
                    f"an agent of `{state.root}` runs already, pid {pid}",
                    hint="`sophia agent status` shows it",
                    location=str(state.root),
                ) from error
        if _answers(state):
            return False
        clock.pause(_LOOK_S)


def _answers(state: StateFolder) -> bool:
    try:
        connect(state.path, AGENT_SOCKET, _CONNECT_S).close()
    except OSError:
        return False
    return True
