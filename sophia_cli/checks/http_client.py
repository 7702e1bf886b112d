"""One kept-alive HTTP/1.1 connection in an asyncio loop: the standard library, bounded in time and in bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import Enum

from sophia_cli.checks.answer import Answer, AnswerReader
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.checks.response import MalformedResponse, ResponseTooLarge, TruncatedResponse
from sophia_cli.core.values import dataclass

ANSWER_LIMIT = 8 * 2**20
_PIECE = 65_536
_WITH_LENGTH = ("POST", "PUT", "PATCH")


class ExchangeFailure(Enum):
    """Why a request has no answer."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"

    @property
    def is_of_connecting(self) -> bool:
        """Whether there is no connection at all."""
        return self in (ExchangeFailure.REFUSED, ExchangeFailure.UNREACHABLE, ExchangeFailure.TLS)


class ExchangeFailed(Exception):
    """A request has no valid answer; the text says why in words for a person."""

    def __init__(self, failure: ExchangeFailure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; Host and Content-Length are added, a header field given here takes the place of the usual one.

    One that is not `repeatable` (None: what its method says, RFC 9110, 9.2.2) gets a connection of its own, on which
    it cannot meet one that the server is just closing.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    repeatable: bool | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when a kept connection turns out to be closed."""
        return self.method not in ("POST", "PATCH") if self.repeatable is None else self.repeatable


# Looks at what has come of a stream of events; true when that is all that is wanted.
Enough = Callable[[bytes], bool]


class HttpClient:
    """Sends one request after the other over a connection that is kept; opens one when there is none.

    `unanswered` counts the requests in a row that found nobody, or nobody in time.
    """

    def __init__(self, endpoint: Endpoint, user_agent: str, limit: int = ANSWER_LIMIT) -> None:
        self.endpoint = endpoint
        self._user_agent = user_agent
        self._limit = limit
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.unanswered = 0

    async def send(self, request: HttpRequest, timeout_s: float, enough: Enough | None = None) -> Answer:
        """Return the answer; ExchangeFailed when there is none within the time, or none that is valid.

        A kept connection that the server closed meanwhile is replaced by another once. Of a stream of events what has
        come is returned as soon as `enough` says so, or, without it, when its head is there.
        """
        try:
            answer = await self._send(request, timeout_s, enough)
        except ExchangeFailed as error:
            is_gone = error.failure.is_of_connecting or error.failure is ExchangeFailure.TIMEOUT
            self.unanswered = self.unanswered + 1 if is_gone else 0
            raise
        self.unanswered = 0
        return answer

    async def _send(self, request: HttpRequest, timeout_s: float, enough: Enough | None) -> Answer:
        if not request.is_repeatable:
            self.close()
        try:
            async with asyncio.timeout(timeout_s):
                if self._streams is not None:
                    try:
                        return await self._exchange(request, enough)
                    except _ClosedBeforeAnswer:
                        pass  # it was closed while nobody used it; the next attempt has a connection of its own
                return await self._exchange(request, enough)
        except _ClosedBeforeAnswer as error:
            raise ExchangeFailed(ExchangeFailure.CLOSED, "the connection was closed without an answer") from error
        except TimeoutError as error:
            raise ExchangeFailed(ExchangeFailure.TIMEOUT, f"no complete answer within {timeout_s:g} s") from error

    def close(self) -> None:
        """Close the connection; nothing when there is none."""
        if self._streams is not None:
            # An abort, since nobody waits for what the other side does with a farewell.
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: HttpRequest, enough: Enough | None) -> Answer:
        reader, writer = await self._connection()
        keeps = False
        try:
            started = time.perf_counter()
            parser = AnswerReader(request.method, self._limit)
            try:
                writer.write(self._bytes_of(request))
                is_whole = await _read(reader, parser, enough)
            except (MalformedResponse, ResponseTooLarge, TruncatedResponse, OSError) as error:
                if not parser.has_begun and isinstance(error, TruncatedResponse | OSError):
                    raise _ClosedBeforeAnswer from error
                raise _failed(error, self._limit) from error
            keeps = is_whole and parser.keeps_alive
            return Answer(
                parser.status, tuple(parser.headers), bytes(parser.body), time.perf_counter() - started, is_whole
            )
        finally:
            if not keeps:
                self.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            try:
                self._streams = await self._connect()
            except OSError as error:
                raise _unconnected(error, self.endpoint) from error
        return self._streams

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        endpoint = self.endpoint
        if endpoint.server_name is None:
            return await asyncio.open_connection(endpoint.host, endpoint.port, limit=_PIECE)
        import ssl

        from sophia_cli.checks.tls import with_tls

        with_tls()
        context = ssl.create_default_context()
        if endpoint.trusts_any_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return await asyncio.open_connection(
            endpoint.host, endpoint.port, limit=_PIECE, ssl=context, server_hostname=endpoint.server_name
        )

    def _bytes_of(self, request: HttpRequest) -> bytes:
        fields = {
            "host": ("Host", self.endpoint.authority),
            "user-agent": ("User-Agent", self._user_agent),
            "accept": ("Accept", "*/*"),
        }
        if request.body or request.method in _WITH_LENGTH:
            fields["content-length"] = ("Content-Length", str(len(request.body)))
        fields |= {name.lower(): (name, _in_one_line(value)) for name, value in request.headers}
        lines = [
            f"{request.method} {_sendable(request.path)} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.values()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + request.body


class _ClosedBeforeAnswer(Exception):
    """The connection ended before a byte of the answer came."""


async def _read(reader: asyncio.StreamReader, parser: AnswerReader, enough: Enough | None) -> bool:
    """Read one response; false when a stream of events is left before its end."""
    while True:
        piece = bytearray(await reader.read(_PIECE))
        if not piece:
            parser.end()
            return True
        if parser.feed(piece, len(piece)):
            return True
        if parser.is_event_stream and (enough is None or enough(bytes(parser.body))):
            return False


def _sendable(path: str) -> str:
    """Return a path with what cannot stand in a request line escaped; everything else stays as it is."""
    return "".join(
        one if "!" <= one <= "~" else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "surrogatepass"))
        for one in path
    )


def _in_one_line(value: str) -> str:
    """Return a value of a header field without what would end it: captured values may hold anything."""
    return "".join(" " if one < " " or one == "\x7f" else one for one in value)


def _failed(error: Exception, limit: int) -> ExchangeFailed:
    match error:
        case MalformedResponse():
            return ExchangeFailed(ExchangeFailure.MALFORMED, f"the answer is not HTTP/1.1: {error}")
        case ResponseTooLarge():
            return ExchangeFailed(ExchangeFailure.TOO_LARGE, f"the answer is larger than {limit // 2**20} MiB")
    return ExchangeFailed(ExchangeFailure.CLOSED, "the connection ended in the middle of the answer")


def _unconnected(error: OSError, endpoint: Endpoint) -> ExchangeFailed:
    if isinstance(error, ConnectionRefusedError):
        return ExchangeFailed(ExchangeFailure.REFUSED, f"nobody listens on {endpoint}")
    if type(error).__module__ == "ssl":
        return ExchangeFailed(ExchangeFailure.TLS, f"TLS with {endpoint} failed: {error.strerror or error}")
    reason = error.strerror or type(error).__name__
    return ExchangeFailed(ExchangeFailure.UNREACHABLE, f"{endpoint} cannot be reached: {reason}")
