"""What to do about a service that did not come up, where its last words tell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from sophia_cli.core.deploy_report import DeployReport, ServiceReport, Trouble
from sophia_cli.core.values import replace
from sophia_cli.deploy.missing_modules import distributions_for, explained, missing_module

_VARIABLE = re.compile(r"KeyError: '([A-Z][A-Z0-9_]*)'")
_LOOKED_UP = re.compile(r"os\.environ|getenv|File \"<frozen os>\"|/os\.py\"")
_NO_FILE = re.compile(r"No such file or directory: '([^']+)'")
_IN_RELEASE = re.compile(r".*/\.sophia/releases/[^/]+/\d+/tree/")
_PORT_HELD = re.compile(r"port \d+ of \S+ is held by")
_NO_PYTHON = re.compile(
    r'^ *File "[^"]*/\.sophia/releases/[^/"]+/\d+/tree/([^"]+)", line \d+\n'
    r"(?: (?! *File ).*\n)*(?:SyntaxError|IndentationError|TabError): ",
    re.MULTILINE,
)
_NOBODY_ACCEPTS = "no process of the instance accepts"


def with_hints(report: DeployReport, root: Path, folders: Mapping[str, str]) -> DeployReport:
    """Return the report with a hint in each trouble that tells enough; `folders` are the `cwd`s of services."""
    if all(service.trouble is None for service in report.services):
        return report
    services = tuple(_with_hint(service, root, folders.get(service.name, "")) for service in report.services)
    return replace(report, services=services)


def _with_hint(service: ServiceReport, root: Path, folder: str) -> ServiceReport:
    trouble = service.trouble
    if trouble is None or trouble.hint is not None:
        return service
    return replace(service, trouble=replace(trouble, hint=hint_of(service.name, trouble, root, folder)))


def hint_of(service: str, trouble: Trouble, root: Path, folder: str) -> str | None:
    """Return what a person could do about a trouble, None where nothing tells.

    Looks at most at whether one file of the project is there.
    """
    return _of_cause(service, trouble) or _of_log(service, "\n".join(trouble.log_lines), root, folder)


def _of_cause(service: str, trouble: Trouble) -> str | None:
    table = f"`[services.{service}]`"
    if _PORT_HELD.match(trouble.cause):
        return f'stop it, or set another `port`, or `on_port_conflict = "move"`, in {table}'
    if trouble.cause.startswith("uvicorn is not installed"):
        return f"install uvicorn there, or give {table} a `command` that serves the application"
    if trouble.cause == "it ended with exit code 0":
        return (
            "a service stays in the foreground; a command that does its work and ends, or puts itself into the "
            "background, cannot be kept"
        )
    if trouble.cause.startswith("not ready within") and (trouble.last_probe or "").startswith(_NOBODY_ACCEPTS):
        return (
            "it runs, and listens somewhere else or not at all; where it is to listen stands in the variable `PORT`, "
            f"and is the `port` of {table}"
        )
    return None


def _of_log(service: str, text: str, root: Path, folder: str) -> str | None:
    variables = _VARIABLE.findall(text)
    if variables and _LOOKED_UP.search(text):
        name = variables[-1]
        return f"`{name}` is no variable of this service; name it in `env` or `secrets` of `[services.{service}]`"
    module = missing_module(text.splitlines())
    if module is not None:
        return explained(module, distributions_for(module, {}), {})
    if broken := _NO_PYTHON.search(text):
        command = f"sophia fix --dry-run {shlex.quote(broken[1])}"
        return f"`{broken[1]}` does not compile; `{command}` shows how it can be mended"
    missing = _NO_FILE.findall(text)
    if missing and (path := _left_out(missing[-1], root, folder)) is not None:
        return f"`{path}` is in the project and not in the release, since git ignores it; name it in `persist`"
    return None


def _left_out(path: str, root: Path, folder: str) -> str | None:
    """Return a missing file of a release as a path of the project, None when the project has it no more than that."""
    inside = _IN_RELEASE.sub("", path)
    if inside == path:
        inside = f"{folder}/{path}" if folder not in ("", ".") else path
    if inside.startswith("/") or not (root / inside).exists():
        return None
    return inside
