"""Private listeners of strict instances, kept while their processes are replaced: callers wait in the queue."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.sockets import create_listener, take_listener

PRIVATE_HOST = "127.0.0.1"


class PrivateListeners:
    """Keeps one listener for each instance, by its name."""

    def __init__(self) -> None:
        self._kept: dict[str, socket.socket] = {}

    def find(self, instance: str) -> socket.socket | None:
        """Return the listener of an instance, None when none is kept."""
        return self._kept.get(instance)

    def open(self, instance: str) -> socket.socket:
        """Return the listener of an instance, opened where none is kept; SophiaError when that cannot be."""
        if instance not in self._kept:
            self._kept[instance] = create_listener(PRIVATE_HOST, 0)
        return self._kept[instance]

    def take_back(self, instance: str, port: int, holder: ProcessIdentity) -> None:
        """Take the listener back from the process that serves on it; without it, the next start opens another one."""
        taken = take_listener(holder, PRIVATE_HOST, port)
        if isinstance(taken, socket.socket):
            self._kept[instance] = taken

    def close(self, instance: str) -> None:
        """Close a listener for good: whoever waits there is refused, and HAProxy asks another instance."""
        listener = self._kept.pop(instance, None)
        if listener is not None:
            listener.close()

    def keep_only(self, instances: Iterable[str]) -> None:
        """Close the listeners of all other instances."""
        known = frozenset(instances)
        for name in tuple(self._kept):
            if name not in known:
                self.close(name)
