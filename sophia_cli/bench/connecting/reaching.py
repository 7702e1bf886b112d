"""From a URL to a service that has answered once: what every bench begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sophia_cli.bench.connecting.preflight import FirstAnswer, first_answer
from sophia_cli.bench.connecting.target import Request, RequestSpec, Target, ToolCall, Trust, parse_target, request_of
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """How targets may be reached: outside of this machine, with any certificate, with how much patience."""

    allow_remote: bool
    insecure: bool
    timeout_s: float

    def trust(self, target: Target) -> Trust:
        """Return how the certificate of a target is checked."""
        if not target.is_tls:
            return Trust.PLAIN
        return Trust.UNVERIFIED if self.insecure else Trust.VERIFIED


@dataclass(frozen=True, slots=True)
class Reached:
    """A service that has answered once, the request that it has answered, and whether that may change something."""

    first: FirstAnswer
    request: Request
    trust: Trust
    may_write: bool


@contextmanager
def reached(url: str, asked: RequestSpec, access: Access) -> Iterator[Reached]:
    """Give a URL that has answered the request once; a session that this takes is ended afterwards.

    UsageError or UnavailableError as `parse_target`, `first_answer` and `mcp_session` raise them.
    """
    targets = parse_target(url, allow_remote=access.allow_remote)
    trust = access.trust(targets[0])
    if asked.call is not None:
        with _called(targets, asked, asked.call, trust, access) as found:
            yield found
        return
    request = request_of(targets[0], asked)
    yield Reached(first_answer(targets, request, trust, access.timeout_s), request, trust, asked.may_write)


@contextmanager
def _called(
    targets: tuple[Target, ...], asked: RequestSpec, call: ToolCall, trust: Trust, access: Access
) -> Iterator[Reached]:
    from sophia_cli.bench.mcp.session import mcp_session

    with mcp_session(targets, trust, asked.headers, access.timeout_s) as session:
        may_write = not _only_reads(session.tool(call.tool))
        request = session.call(call)
        yield Reached(first_answer((session.target,), request, trust, access.timeout_s), request, trust, may_write)


def _only_reads(tool: Mapping[str, object]) -> bool:
    annotations = tool.get("annotations")
    return isinstance(annotations, dict) and annotations.get("readOnlyHint") is True
