"""What the launcher is told to serve, and how it ends where it cannot."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

EXIT_SPECIFICATION = 80
EXIT_NO_SERVER = 81
EXIT_NO_MODULE = 82
EXIT_IMPORT_FAILED = 83
EXIT_NO_ATTRIBUTE = 84
EXIT_NOT_CALLABLE = 85
EXIT_STARTUP_FAILED = 86

SPECIFICATION = "SOPHIA_LAUNCH"
NOT_YET = 2_000_000_011  # a threshold of the collector like no other, so that what the app says of garbage stands


class Specification:
    """What to serve and how; ValueError, TypeError or KeyError when the text says no such thing."""

    def __init__(self, text: str) -> None:
        fields = json.loads(text)
        self.app = str(fields["app"])
        self.attach_at_start = bool(fields.get("attach_at_start", False))
        self.search_path = [str(folder) for folder in fields.get("search_path", [])]
        self.drain_timeout_s = float(fields.get("drain_timeout_s", 30.0))
        self.idle_grace_s = float(fields.get("idle_grace_s", 1.0))
        self.first_request_grace_s = float(fields.get("first_request_grace_s", 5.0))
        names = (("public_fd", 3), ("private_fd", 4), ("control_fd", 5))
        self.public_fd, self.private_fd, self.control_fd = (_descriptor(fields.get(*one)) for one in names)


def _descriptor(value: object) -> int | None:
    if value is None or (isinstance(value, int) and value >= 0):
        return value
    raise ValueError("a descriptor is a number or null")


def leave(code: int, message: str) -> NoReturn:
    """End the process with one line on standard error."""
    sys.stderr.write("launcher: " + message + "\n")
    sys.exit(code)
