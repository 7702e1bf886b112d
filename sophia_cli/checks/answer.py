"""An HTTP answer with its header fields and its body, up to a limit."""

from __future__ import annotations

from sophia_cli.checks.response import BODY_LIMIT, ResponseReader, ResponseTooLarge
from sophia_cli.core.values import dataclass

_EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: names of header fields are in lower case; `duration_s` is from the first byte sent to the end.

    `is_whole` is false where reading stopped early since what was wanted of a stream had come.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    duration_s: float
    is_whole: bool = True

    def header(self, name: str) -> str | None:
        """Return the value of a header field, joined with commas where it stands several times; None without one."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    @property
    def media_type(self) -> str:
        """The type of the body without parameters, in lower case, empty when none is given."""
        return media_type_of(self.header("content-type"))

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return is_json_type(self.media_type)

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is a stream of server-sent events."""
        return self.media_type == _EVENT_STREAM


class AnswerReader(ResponseReader):
    """Reads responses and keeps header fields and body; ResponseTooLarge for a body of more than `limit` bytes."""

    __slots__ = ("_limit", "body", "headers")

    def __init__(self, method: str, limit: int = BODY_LIMIT) -> None:
        super().__init__(method)
        self._limit = limit
        self.body = bytearray()
        self.headers: list[tuple[str, str]] = []

    def reset(self) -> None:
        """Forget what was read; a new response follows."""
        super().reset()
        self.body = bytearray()
        self.headers = []

    @property
    def is_event_stream(self) -> bool:
        """Whether the response that is being read is a stream of server-sent events."""
        return any(key == "content-type" and media_type_of(value) == _EVENT_STREAM for key, value in self.headers)

    def _read_head(self, head: bytes) -> None:
        super()._read_head(head)
        if self.framed_length is not None and self.framed_length > self._limit:
            raise ResponseTooLarge
        pairs = (line.partition(b":") for line in head.split(b"\n")[1:])
        self.headers = [(name.decode("latin-1").lower(), value.strip().decode("latin-1")) for name, _, value in pairs]

    def _take_body(self, data: bytearray, position: int, size: int) -> int:
        end = super()._take_body(data, position, size)
        self._keep(data, position, end)
        return end

    def _take_rest(self, data: bytearray, position: int, size: int) -> None:
        super()._take_rest(data, position, size)
        self._keep(data, position, size)

    def _keep(self, data: bytearray, start: int, end: int) -> None:
        self.body += data[start:end]
        if len(self.body) > self._limit:
            raise ResponseTooLarge


def media_type_of(value: str | None) -> str:
    """Return the type that a Content-Type field gives, without parameters, in lower case."""
    return (value or "").partition(";")[0].strip().lower()


def is_json_type(media_type: str) -> bool:
    """Tell whether a type is JSON: `application/json`, `text/json` or one that ends with `+json`."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")
