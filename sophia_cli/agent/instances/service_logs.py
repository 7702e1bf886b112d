"""The logs of services: one file each, which all instances of the service append to."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.log_files import LogFile
from sophia_cli.project.host.log_stream import layout_of, tail_log
from sophia_cli.project.settings.service_model import LogSettings, Service
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)
# A flood is brought down in several steps; whoever writes meanwhile is never held up.
_MOST_STEPS = 50
_SHOWN_LINES = 20


class ServiceLogs:
    """Opens, reads and rotates the logs below `.sophia/logs/`."""

    def __init__(self, state: StateFolder) -> None:
        self._folder = state.path / "logs"

    def path(self, service: str) -> Path:
        """Return where a service's log is."""
        return self._folder / f"{service}.log"

    def open(self, service: Service) -> int:
        """Return a descriptor of a service's log to append to, the caller's to close; OSError."""
        return self._file(service.name, service.log).open()

    def position(self, service: str) -> int:
        """Return where the log ends now."""
        return layout_of(self.path(service)).end

    def lines_of(self, instance: Instance) -> tuple[str, ...]:
        """Return the last lines that an instance wrote, none where it never came to run."""
        if instance.started_at is None:
            return ()
        return self.last_lines(instance.id.service, instance.log_from, _SHOWN_LINES)

    def last_lines(self, service: str, start: int, count: int) -> tuple[str, ...]:
        """Return the last lines that were written from a position on."""
        tail = tail_log(self.path(service), count)
        written = max(0, tail.position - start)
        kept: list[str] = []
        for line in reversed(tail.lines):
            size = len(line.encode("utf-8", "surrogateescape")) + 1
            if size > written + 1:
                break
            written -= size
            kept.append(line)
        return tuple(reversed(kept))

    def rotate(self, services: Iterable[Service]) -> bool:
        """Rotate the logs that have become too large, and return whether one had; what cannot be is tried later."""
        has_rotated = False
        for service in services:
            try:
                file = self._file(service.name, service.log)
                for _ in range(_MOST_STEPS):
                    done = file.rotate()
                    has_rotated = has_rotated or done.kept + done.dropped > 0
                    if not done.is_more_due:
                        break
            except OSError as error:
                reason = error.strerror or type(error).__name__
                log.warning("log not rotated", extra={"service": service.name, "reason": reason})
        return has_rotated

    def _file(self, service: str, settings: LogSettings) -> LogFile:
        return LogFile(self.path(service), settings.max_bytes, settings.keep)
