"""What the load engine sends to a target: the bytes of a request, and how certificates are checked."""

from __future__ import annotations

from enum import Enum

from sophia_cli import __version__
from sophia_cli.checks.target import Address, Target, parse_target
from sophia_cli.core.values import dataclass

__all__ = ["Address", "Request", "Target", "Trust", "parse_target"]


class Trust(Enum):
    """How the server's certificate is checked; PLAIN is no TLS at all."""

    PLAIN = "plain"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool of an MCP server and its arguments, a JSON object."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """What is asked of a URL: method, header fields beside those that every request has, body.

    With a `call` it is that one, which has a method and a body of its own.
    """

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    call: ToolCall | None = None

    @property
    def title(self) -> str:
        """What it is called in reports."""
        return self.method if self.call is None else f"tools/call {self.call.tool}"

    @property
    def identity(self) -> str:
        """What has to be equal for two runs to be compared; empty for a plain GET.

        The values of header fields, which may be secrets that change, are not in it.
        """
        names = [name.lower() for name, _ in self.headers]
        return "" if self == RequestSpec() else repr((self.method, names, self.body, self.call))

    @property
    def may_write(self) -> bool:
        """Whether the service may change something for it (RFC 9110, 9.2.1)."""
        return self.method not in ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the bytes that are sent for it, and the method, which decides how an answer is read.

    A call of MCP has its id, ten digits, at `number_at`: every connection puts a number of its own there.
    """

    method: str
    data: bytes
    number_at: int | None = None


def request_of(target: Target, spec: RequestSpec) -> Request:
    """Return the request as bytes; a header field of the spec takes the place of the usual one of its name."""
    fields = {
        "host": ("Host", target.authority),
        "user-agent": ("User-Agent", f"sophia-bench/{__version__}"),
        "accept": ("Accept", "*/*"),
    }
    if spec.body or spec.method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = ("Content-Length", str(len(spec.body)))
    fields |= {name.lower(): (name, value) for name, value in spec.headers}
    lines = [f"{spec.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.values())]
    return Request(spec.method, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + spec.body)
