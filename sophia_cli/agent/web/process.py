"""The life of the web API's process: settings, port, serving; what keeps it from serving is told to the agent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from pathlib import Path

from sophia_cli.agent.web.contact import Contact, Word
from sophia_cli.agent.web.words import NOT_INSTALLED, TURNED_OFF
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.project.host.sockets import create_listener, port_of
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
_FIRST_DESCRIPTOR = 3
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0


def run_web(root: Path) -> int:
    """Serve the web API of the project at `root` until the agent wants an end; returns the exit code."""
    inherited = _inherited()
    try:
        return asyncio.run(_live(StateFolder(root), inherited))
    except SophiaError as error:
        log.error("ended: %s", error.message)
        return int(error.exit_code)


async def _live(state: StateFolder, inherited: socket.socket | None) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    contact = Contact(state.path, ended)
    keeping = loop.create_task(contact.keep())
    try:
        listener = await _listener(state, inherited, contact, ended)
        if listener is not None:
            await _serve(state, listener, contact, ended)
    finally:
        ended.set()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    return ExitCode.DONE


async def _serve(state: StateFolder, listener: socket.socket, contact: Contact, ended: asyncio.Event) -> None:
    # The framework is loaded only where there is something to serve.
    try:
        from sophia_cli.agent.web.serving import serve
    except ImportError as error:
        listener.close()
        log.info("the web API is not installed: %s", error)
        await contact.say(Word(note=NOT_INSTALLED))
        return
    await serve(state, listener, contact, ended)


async def _listener(
    state: StateFolder, inherited: socket.socket | None, contact: Contact, ended: asyncio.Event
) -> socket.socket | None:
    """Return the listener; waits until there can be one, None when there is to be none."""
    wait_s = _FIRST_WAIT_S
    while not ended.is_set():
        try:
            settings = load_settings(state.root).agent
            if not settings.web:
                await contact.say(Word(note=TURNED_OFF))
                return None
            if inherited is not None and port_of(inherited) == settings.web_port:
                return inherited
            listener = create_listener(HOST, settings.web_port)
            if inherited is not None:
                inherited.close()
            return listener
        except SophiaError as error:
            hint = f"; {error.hint}" if error.hint else ""
            await contact.say(Word(note=f"{error.message}{hint}"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await ended.wait()
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
    return None


def _inherited() -> socket.socket | None:
    """Return the listener that the agent passes on, None when it passes none."""
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    listener = socket.socket(fileno=_FIRST_DESCRIPTOR)
    listener.setblocking(False)
    os.set_inheritable(_FIRST_DESCRIPTOR, False)
    return listener
