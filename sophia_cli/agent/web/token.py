"""The token of the web API: `.sophia/web.token`, made on first use, readable by this user alone."""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
import stat
from pathlib import Path

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass

log = logging.getLogger(__name__)
TOKEN_FILE = "web.token"
_BYTES = 32
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{32,256}")
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class _Known:
    """A token and the state of its file when it was read."""

    token: bytes
    inode: int
    changed: int


class WebToken:
    """Compares what callers send with the token. Deleting the file makes another token, at the next request."""

    def __init__(self, folder: Path) -> None:
        """Read the token, or make it; UnavailableError (`web-token-unusable`) when that cannot be."""
        self._path = folder / TOKEN_FILE
        self._known = self._read_or_make()

    def is_right(self, given: bytes) -> bool:
        """Whether that is the token; takes the same time wherever it differs."""
        return hmac.compare_digest(given, self._current())

    def _current(self) -> bytes:
        try:
            seen = os.lstat(self._path)
            is_known = (seen.st_ino, seen.st_mtime_ns) == (self._known.inode, self._known.changed)
        except OSError:
            is_known = False
        if not is_known:
            try:
                self._known = self._read_or_make()
            except UnavailableError as error:
                # Whatever lies there, the token that this process knows is the last one that was valid.
                log.warning("%s", error.message)
        return self._known.token

    def _read_or_make(self) -> _Known:
        try:
            found = self._read()
            if found is None:
                self._make()
                found = self._read()
        except OSError as error:
            raise _unusable(self._path, error.strerror or str(error)) from error
        if found is None:
            raise _unusable(self._path, "it is replaced again and again")
        return found

    def _read(self) -> _Known | None:
        """Return the token in the file; None when there is none that can be trusted to be a secret."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        try:
            facts = os.fstat(file)
            content = os.read(file, _LONGEST).strip() if stat.S_ISREG(facts.st_mode) else b""
        finally:
            os.close(file)
        is_private = facts.st_uid == os.geteuid() and not stat.S_IMODE(facts.st_mode) & 0o077
        if not is_private or not _TOKEN.fullmatch(content):
            log.warning("the token was empty, malformed or open to others; another one takes its place")
            self._path.unlink()
            return None
        return _Known(content, facts.st_ino, facts.st_mtime_ns)

    def _make(self) -> None:
        """Make a token: the file is there with all of it, or not at all, and never in place of another's."""
        fresh = self._path.with_name(f"{TOKEN_FILE}.{secrets.token_hex(4)}")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(file, 0o600)
            os.write(file, secrets.token_urlsafe(_BYTES).encode("ascii") + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        try:
            os.link(fresh, self._path)
        except FileExistsError:
            log.info("another process made the token")
        finally:
            os.unlink(fresh)


def _unusable(path: Path, reason: str) -> UnavailableError:
    return UnavailableError(
        "web-token-unusable",
        f"the token of the web API cannot be read or made: {reason}",
        hint="make `.sophia/` writable for this user; a folder of that name has to go",
        location=str(path),
    )
