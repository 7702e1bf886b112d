"""An HTTP/1.1 response read piece by piece, whatever the pieces are (RFC 9112); its body is counted, not kept."""

from __future__ import annotations

from enum import Enum

HEAD_LIMIT = 65_536
BODY_LIMIT = 64 * 2**20
_LINE_LIMIT = 4_096
_HEX = frozenset(b"0123456789abcdefABCDEF")
_BODILESS = (204, 304)


class MalformedResponse(Exception):
    """The bytes are no HTTP/1.1 response; the text says why."""


class ResponseTooLarge(Exception):
    """The body is larger than BODY_LIMIT."""


class TruncatedResponse(Exception):
    """The connection ended before the response did."""


class _Part(Enum):
    HEAD = "head"
    LENGTH = "length"
    UNTIL_CLOSE = "until-close"
    CHUNK_SIZE = "chunk-size"
    CHUNK = "chunk"
    CHUNK_END = "chunk-end"
    TRAILER = "trailer"
    DONE = "done"


class ResponseReader:
    """Reads one response after the other; `feed` tells when one is complete.

    `status`, `keeps_alive`, `location` and `framed_length` (the body's length where the head gives it, else None) are
    those of the response that was read last.
    """

    __slots__ = ("_body", "_head", "_is_head", "_left", "_part", "framed_length", "keeps_alive", "location", "status")

    def __init__(self, method: str) -> None:
        self._is_head = method == "HEAD"
        self._head = bytearray()
        self._part = _Part.HEAD
        self._left = 0
        self._body = 0
        self.status = 0
        self.keeps_alive = True
        self.location = ""
        self.framed_length: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a part of a response was read."""
        return self._part is not _Part.HEAD or bool(self._head) or self._left > 0

    def feed(self, data: bytearray, size: int) -> bool:
        """Read the first `size` bytes of `data`; true when the response is complete.

        MalformedResponse for what is no response and for bytes beyond its end, ResponseTooLarge beyond BODY_LIMIT.
        After either the connection is of no more use; after a complete response the reader waits for the next one.
        """
        if self._part is _Part.DONE:
            self.reset()
        position = 0
        while position < size:
            match self._part:
                case _Part.HEAD:
                    searched = max(0, len(self._head) - 3)
                    self._head += data[position:size]
                    rest = self._take_head(searched)
                    if rest is None:
                        return False
                    data, position, size = rest, 0, len(rest)
                case _Part.LENGTH | _Part.CHUNK:
                    position = self._take_body(data, position, size)
                case _Part.UNTIL_CLOSE:
                    self._take_rest(data, position, size)
                    return False
                case _Part.CHUNK_SIZE | _Part.CHUNK_END | _Part.TRAILER:
                    position = self._take_line(data, position, size)
                case _Part.DONE:
                    raise MalformedResponse(f"{size - position} bytes follow the end of the answer")
        return self._part is _Part.DONE

    def end(self) -> bool:
        """Say that the connection has ended: true when that completes the response (one that lasts until the close).

        TruncatedResponse when it does not, also when not a byte of it has come.
        """
        if self._part is _Part.UNTIL_CLOSE:
            self._part = _Part.DONE
            self.keeps_alive = False
            return True
        raise TruncatedResponse

    def reset(self) -> None:
        """Forget what was read; a new response follows."""
        self._head.clear()
        self._part = _Part.HEAD
        self._left = self._body = 0

    def _take_head(self, searched: int) -> bytearray | None:
        """Return what follows the head once it is complete; its end is not before `searched`."""
        head = self._head
        while True:
            end, rest_at = _end_of_head(head, searched)
            if end < 0:
                if len(head) > HEAD_LIMIT:
                    raise MalformedResponse(f"the head of the answer is longer than {HEAD_LIMIT} bytes")
                if not b"HTTP/1.".startswith(head[:7]):
                    raise MalformedResponse("the answer does not begin with `HTTP/1.`")
                return None
            self._read_head(bytes(head[:end]))
            rest = head[rest_at:]
            if self.status >= 200:
                head.clear()
                return rest
            if self.status == 101:
                raise MalformedResponse("the answer switches protocols, which nobody asked for")
            # An interim response; the real one follows.
            self._head = head = rest
            searched = 0
            if not rest:
                self._left = 1  # keeps `has_begun` true
                return None

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\n")
        first = lines[0].rstrip(b"\r")
        if first[:8] not in (b"HTTP/1.1", b"HTTP/1.0") or first[8:9] != b" " or not _is_status(first[9:]):
            raise MalformedResponse(f"`{_shown(first)}` is no status line")
        self.status = int(first[9:12])
        self.keeps_alive = first[:8] == b"HTTP/1.1"
        self.location = ""
        length: int | None = None
        chunked = encoded = False
        for raw in lines[1:]:
            name, colon, value = raw.rstrip(b"\r").partition(b":")
            if not colon or not name or name[0] in b" \t":
                raise MalformedResponse(f"`{_shown(raw)}` is no header line")
            match name.lower():
                case b"content-length":
                    length = _length(value, length)
                case b"transfer-encoding":
                    encoded = True
                    chunked = value.strip().lower().rpartition(b",")[2].strip() == b"chunked"
                case b"connection":
                    tokens = {token.strip() for token in value.lower().split(b",")}
                    self.keeps_alive = b"close" not in tokens and (self.keeps_alive or b"keep-alive" in tokens)
                case b"location":
                    self.location = value.strip().decode("latin-1")
        if self.status >= 200:
            self._begin_body(length, chunked, encoded)

    def _begin_body(self, length: int | None, chunked: bool, encoded: bool) -> None:
        self.framed_length = None
        self._left = 0
        if self._is_head or self.status in _BODILESS:
            self._part = _Part.DONE
        elif chunked:
            self._part = _Part.CHUNK_SIZE
        elif encoded or length is None:
            self._part = _Part.UNTIL_CLOSE
        else:
            if length > BODY_LIMIT:
                raise ResponseTooLarge
            self.framed_length = self._left = length
            self._part = _Part.LENGTH if length else _Part.DONE

    def _take_body(self, data: bytearray, position: int, size: int) -> int:
        """Take what is there of a body that says its length, or of a chunk; return where that ends in the data."""
        taken = min(size - position, self._left)
        self._body += taken
        if self._body > BODY_LIMIT:
            raise ResponseTooLarge
        self._left -= taken
        if not self._left:
            self._part = _Part.DONE if self._part is _Part.LENGTH else _Part.CHUNK_END
        return position + taken

    def _take_rest(self, data: bytearray, position: int, size: int) -> None:
        """Take a piece of a body that lasts until the connection ends."""
        self._body += size - position
        if self._body > BODY_LIMIT:
            raise ResponseTooLarge

    def _take_line(self, data: bytearray, position: int, size: int) -> int:
        """Collect one line of the chunked coding and act on it once it is complete."""
        end = data.find(b"\n", position, size)
        self._head += data[position : size if end < 0 else end]
        if len(self._head) > _LINE_LIMIT:
            raise MalformedResponse(f"a line of the chunked coding is longer than {_LINE_LIMIT} bytes")
        if end < 0:
            return size
        line = bytes(self._head.rstrip(b"\r"))
        self._head.clear()
        if self._part is _Part.CHUNK_SIZE:
            self._left = _chunk_size(line)
            self._part = _Part.CHUNK if self._left else _Part.TRAILER
        elif self._part is _Part.CHUNK_END:
            if line:
                raise MalformedResponse("a chunk is longer than it says")
            self._part = _Part.CHUNK_SIZE
        elif not line:
            self._part = _Part.DONE
        return end + 1


def _end_of_head(head: bytearray, searched: int) -> tuple[int, int]:
    """Return where the head's lines end and where what follows begins; -1 when it is not complete."""
    end = head.find(b"\r\n\r\n", searched)
    bare = head.find(b"\n\n", searched)
    if bare >= 0 and (end < 0 or bare < end):
        return bare, bare + 2
    return (end, end + 4) if end >= 0 else (-1, -1)


def _is_status(text: bytes) -> bool:
    return text[:3].isdigit() and len(text) >= 3 and 100 <= int(text[:3]) <= 599 and text[3:4] in (b"", b" ")


def _length(value: bytes, before: int | None) -> int:
    text = value.strip()
    if not text.isdigit() or len(text) > 18 or (before is not None and before != int(text)):
        raise MalformedResponse(f"`{_shown(text)}` is no content-length")
    return int(text)


def _chunk_size(line: bytes) -> int:
    text = line.partition(b";")[0].strip()
    if not text or len(text) > 15 or not _HEX.issuperset(text):
        raise MalformedResponse(f"`{_shown(line)}` is no chunk size")
    return int(text, 16)


def _shown(text: bytes) -> str:
    return text[:60].decode("ascii", "backslashreplace")
