"""Keyed hashes of secrets: they tell that a secret changed, and nothing about it to whoever lacks the project's key."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping

from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import StateFolder

_KEY_FILE = "secrets.key"
_KEY_BYTES = 32


def project_key(state: StateFolder) -> bytes:
    """Return the key of this project, made at the first call (mode 0600). WriteFailed when it cannot be kept."""
    state.ensure()
    path = state.path / _KEY_FILE
    try:
        known = _read(path)
        if known is not None:
            return known
        beside = path.with_name(f"{_KEY_FILE}.{secrets.token_hex(8)}.tmp")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            # Two at once agree on the key of the first; one that is cut short is no key and gives way.
            if path.exists():
                os.replace(beside, path)
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(beside, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
        made = _read(path)
        if made is None:
            raise OSError(5, "the key is not what was written", str(path))
        return made
    except OSError as error:
        raise WriteFailed(str(path), error) from error


def secret_hashes(key: bytes, values: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each secret: HMAC-SHA-256 over its name and value, in hexadecimal."""
    return {
        name: hmac.new(key, f"{name}\0{value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        for name, value in values.items()
    }


def _read(path: os.PathLike[str]) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(_KEY_BYTES + 1)
    return data if len(data) == _KEY_BYTES else None
