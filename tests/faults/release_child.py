"""What a child process does with releases of a project: create, prune, restore; and the server that forks it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.releases.model import PackageLock, Pruned, Release, ReleaseDraft
from sophia_cli.deploy.releases.sources import read_sources
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.failpoints import VARIABLE
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.state_folder import StateFolder

SERVICE = "api"
PERSIST = ("data",)


def store_of(root: Path) -> ReleaseStore:
    """Return the releases of a project."""
    return ReleaseStore(StateFolder(root))


def release_now(root: Path, service: str = SERVICE) -> Release:
    """Make a release of the project as it is."""
    fingerprint = fingerprint_of(Service(service), code={}, data={}, secrets={}, packages={}, python="3.11.4")
    draft = ReleaseDraft(Service(service), "2026-01-02", "", None, fingerprint, PackageLock("/python", "3.11.4"))
    return store_of(root).create(draft, read_sources(root, persist=PERSIST), SystemClock())


def prune_now(root: Path) -> Pruned:
    """Prune all releases but the latest."""
    return store_of(root).prune(SERVICE, (), SystemClock(), keep=1)


def restore_now(root: Path) -> None:
    """Restore the latest release."""
    store_of(root).restore(latest_release(root))


def latest_release(root: Path) -> Release:
    """Return the release of the highest number."""
    store = store_of(root)
    return store.read(SERVICE, store.numbers(SERVICE)[-1])


ACTIONS: Mapping[str, Callable[[Path], object]] = {"create": release_now, "prune": prune_now, "restore": restore_now}


def serve() -> None:
    """Fork a process for every request (root, action, failpoints, file for stderr) and answer with its exit code."""
    for line in sys.stdin:
        root, action, failpoints, errors = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os.environ.pop(VARIABLE, None)
            if failpoints:
                os.environ[VARIABLE] = failpoints
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            code = 70
            try:
                code = _run(Path(root), action)
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(root: Path, action: str) -> int:
    try:
        ACTIONS[action](root)
    except SophiaError as error:
        os.write(2, f"{error.reference}\n".encode())
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    serve()
