"""Talking to the launcher inside an instance: what goes wrong is an error that a person can be told."""

from __future__ import annotations

from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.handover.control import ControlError, InstanceState, LaunchExit, Verb, ask

_EXITS = {
    LaunchExit.SPECIFICATION: "its launcher was called in a way that it does not understand",
    LaunchExit.NO_SERVER: "uvicorn is not installed where the service runs",
    LaunchExit.NO_MODULE: "a module is missing",
    LaunchExit.IMPORT_FAILED: "its module raises while it is imported",
    LaunchExit.NO_ATTRIBUTE: "its module has no such app",
    LaunchExit.NOT_CALLABLE: "what `app` names is no app",
    LaunchExit.STARTUP_FAILED: "the startup of the app failed",
}


async def ask_launcher(folder: Path, name: str, verb: Verb) -> InstanceState:
    """Ask the launcher of an instance and return its state; SophiaError (`instance-not-reached`) when it says no."""
    try:
        return await ask(folder, name, verb)
    except ControlError as error:
        message = f"instance `{name}` does not do `{verb.value}`: {error}"
        raise SophiaError("instance-not-reached", message) from error


def launcher_exit(code: int) -> str | None:
    """Return what an exit code of the launcher means, None for any other."""
    return next((meaning for exit_, meaning in _EXITS.items() if exit_ == code), None)
