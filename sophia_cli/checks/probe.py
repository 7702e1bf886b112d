"""One probe of one instance: asks, says whether it passed, keeps its connection for the next time."""

from __future__ import annotations

import asyncio
import time
from typing import assert_never

from sophia_cli.checks.command_probe import CommandPlace, run_command
from sophia_cli.checks.endpoint import Endpoint, tcp_endpoint
from sophia_cli.checks.http_client import ExchangeFailed, HttpClient, HttpRequest
from sophia_cli.checks.mcp import McpFailed, McpSession
from sophia_cli.core.values import dataclass
from sophia_cli.project.host.spawn_errors import SpawnFailed
from sophia_cli.project.settings.check_model import Probe, ProbeKind

_USER_AGENT = "sophia-probe"
_ANSWER_LIMIT = 2**20
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Whether a probe passed, why in words for a person, how long it took, and the beginning of what came back."""

    passed: bool
    detail: str
    duration_s: float
    last_answer: str = ""


class Prober:
    """Runs one probe of one instance again and again, over one connection where the probe talks HTTP.

    `endpoint` is where the instance answers: used for paths and for the service's own port, not for a full URL and not
    for another port. `place` is where commands run; a command probe without one is a ValueError.
    """

    def __init__(self, probe: Probe, endpoint: Endpoint, place: CommandPlace | None = None) -> None:
        if probe.kind is ProbeKind.COMMAND and (probe.command is None or place is None):
            raise ValueError("a command probe needs a command and a place to run it in")
        self._probe = probe
        self._place = place
        self._path = probe.target
        self._endpoint = endpoint
        if probe.kind is ProbeKind.TCP and probe.port is not None:
            self._endpoint = tcp_endpoint(endpoint.host or "127.0.0.1", probe.port)
        elif "://" in probe.target:
            self._endpoint, self._path = endpoint_of_url(probe.target)
        self._client = HttpClient(self._endpoint, _USER_AGENT, _ANSWER_LIMIT)

    async def run(self) -> ProbeResult:
        """Probe once, within the probe's timeout; what goes wrong is a result, not an exception."""
        started = time.perf_counter()
        passed, detail, answer = await self._run()
        return ProbeResult(passed, detail, time.perf_counter() - started, answer)

    def close(self) -> None:
        """Close the kept connection; the next run opens another."""
        self._client.close()

    async def _run(self) -> tuple[bool, str, str]:
        try:
            match self._probe.kind:
                case ProbeKind.HTTP:
                    return await self._http()
                case ProbeKind.TCP:
                    return await self._tcp()
                case ProbeKind.COMMAND:
                    return await self._command()
                case ProbeKind.MCP:
                    return await self._mcp()
                case _:
                    assert_never(self._probe.kind)
        except ExchangeFailed as error:
            return False, error.detail, ""
        except McpFailed as error:
            return False, str(error), ""
        except TimeoutError:
            return False, f"no answer within {self._probe.timeout_s:g} s", ""

    async def _http(self) -> tuple[bool, str, str]:
        answer = await self._client.send(HttpRequest("GET", self._path), self._probe.timeout_s)
        body = answer.body[:_SHOWN].decode("utf-8", "replace")
        return answer.status < 400, f"status {answer.status}", body

    async def _tcp(self) -> tuple[bool, str, str]:
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(self._probe.timeout_s):
                _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            return False, f"{endpoint} does not accept: {error.strerror or type(error).__name__}", ""
        writer.transport.abort()
        return True, f"{endpoint} accepts", ""

    async def _command(self) -> tuple[bool, str, str]:
        assert self._probe.command is not None  # the constructor saw to it
        assert self._place is not None  # the constructor saw to it
        try:
            end = await run_command(self._probe.command, self._place, self._probe.timeout_s)
        except SpawnFailed as error:
            return False, error.message, ""
        if end.exit_code is None:
            return False, f"the command did not end within {self._probe.timeout_s:g} s and was killed", end.output
        if end.exit_code < 0:
            return False, f"the command was ended by signal {-end.exit_code}", end.output
        return end.exit_code == 0, f"the command ended with {end.exit_code}", end.output

    async def _mcp(self) -> tuple[bool, str, str]:
        async with asyncio.timeout(self._probe.timeout_s):
            session = McpSession(self._client, self._path, self._probe.timeout_s)
            server = await session.start()
            await session.end()
        return True, f"MCP {server.protocol_version} by `{server.name}`", ""


async def run_probe(probe: Probe, endpoint: Endpoint, place: CommandPlace | None = None) -> ProbeResult:
    """Probe once over a connection of its own; see Prober."""
    prober = Prober(probe, endpoint, place)
    try:
        return await prober.run()
    finally:
        prober.close()


def endpoint_of_url(url: str) -> tuple[Endpoint, str]:
    """Return where a URL of the settings leads, and the path there; ValueError for one that names no host or port."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.hostname is None:
        raise ValueError(f"{url} names no host")
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    authority = parts.netloc.rpartition("@")[2]
    endpoint = Endpoint(parts.hostname, port, authority, server_name=parts.hostname if is_tls else None)
    return endpoint, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
