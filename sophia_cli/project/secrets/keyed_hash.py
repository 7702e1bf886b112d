"""Telling whether a secret changed without keeping it: hashes under a random key that never leaves the project."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from sophia_cli.core.errors import SophiaError
from sophia_cli.project.secrets.model import Secret
from sophia_cli.project.state_folder import StateFolder

_KEY_BYTES = 32


def keyed_hash(key: bytes, name: str, value: Secret) -> str:
    """Return HMAC-SHA256 (RFC 2104) of a secret and its name, as 64 hexadecimal digits."""
    # OpenSSL only where there are secrets: the agent loads this module in any case.
    import hashlib
    import hmac

    message = name.encode() + b"\0" + value.reveal().encode("utf-8", "surrogateescape")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def project_key(state: StateFolder) -> bytes:
    """Return the project's key, made on first use in `.sophia/secrets.key` (mode 0600).

    Two processes that ask at once get the same key. SophiaError (`secrets-key-refused`) when the file is no regular
    file, is not 32 bytes long or belongs to somebody else; what StateFolder raises when it cannot be written.
    """
    path = state.path / "secrets.key"
    key = _read(path)
    if key is not None:
        return key
    state.ensure()
    temporary = path.with_name(f"secrets.key.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(file, "wb") as stream:
            stream.write(os.urandom(_KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        # A link fails where the name is taken, so the first key that is complete stays.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    made = _read(path)
    if made is None:
        raise _refused(path, "it vanished")
    return made


def _read(path: Path) -> bytes | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, error.strerror or type(error).__name__) from error
    try:
        facts = os.fstat(file)
        if facts.st_uid != os.geteuid():
            raise _refused(path, f"it belongs to user {facts.st_uid}")
        if facts.st_mode & 0o077 and stat.S_ISREG(facts.st_mode):
            os.fchmod(file, 0o600)
        key = os.read(file, _KEY_BYTES + 1)
    except OSError as error:
        raise _refused(path, error.strerror or type(error).__name__) from error
    finally:
        os.close(file)
    if len(key) != _KEY_BYTES:
        raise _refused(path, f"it is not {_KEY_BYTES} bytes long")
    return key


def _refused(path: Path, reason: str) -> SophiaError:
    return SophiaError(
        "secrets-key-refused",
        f"`{path}` cannot be used: {reason}",
        hint="move it away; a fresh key is made, and services with secrets count as changed once",
        location=str(path),
    )
