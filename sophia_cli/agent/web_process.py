"""The web API's process: started, kept running and ended by the agent, which keeps its listener while it restarts.

The agent knows nothing of HTTP. The process reads the settings, opens its port and tells over the agent's socket
(`web`) how it is, again and again: silence for long means that it hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sophia_cli.agent.agent_log import LOG_FOLDER
from sophia_cli.agent.instances.environment import passed_on
from sophia_cli.agent.instances.instance import Asker, Instance, InstanceName, Surroundings, is_over, is_ready
from sophia_cli.agent.instances.log_files import LogFile
from sophia_cli.agent.reaper import Reaper
from sophia_cli.agent.requests.server import Call
from sophia_cli.agent.web.words import TURNED_OFF
from sophia_cli.checks.probe import ProbeResult
from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.core.service_status import Role
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.deploy.supervisor_events import (
    ActOnIncident,
    CloseIncident,
    OpenIncident,
    Probed,
    StartRequested,
    StopRequested,
)
from sophia_cli.deploy.supervisor_model import Policy, Probing, Threshold
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import is_running, send_signal
from sophia_cli.project.host.sockets import port_of, take_listener
from sophia_cli.project.host.spawn import Spawned, SpawnSpec, spawn
from sophia_cli.project.settings.service_model import RestartWhen
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
WEB_HOST = "127.0.0.1"
WEB_LISTENER = 3
_FILE = "web.process"
_LOG = "agent.web.log"
_LARGEST_LOG = 2_000_000
_AFTER_S = 0.5
_LATEST_LOOKS = 20
_LOOK_S = 10.0
_SILENCE_S = 35.0
_END_S = 5.0
# It is never given up; what is wrong is told by `sophia agent status`.
_FOREVER = 1_000_000
_POLICY = Policy(
    when=RestartWhen.ON_FAILURE,
    max_backoff_s=60.0,
    max_restarts=_FOREVER,
    start_timeout_s=60.0,
    stop_timeout_s=3.0,
    startup=Threshold(failures=_FOREVER),
    liveness=Threshold(failures=1),
)


@dataclass(frozen=True, slots=True)
class WebStatus:
    """Where the web API answers (None: nowhere), and why it does not."""

    url: str | None
    note: str | None


class WebProcess:
    """Runs the web API of a project's agent."""

    def __init__(
        self, state: StateFolder, loop: asyncio.AbstractEventLoop, reaper: Reaper, jitter: Callable[[], float]
    ) -> None:
        self._loop = loop
        self._pending: asyncio.TimerHandle | None = None
        self._starter = _Starter(state, loop)
        around = Surroundings(loop, reaper, self._starter, self, jitter, lambda service: ())
        name = InstanceName(f"agent-web-{os.getpid()}", "", 0, 0)
        self._instance = Instance(name, _POLICY, Role.ACTIVE, "web", around, is_public=True)
        self._note: str | None = None

    def begin(self, is_busy: Callable[[], bool]) -> None:
        """Start it, in place of one that an earlier agent left; callers of that one wait for the next.

        Where there was none, services that are being started come first: for a while it waits until nobody `is_busy`.
        """
        if self._starter.replace_left():
            self._instance.send(StartRequested())
        else:
            self._pending = self._loop.call_later(_AFTER_S, self._begin_when_idle, is_busy, _LATEST_LOOKS)

    def _begin_when_idle(self, is_busy: Callable[[], bool], looks: int) -> None:
        self._pending = None
        if looks and is_busy():
            self._pending = self._loop.call_later(_AFTER_S, self._begin_when_idle, is_busy, looks - 1)
        else:
            self._instance.send(StartRequested())

    async def end(self) -> None:
        """End it, and return once it is gone."""
        if self._pending is not None:
            self._pending.cancel()
        self._instance.send(StopRequested())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await self._instance.until(is_over)
        self._instance.forget()
        self._starter.forget()

    def status(self) -> WebStatus:
        """Return where it answers, or why it does not."""
        port = self._starter.port
        if is_ready(self._instance.state) and port is not None:
            return WebStatus(f"http://{WEB_HOST}:{port}", None)
        return WebStatus(None, self._note or self._instance.state.reason or "it is starting")

    async def told(self, call: Call) -> Fields:
        """Answer `web`: its process says at which `port` it serves, or in `note` why it does not.

        UsageError (`web-process-unknown`) for a process that this agent did not start: it is to end itself.
        """
        pid = call.number("pid", 0) if call.session.peer is None else call.session.peer
        identity = self._instance.identity
        if identity is None or identity.pid != pid:
            raise UsageError("web-process-unknown", f"the agent did not start the web API with pid {pid:g}")
        port = call.params.get("port")
        note = call.params.get("note")
        self._note = note if isinstance(note, str) else None
        self._starter.serves(identity, port if isinstance(port, int) and not isinstance(port, bool) else None)
        self._instance.send(Probed(self._instance.state.generation, Probing.STARTUP, True))
        return {}

    async def settle(self, call: Call) -> Fields:
        """Answer `web-settings`: it is to serve at `port` from now on (null: nowhere); tells whether that is a change.

        Returns once the port that it served is free, since a service may be about to take it.
        """
        port = call.params.get("port")
        wanted = port if isinstance(port, int) and not isinstance(port, bool) else None
        served = self._starter.port
        is_off = is_over(self._instance.state) and self._note == TURNED_OFF
        # One that serves nowhere although it is not turned off reads the settings again and again by itself.
        if self._pending is not None or served == wanted or (served is None and not is_off):
            return {"changed": False}
        self._instance.send(StopRequested())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await self._instance.until(is_over)
        self._starter.leave_port()
        self._instance.send(StartRequested())
        return {"changed": True}

    # What the instance tells: see `instance.Record`.

    def instance_changed(self, instance: Instance) -> None:
        """Note that it serves nowhere while no process runs."""
        if instance.identity is None:
            self._starter.port = None

    def incident(self, instance: Instance, action: OpenIncident | ActOnIncident | CloseIncident) -> None:
        """Tell the log; it is no service of the project, so its failures are no incidents of one."""
        log.info("web API", extra={"what": action})


class _Starter:
    """Starts the process and knows it again: see `instance.Starter`. `port` is where it serves."""

    def __init__(self, state: StateFolder, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop
        self._file = state.path / _FILE
        self._log = LogFile(state.path / LOG_FOLDER / _LOG, _LARGEST_LOG, keep=1)
        self._listener: socket.socket | None = None
        self._heard = 0.0
        self.port: int | None = None

    def start(self, instance: Instance) -> Spawned:
        """Start the process with the listener of the one before; SophiaError says why none runs."""
        log_file = self._open_log()
        try:
            spawned = spawn(
                SpawnSpec(
                    argv=(sys.executable, "-P", "-m", "sophia_cli.agent.web", str(self._state.root)),
                    env=_environment(has_listener=self._listener is not None),
                    cwd=Path("/"),
                    log=log_file,
                    descriptors={} if self._listener is None else {WEB_LISTENER: self._listener.fileno()},
                )
            )
        finally:
            os.close(log_file)
        self._heard = self._loop.time()
        self._note_down(spawned.identity, None)
        return spawned

    def prober(self, instance: Instance, probing: Probing) -> Asker:
        """Return what tells whether it has been heard of lately; that it started, it tells itself."""
        return _Ear(self.is_silent, hears=probing is Probing.LIVENESS)

    def stopped(self, instance: Instance) -> bool:
        """Nothing is left of it but the listener, for the next one."""
        return False

    def is_silent(self) -> bool:
        """Whether it has said nothing for too long."""
        return self._loop.time() - self._heard > _SILENCE_S

    def serves(self, identity: ProcessIdentity, port: int | None) -> None:
        """Note that it was heard of, and hold on to its listener."""
        self._heard = self._loop.time()
        with contextlib.suppress(OSError):
            self._log.rotate()
        held = None if self._listener is None else port_of(self._listener)
        if (port, held) in ((self.port, port), (self.port, None)):
            return
        self.port = port
        self._note_down(identity, port)
        if held != port:
            # Nobody is to wait at a port that is served no more.
            self._drop_listener()
            self._take_listener(identity, port)

    def replace_left(self) -> bool:
        """End the process that an earlier agent left, and keep its listener; False when there is none."""
        try:
            words = self._file.read_text("ascii").split()
            identity = ProcessIdentity(int(words[0]), int(words[1]), words[2])
            port = int(words[3])
        except (OSError, ValueError, IndexError):
            return False
        if not is_running(identity):
            return False
        self._take_listener(identity, port or None)
        log.info("web API of an earlier agent ended", extra={"pid": identity.pid})
        with contextlib.suppress(PermissionError):
            send_signal(identity, signal.SIGKILL)
        return True

    def leave_port(self) -> None:
        """Serve no more where it did: whoever calls there is refused, and somebody else can listen."""
        self.port = None
        self._drop_listener()

    def forget(self) -> None:
        """Give everything up: it was ended for good."""
        self._drop_listener()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _take_listener(self, identity: ProcessIdentity, port: int | None) -> None:
        # Where the system hands no descriptors over, callers are refused while it restarts.
        taken = None if port is None else take_listener(identity, WEB_HOST, port)
        self._listener = taken if isinstance(taken, socket.socket) else None

    def _drop_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _open_log(self) -> int:
        try:
            return self._log.open()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SophiaError("log-unwritable", f"the log of the web API cannot be written: {reason}") from error

    def _note_down(self, identity: ProcessIdentity, port: int | None) -> None:
        """Write down who it is; an agent that finds nothing of it is found by the process itself."""
        text = f"{identity.pid} {identity.start_ticks} {identity.boot_id} {port or 0}\n"
        fresh = self._file.with_name(f"{_FILE}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(fresh, flags, 0o600)
            try:
                os.write(file, text.encode("ascii"))
            finally:
                os.close(file)
            os.rename(fresh, self._file)
        except OSError as error:
            log.warning("web API not noted down", extra={"reason": error.strerror or str(error)})


class _Ear:
    """Tells whether the process has been heard of."""

    interval_s = _LOOK_S

    def __init__(self, is_silent: Callable[[], bool], *, hears: bool) -> None:
        self._is_silent = is_silent
        self._hears = hears

    async def run(self) -> ProbeResult:
        """Look once."""
        started = time.perf_counter()
        passed = self._hears and not self._is_silent()
        detail = "heard of" if passed else "not heard of"
        return ProbeResult(passed, detail, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing is kept open."""


def _environment(*, has_listener: bool) -> dict[str, str]:
    """Return the environment of Sophia's own code: that of instances, and where its modules are found."""
    python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    return {**passed_on(os.environ), **python, **({"LISTEN_FDS": "1"} if has_listener else {})}
