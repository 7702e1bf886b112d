"""Names for services: what their own files call them, else the telling part of the path; each name once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_cli.project.discovery.model import Entry, Form

_GENERIC = frozenset(
    {
        "main",
        "app",
        "run",
        "server",
        "wsgi",
        "asgi",
        "application",
        "__main__",
        "__init__",
        "init",
        "index",
        "serve",
        "launch",
        "src",
        "core",
    }
    | {
        "manage",
        "start",
        "service",
        "services",
        "apps",
        "packages",
        "backend",
        "code",
        "python",
        "project",
        "lib",
        "init",
    }
)
# These tell something only beside the name of a folder.
_WEAK = frozenset(["api", "web", "worker", "http", "rest", "mcp", "v1", "v2", "docker", "scripts", "deploy", "tools"])
_KINDS = frozenset(["dockerfile", "containerfile", "docker-compose", "compose", "yml", "yaml", "json", "procfile"])
_ORDER = (Form.COMPOSE, Form.CONSOLE_SCRIPT, Form.UNIT, Form.MANIFEST, Form.NODE)
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def has_own_name(entries: Sequence[Entry]) -> bool:
    """Whether a file says what the service is called."""
    return any(
        entry.name and (entry.form in _ORDER or (entry.form is Form.PROCFILE and "/" not in entry.path))
        for entry in entries
    )


def candidates(entries: Sequence[Entry]) -> list[str]:
    """Return names for a service from the best to the last resort; at least one, all fit for the settings file."""
    names = [entry.name for form in _ORDER for entry in entries if entry.form is form and entry.name]
    names += [entry.name for entry in entries if entry.caller is not None or entries[0].form is Form.TASK]
    # A Procfile at the root names the processes of the whole project.
    names += [entry.name for entry in entries if entry.form is Form.PROCFILE and entry.name and "/" not in entry.path]
    folder, _, file = entries[0].path.rpartition("/")
    stem = file.removesuffix(".py") if file.endswith(".py") else names[0] if names else _plain(file)
    parts = [fit for part in (*folder.split("/"), stem) if (fit := _fit(part))]
    telling = [part for part in parts if part not in _GENERIC]
    if len(telling) > 1 and re.split("[-_]", telling[-2])[-1] == telling[-1]:
        telling.pop()
    if telling:
        shortest = 2 if telling[-1] in _WEAK and len(telling) > 1 else 1
        names += ["-".join(telling[-length:]) for length in range(shortest, len(telling) + 1)]
    process = [entry.name for entry in entries if entry.form is Form.PROCFILE and entry.name]
    # `app/main.py` is better called by its folder.
    names += process if telling else [*process, *parts[:1]]
    names.append("-".join(parts))
    return [name for name in map(_fit, names) if name] or ["service"]


def unique(names: Sequence[str], taken: set[str]) -> str:
    """Return the first name that is not taken, else the first with a number."""
    for name in names:
        if name not in taken:
            return name
    number = 2
    while f"{names[0]}-{number}" in taken:
        number += 1
    return f"{names[0]}-{number}"


def _plain(file: str) -> str:
    """Return what the name of a document tells beside its kind: `web` of `web.Dockerfile` and `Dockerfile.web`."""
    return "-".join(word for word in file.split(".") if word.lower() not in _KINDS)


def _fit(text: str) -> str:
    return _UNFIT.sub("-", text).strip("-_").lower()
