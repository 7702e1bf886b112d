"""The first request: finds out whether a target can be benched at all, before any load."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.bench.connecting.dialing import connections_to
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.connecting.exchange import ExchangeFailed, exchange
from sophia_cli.bench.connecting.target import Request, Target, Trust
from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.core.values import dataclass

_HINTS = {
    Failure.REFUSED: "start the service, or check host and port",
    Failure.UNREACHABLE: "check host and port, and that the network reaches it",
    Failure.TLS: "check the certificate and the scheme; `--insecure` accepts any certificate",
    Failure.TIMEOUT: "give it more time with `--timeout`",
    Failure.MALFORMED: "check that an HTTP/1.1 server listens there, and with this scheme",
    Failure.RESET: "look at the log of the service",
    Failure.TOO_LARGE: "bench a URL with a smaller answer",
    Failure.RPC_ERROR: "check `--mcp-arguments`, and the log of the service",
    Failure.TOOL_ERROR: "check `--mcp-arguments`, and the log of the service",
    Failure.NO_RESULT: "check that the URL is the endpoint of an MCP server",
}


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The target that answered, and how long its first answer took once the connection stood."""

    target: Target
    status: int
    latency_ms: float


def first_answer(targets: Sequence[Target], request: Request, trust: Trust, timeout_s: float) -> FirstAnswer:
    """Send one request to the first address of a host that takes connections, and return what came back.

    UnavailableError (`target-unusable`) when there is no complete answer, or one without a result to a call of MCP;
    UsageError (`target-redirects`) when the answer points elsewhere: a bench follows no redirects.
    """
    error: SophiaError | None = None
    for target in targets:
        try:
            return _ask(target, request, trust, timeout_s)
        except ExchangeFailed as failed:
            error = unusable(target, failed)
            if failed.failure not in (Failure.REFUSED, Failure.UNREACHABLE):
                break
    assert error is not None  # a host has an address
    raise error


def _ask(target: Target, request: Request, trust: Trust, timeout_s: float) -> FirstAnswer:
    (connection,) = connections_to(target.address, target.host, trust, request, 1)
    latency_ms = exchange(connection, timeout_s)
    status, location = connection.reader.status, connection.reader.location
    if 300 <= status < 400 and status != 304:
        raise UsageError(
            "target-redirects",
            f"`{target.url}` answers with a redirect ({status}) to `{location}`; a bench follows none",
            hint="bench the URL where it ends",
        )
    failure = None if connection.examine is None else connection.examine()
    if failure is not None:
        raise ExchangeFailed(failure, "")
    return FirstAnswer(target, status, latency_ms)


def unusable(target: Target, failed: ExchangeFailed) -> UnavailableError:
    """Return the error of a target without a complete answer."""
    detail = f" ({failed.detail})" if failed.detail and failed.failure in (Failure.MALFORMED, Failure.TLS) else ""
    return UnavailableError(
        "target-unusable",
        f"`{target.url}` cannot be benched: {failed.failure.meaning}{detail}",
        hint=_HINTS.get(failed.failure),
        location=f"{target.address.host}:{target.address.port}",
    )
