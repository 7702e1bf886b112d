"""What the settings file says about probes and functional checks, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProbeKind(Enum):
    """What a probe does."""

    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"
    MCP = "mcp"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: the words of a list, or one string for the shell."""

    words: tuple[str, ...]
    shell: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe. `target` is the path or URL (http, mcp) or empty; `port` is for tcp, None being the service's own."""

    kind: ProbeKind
    target: str
    port: int | None
    command: Command | None
    interval_s: float
    timeout_s: float
    failures: int


@dataclass(frozen=True, slots=True)
class Check:
    """A functional check: send `method path` with `json_text` as the body, expect `status`."""

    name: str
    method: str
    path: str
    json_text: str | None
    status: int
    gate: bool
