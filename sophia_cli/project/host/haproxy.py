"""HAProxy as a program of this machine: where it is, and the error for when it is nowhere."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sophia_cli.core.errors import UnavailableError

# A fault test takes it away here: `haproxy`.
_WITHOUT = "SOPHIA_AGENT_WITHOUT"
# Debian installs it where only the administrator's PATH leads.
_MORE_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin")


def find_haproxy(environment: Mapping[str, str]) -> str | None:
    """Return the path of HAProxy, None where there is none."""
    if "haproxy" in environment.get(_WITHOUT, "").split(","):
        return None
    # Not by shutil.which: what that brings along is more than the agent has to spare.
    folders = [*environment.get("PATH", os.defpath).split(os.pathsep), *_MORE_FOLDERS]
    paths = (os.path.join(folder, "haproxy") for folder in folders if os.path.isabs(folder))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def require_haproxy(environment: Mapping[str, str], service: str) -> str:
    """Return the path of HAProxy; UnavailableError (`haproxy-missing`) says which service needs it."""
    found = find_haproxy(environment)
    if found is None:
        raise UnavailableError(
            "haproxy-missing",
            f"service `{service}` is strict, and HAProxy is not installed on this machine",
            hint="install it (`apt-get install haproxy`), or leave `strict` out",
        )
    return found
