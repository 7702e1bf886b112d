"""SHA-256 of bytes, without OpenSSL where there is little to read.

Loading OpenSSL takes longer than most commands take in all. Python brings a small implementation of its own, which the
`random` module of the standard library takes for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Protocol

_MUCH = 64 * 1024
# The own one since Python 3.12, the one until 3.11, and what every Python has.
_MODULES = ("_sha2", "_sha256", "hashlib")


class _Digest(Protocol):
    def hexdigest(self) -> str: ...


def _first_there() -> Callable[[bytes], _Digest]:
    for name in _MODULES:
        with suppress(ImportError):
            found: Callable[[bytes], _Digest] = import_module(name).sha256
            return found
    raise ImportError("there is no SHA-256")


_sha256 = _first_there()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    if len(data) <= _MUCH:
        return _sha256(data).hexdigest()
    import hashlib

    return hashlib.sha256(data).hexdigest()
