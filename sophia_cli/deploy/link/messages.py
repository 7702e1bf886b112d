"""What is said on the agent's socket: one JSON object a line, as in JSON-RPC 2.0.

A request has `id`, `method` and `params`; its answer has the same `id` and either `result` or `error` (`reference`,
`message`, `hint`, `exit_code`). While a request runs, the agent may send events: objects with `event`, `data` and the
`id` of the request that they belong to. Neither side trusts the other's lines: what does not fit is an error.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from sophia_cli.core.values import dataclass, field

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Fields: TypeAlias = dict[str, Json]

LONGEST_LINE = 4 * 1024 * 1024


class BadMessage(ValueError):
    """A line is no message of this protocol; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A method to call; `number` ties answers to it."""

    number: int
    method: str
    params: Fields = field(default_factory=dict)

    def line(self) -> bytes:
        """Return the request as it is sent."""
        return _line({"id": self.number, "method": self.method, "params": self.params})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request led to."""

    number: int
    result: Fields

    def line(self) -> bytes:
        """Return the answer as it is sent."""
        return _line({"id": self.number, "result": self.result})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request led to nothing, in the words of an error that a user can meet."""

    number: int
    reference: str
    message: str
    hint: str | None
    exit_code: int

    def line(self) -> bytes:
        """Return the refusal as it is sent."""
        error: Fields = {
            "reference": self.reference,
            "message": self.message,
            "hint": self.hint,
            "exit_code": self.exit_code,
        }
        return _line({"id": self.number, "error": error})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened while a request ran; `kind` says what, `data` holds its facts."""

    number: int
    kind: str
    data: Fields

    def line(self) -> bytes:
        """Return the event as it is sent."""
        return _line({"id": self.number, "event": self.kind, "data": self.data})


Message: TypeAlias = Request | Answer | Refusal | Event


def read_message(line: bytes) -> Message:
    """Return the message in a line; BadMessage when there is none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadMessage("not an object")
    number = content.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadMessage("`id` is not an integer")
    if "method" in content:
        return Request(number, _text(content, "method"), _fields(content, "params"))
    if "result" in content:
        return Answer(number, _fields(content, "result"))
    if "event" in content:
        return Event(number, _text(content, "event"), _fields(content, "data"))
    if "error" in content:
        told = _fields(content, "error")
        hint, code = told.get("hint"), told.get("exit_code")
        return Refusal(
            number,
            _text(told, "reference"),
            _text(told, "message"),
            hint if isinstance(hint, str) else None,
            code if isinstance(code, int) else 70,
        )
    raise BadMessage("neither `method`, `result`, `event` nor `error`")


def _line(content: Fields) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def _text(content: Fields, key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise BadMessage(f"`{key}` is not a string")
    return value


def _fields(content: Fields, key: str) -> Fields:
    value = content.get(key, {})
    if not isinstance(value, dict):
        raise BadMessage(f"`{key}` is not an object")
    return value
