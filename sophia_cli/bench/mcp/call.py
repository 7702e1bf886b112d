"""Calls of an MCP tool: whether an answer, as JSON or as a stream of events that ends after it, holds a result."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.checks.answer import AnswerReader, media_type_of
from sophia_cli.checks.mcp_messages import Json, payloads_in
from sophia_cli.core.values import dataclass

# The id of a call is this plus the number of its connection, so that all calls are equally long and none is under way
# twice.
FIRST_ID = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What answers a call: its result, or the message of its error."""

    result: Json | None
    error: str


def field_of(reader: AnswerReader, name: str) -> str | None:
    """Return the value of a header field of the answer that was read last; None when it has none of that name."""
    return next((value for key, value in reader.headers if key == name), None)


def reply_in(reader: AnswerReader, number: int) -> Reply | None:
    """Return what the answer that was read last says about the call with this id; None when it says nothing."""
    return reply_to(number, media_type_of(field_of(reader, "content-type")), bytes(reader.body))


def reply_to(number: int, media_type: str, body: bytes) -> Reply | None:
    """Return what a body says about the call with this id; None when it says nothing about it."""
    for message in _messages(media_type, body):
        if message.get("id") != number:
            continue
        error, result = message.get("error"), message.get("result")
        if isinstance(error, dict):
            return Reply(None, f"{error.get('code')} {error.get('message')}")
        if isinstance(result, dict):
            return Reply(result, "")
    return None


def failure_of_call(reply: Reply | None) -> Failure | None:
    """Return why a reply is none that a caller of a tool can use; None when it is one."""
    if reply is None:
        return Failure.NO_RESULT
    if reply.result is None:
        return Failure.RPC_ERROR
    return Failure.TOOL_ERROR if reply.result.get("isError") is True else None


class CallExaminer:
    """Looks at the answers that one connection gets to a call. An answer like the last good one needs no look."""

    __slots__ = ("_good", "_number", "_reader")

    def __init__(self, reader: AnswerReader, number: int) -> None:
        self._reader = reader
        self._number = number
        self._good = b""

    def __call__(self) -> Failure | None:
        """Return why the answer that was just read does not count; None when it does, or when its status decides."""
        reader = self._reader
        if not 200 <= reader.status < 300:
            return None
        body = bytes(reader.body)
        if body == self._good:
            return None
        failure = failure_of_call(reply_in(reader, self._number))
        if failure is None:
            self._good = body
        return failure


def _messages(media_type: str, body: bytes) -> Iterator[Json]:
    for found in payloads_in(media_type, body):
        yield from (item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict))
