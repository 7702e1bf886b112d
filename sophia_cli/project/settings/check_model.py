"""What the settings file says about probes and functional checks, as values."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


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
    """One probe. `target` is the path or URL (http, mcp) or empty; `port` is for tcp, None being the service's own.

    `failures` and `successes` in a row decide; failures in the first `start_period_s` seconds do not count.
    """

    kind: ProbeKind
    target: str
    port: int | None
    command: Command | None
    interval_s: float
    timeout_s: float
    failures: int
    successes: int = 1
    start_period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Statuses from `low` to `high`, both included."""

    low: int
    high: int

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"{self.low // 100}xx"


class Operator(Enum):
    """How a value of an answer is compared; EQUALS is what a plain value means."""

    EQUALS = "equals"
    EXISTS = "exists"
    TYPE = "type"
    MATCHES = "matches"
    MIN = "min"
    MAX = "max"
    LENGTH = "length"


class JsonType(Enum):
    """The types of JSON, an integer being a number without a fraction."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of one place: a JSON path or the name of a header, an operator, its operand as JSON."""

    place: str
    operator: Operator
    operand_json: str


@dataclass(frozen=True, slots=True)
class Capture:
    """A value of an answer, at a JSON path, that later requests use as `{name}`."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """A JSON schema: a file, relative to the project root, or its own text. Exactly one of the two is set."""

    file: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class McpCall:
    """What an MCP check does after the handshake: call `tool`, or with none ask for what does not exist."""

    tool: str | None
    arguments_json: str


@dataclass(frozen=True, slots=True)
class Check:
    """A functional check: send `method path` with a body, expect what the other fields say.

    With `mcp` set, `path` is an MCP endpoint and `method` is POST. `body` is sent as it is; at most one of it and
    `json_text` is set.
    """

    name: str
    method: str
    path: str
    json_text: str | None
    statuses: tuple[StatusRange, ...]
    gate: bool
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    expect_headers: tuple[Expectation, ...] = ()
    expect: tuple[Expectation, ...] = ()
    schema: SchemaSource | None = None
    max_ms: float | None = None
    captures: tuple[Capture, ...] = ()
    retry_for_s: float = 0.0
    mcp: McpCall | None = None
