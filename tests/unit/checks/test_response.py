"""A response is read the same however it is cut into pieces, and what is none is said to be none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.checks.response import (
    BODY_LIMIT,
    HEAD_LIMIT,
    MalformedResponse,
    ResponseReader,
    ResponseTooLarge,
    TruncatedResponse,
)

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    b"5;ext=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
BARE = b"HTTP/1.0 200 OK\nContent-Length: 2\n\nok"
WHOLE = [PLAIN, CHUNKED, INTERIM, EMPTY, UNCHANGED, BARE]


def read(pieces: list[bytes], method: str = "GET") -> tuple[ResponseReader, list[bool]]:
    """Feed pieces to a reader and return it with what each of them completed."""
    reader = ResponseReader(method)
    return reader, [reader.feed(bytearray(piece), len(piece)) for piece in pieces]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data in pieces that end at these places."""
    edges = [0, *sorted({place % len(data) for place in places} - {0}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 1000), max_size=200))
def test_a_response_is_complete_with_its_last_byte_in_any_split(data: bytes, places: list[int]) -> None:
    pieces = cut(data, places)
    _, done = read(pieces)
    assert done == [False] * (len(pieces) - 1) + [True]


@given(st.sampled_from(WHOLE), st.sampled_from(WHOLE))
def test_one_response_follows_the_other(first: bytes, second: bytes) -> None:
    reader, done = read([first, second[:3], second[3:]])
    assert done == [True, False, True]
    assert reader.status in (200, 204, 304)


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=20))
def test_garbage_is_malformed_or_never_complete(data: bytes, places: list[int]) -> None:
    if not data or data.startswith(b"HTTP/1."):
        return
    try:
        _, done = read(cut(data, places))
    except MalformedResponse:
        return
    assert not any(done)


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_a_response_without_length_lasts_until_the_close(split: int) -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nanything at all"
    reader, done = read([data[at : at + split] for at in range(0, len(data), split)])
    assert not any(done)
    assert reader.end()
    assert not reader.keeps_alive


@pytest.mark.parametrize("data", [b"", PLAIN[:-1], CHUNKED[:-1], CHUNKED[:60], b"HTTP/1.1 200 OK\r\n", INTERIM[:40]])
def test_a_close_before_the_end_is_a_truncation(data: bytes) -> None:
    reader, _ = read([data] if data else [])
    with pytest.raises(TruncatedResponse):
        reader.end()


def test_the_answer_to_head_has_no_body() -> None:
    _, done = read([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], "HEAD")
    assert done == [True]


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Upgrade, Close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nconnection: keep-alive\r\n\r\n", True),
    ],
)
def test_the_head_says_whether_the_connection_stays(head: bytes, keeps: bool) -> None:
    reader, done = read([head])
    assert done == [True]
    assert reader.keeps_alive is keeps


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_LIMIT + b"y",
        PLAIN + b"x",
    ],
)
def test_what_is_no_response_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        read([data])


def test_a_body_beyond_the_limit_is_refused_by_its_length_and_by_its_bytes() -> None:
    with pytest.raises(ResponseTooLarge):
        read([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1)])
    reader, _ = read([b"HTTP/1.1 200 OK\r\n\r\n"])
    piece = bytearray(1 << 20)
    for _ in range(BODY_LIMIT // len(piece)):
        assert not reader.feed(piece, len(piece))
    with pytest.raises(ResponseTooLarge):
        reader.feed(piece, 1)


def test_the_location_of_a_redirect_is_known() -> None:
    reader, _ = read([b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"])
    assert (reader.status, reader.location) == (302, "/there")
