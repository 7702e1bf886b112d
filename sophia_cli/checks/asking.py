"""One service that is being asked: a connection, the path that its URLs begin with, and how long an answer may take."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.checks.http_client import HttpClient, HttpRequest
from sophia_cli.checks.mcp import McpSession
from sophia_cli.checks.target import Target
from sophia_cli.core.values import dataclass, field
from sophia_cli.project.secrets.model import REDACTED, FoundSecret

_SHOWN = 120
# What is shorter stands in every text by chance.
_SHORTEST_SECRET = 4


class NotJson(Exception):
    """The body of an answer is no JSON; the text says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is asked: its name in reports, where it answers, and the path before its own paths (empty or `/api`)."""

    name: str
    endpoint: Endpoint
    base_path: str
    timeout_s: float


def service_at(name: str, target: Target, timeout_s: float, trusts_any_certificate: bool) -> Service:
    """Return the service at a target; the path of its URL comes before its own paths."""
    endpoint = Endpoint(
        target.address.host,
        target.address.port,
        target.authority,
        server_name=target.host if target.is_tls else None,
        trusts_any_certificate=trusts_any_certificate,
    )
    return Service(name, endpoint, target.path.partition("?")[0].rstrip("/"), timeout_s)


@dataclass(slots=True)
class Asking:
    """Requests to one service. `variables` are the values that checks captured, by name.

    `secret_names` are those that checks may use, `secrets` the ones that were found; no message holds their values.
    """

    service: Service
    client: HttpClient
    variables: dict[str, object] = field(default_factory=dict)
    secret_names: frozenset[str] = frozenset()
    secrets: tuple[FoundSecret, ...] = ()

    @property
    def values(self) -> Mapping[str, object]:
        """Everything that `{name}` may stand for in a request."""
        return {**{secret.name: secret.value.reveal() for secret in self.secrets}, **self.variables}

    def concealed(self, message: str) -> str:
        """Return a message with stars where it repeats a secret."""
        for secret in self.secrets:
            value = secret.value.reveal()
            if len(value) >= _SHORTEST_SECRET:
                message = message.replace(value, REDACTED)
        return message

    async def send(self, request: HttpRequest) -> Answer:
        """Return the answer to a request whose path is the service's own; ExchangeFailed."""
        whole = HttpRequest(request.method, self.service.base_path + request.path, request.headers, request.body)
        return await self.client.send(whole, self.service.timeout_s)

    async def get(self, path: str, *headers: tuple[str, str]) -> Answer:
        """Return the answer to a GET; ExchangeFailed."""
        return await self.send(HttpRequest("GET", path, headers))

    def mcp(self, path: str) -> McpSession:
        """Return a session with the MCP server at a path of the service; it is not started."""
        return McpSession(self.client, self.service.base_path + path, self.service.timeout_s)


def ask(service: Service, version: str) -> Asking:
    """Return what asks a service."""
    return Asking(service, HttpClient(service.endpoint, f"sophia-verify/{version}"))


def json_of(answer: Answer) -> object:
    """Return the value in an answer's body; NotJson when it is none."""
    try:
        return json.loads(answer.body)
    except RecursionError as error:
        raise NotJson("it is nested too deep") from error
    except ValueError as error:
        raise NotJson(f"it is no JSON: {shown(answer.body) or 'it is empty'}") from error


def shown(body: bytes) -> str:
    """Return the beginning of a body in one line, for a message."""
    text = " ".join(body[: 4 * _SHOWN].decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def described(answer: Answer) -> str:
    """Return the status of an answer, where it redirects to, and the beginning of an error's body."""
    location = answer.header("location")
    if location is not None and 300 <= answer.status < 400:
        return f"status {answer.status} (to {location[:_SHOWN]})"
    said = shown(answer.body) if answer.status >= 400 and not answer.body.startswith(b"<") else ""
    return f"status {answer.status}" + (f" ({said})" if said else "")
