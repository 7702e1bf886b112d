"""What a whole answer looks like when it equals the one before but for its date: recognised without parsing it."""

from __future__ import annotations

from dataclasses import dataclass

_DATE = b"\r\ndate: "
_DATE_LENGTH = 29  # `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that RFC 9110 lets servers write


@dataclass(frozen=True, slots=True)
class Shape:
    """An answer of `size` bytes that begins with `before` and has `after` at position `after_at`.

    Together they are its whole head but for the value of its date. A read of exactly `size` bytes with both in place
    has the same status, framing and length, so it is one complete answer, and its body needs no look.
    """

    size: int
    before: bytes
    after_at: int
    after: bytes


# No read is of that size.
NO_SHAPE = Shape(-1, b"", 0, b"")


def shape_of(buffer: bytearray, size: int, body_length: int) -> Shape:
    """Return the shape of a complete answer that fills the first `size` bytes of a buffer."""
    head = bytes(buffer[: size - body_length])
    at = head.lower().find(_DATE)
    if at < 0:
        return Shape(size, head, 0, b"")
    value = at + len(_DATE)
    return Shape(size, head[:value], value + _DATE_LENGTH, head[value + _DATE_LENGTH :])
