"""From a URL to a service that has answered once: what every bench begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sophia_cli.bench.preflight import FirstAnswer, first_answer
from sophia_cli.bench.target import Request, RequestSpec, Trust, parse_target, request_of


@dataclass(frozen=True, slots=True)
class Access:
    """How targets may be reached: outside of this machine, with any certificate, with how much patience."""

    allow_remote: bool
    insecure: bool
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Reached:
    """A service that has answered once, and the request that it has answered."""

    first: FirstAnswer
    request: Request
    trust: Trust


def trust_of(is_tls: bool, access: Access) -> Trust:
    """Return how the certificate of a target is checked."""
    if not is_tls:
        return Trust.PLAIN
    return Trust.UNVERIFIED if access.insecure else Trust.VERIFIED


@contextmanager
def reached(url: str, asked: RequestSpec, access: Access) -> Iterator[Reached]:
    """Give a URL that has answered the request once.

    UsageError or UnavailableError as `parse_target` and `first_answer` raise them.
    """
    targets = parse_target(url, allow_remote=access.allow_remote)
    trust = trust_of(targets[0].is_tls, access)
    request = request_of(targets[0], asked)
    yield Reached(first_answer(targets, request, trust, access.timeout_s), request, trust)
