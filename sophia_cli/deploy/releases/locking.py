"""One process at a time creates or prunes releases; the kernel frees the lock when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from sophia_cli.core.errors import BusyError
from sophia_cli.deploy.releases.places import Places
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.runs.atomic import WriteFailed

_LONGEST_WAIT_S = 30.0
_POLL_S = 0.02
_PRIVATE = 0o700


@contextlib.contextmanager
def store_lock(places: Places, clock: Clock) -> Iterator[None]:
    """Hold the release store for the length of the `with` block; its folders are there then.

    Raises BusyError (`releases-busy`) when another process holds it for half a minute, WriteFailed, and what
    `StateFolder.ensure` raises.
    """
    places.state.ensure()
    try:
        for folder in (places.releases, places.store, places.objects):
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, _PRIVATE)
        file = os.open(places.lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WriteFailed(error.filename or str(places.store), error) from error
    try:
        try:
            taken = acquire(file, clock, _LONGEST_WAIT_S)
        except OSError as error:
            raise WriteFailed(str(places.lock_file), error) from error
        if not taken:
            raise BusyError(
                "releases-busy",
                f"another Sophia has been creating or pruning releases of `{places.root}` for {_LONGEST_WAIT_S:g} s",
                hint="wait until it is done, then run again",
                location=str(places.lock_file),
            )
        failpoint(ReleaseFailpoint.STORE_LOCKED)
        yield
    finally:
        os.close(file)


def acquire(file: int, clock: Clock, limit_s: float) -> bool:
    """Lock an open file for this process alone, and return whether that worked within `limit_s` seconds; OSError."""
    deadline = clock.monotonic() + limit_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        if clock.monotonic() >= deadline:
            return False
        clock.pause(_POLL_S)
