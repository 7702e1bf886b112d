"""OpenSSL only where it is needed: the agent hardly ever speaks TLS, and pays for it with memory and at its start."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_tls() -> Iterator[None]:
    """Have asyncio, if it is imported for the first time in the `with` block, do so as on a Python that has no TLS."""
    if "ssl" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # what says that there is no such module
    try:
        yield
    finally:
        del sys.modules["ssl"]


def with_tls() -> None:
    """Have asyncio speak TLS also where it was imported without; ImportError on a Python that has none."""
    import ssl  # noqa: F401 (the module below looks for it)
    from asyncio import sslproto

    if getattr(sslproto, "ssl", None) is None:
        importlib.reload(sslproto)
