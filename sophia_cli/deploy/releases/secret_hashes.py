"""Keyed hashes of secrets: they tell that a secret changed, and nothing about it to whoever lacks the project's key."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from sophia_cli.core.errors import BusyError
from sophia_cli.deploy.releases.locking import acquire
from sophia_cli.project.clock import Clock
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import StateFolder

_KEY_FILE = "secrets.key"
_KEY_BYTES = 32
_LONGEST_WAIT_S = 10.0


def project_key(state: StateFolder, clock: Clock) -> bytes:
    """Return the key of this project, made at the first call (mode 0600).

    Raises WriteFailed when it cannot be kept, BusyError (`secrets-busy`) when somebody holds the file.
    """
    state.ensure()
    path = state.path / _KEY_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            known = os.pread(handle, _KEY_BYTES, 0)
            return known if len(known) == _KEY_BYTES else _made(handle, path, clock)
        finally:
            os.close(handle)
    except OSError as error:
        raise WriteFailed(str(path), error) from error


def _made(handle: int, path: Path, clock: Clock) -> bytes:
    """Write a key where nobody else did meanwhile; what a crash cut short is no key and gives way."""
    if not acquire(handle, clock, _LONGEST_WAIT_S):
        raise BusyError(
            "secrets-busy",
            f"another process has held `{path}` for {_LONGEST_WAIT_S:g} s",
            hint="wait until it is done, then run again",
            location=str(path),
        )
    known = os.pread(handle, _KEY_BYTES, 0)
    if len(known) != _KEY_BYTES:
        known = secrets.token_bytes(_KEY_BYTES)
        os.pwrite(handle, known, 0)
        os.fsync(handle)
    return known


def secret_hashes(key: bytes, values: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each secret: HMAC-SHA-256 over its name and value, in hexadecimal."""
    return {
        name: hmac.new(key, f"{name}\0{value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        for name, value in values.items()
    }
