"""`sophia verify` as a user meets it: targets, exit codes, listing, and servers that never end."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from plain_shop import plain_shop
from raw_servers import OK, raw_server
from verified import Verify

from benchmarks.ports import free_port
from sophia_cli.main import main

Settings = Callable[[str, str], str]


def test_all_services_are_verified_when_none_is_named(verify: Verify) -> None:
    with plain_shop() as first, plain_shop() as second:
        ports = [url.rpartition(":")[2] for url in (first, second)]
        settings = (
            f'[services.b]\ncommand = "x"\nport = {ports[0]}\ndepends_on = ["a"]\n'
            f'[services.a]\ncommand = "x"\nport = {ports[1]}\n[services.worker]\ncommand = "x"\n'
        )
        done = verify(settings=settings)
    assert done.code == 0
    services = done.document["services"]
    assert isinstance(services, list)
    assert [service["name"] for service in services] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "code", "reference"),
    [
        (["ftp://127.0.0.1/"], 2, "url-invalid"),
        (["127.0.0.1:1/x"], 2, "url-invalid"),
        (["http://192.0.2.1/"], 2, "target-not-loopback"),
        ([], 2, "usage"),
        (["http://127.0.0.1", "--timeout", "0"], 2, "usage"),
        (["http://127.0.0.1", "--timeout", "soon"], 2, "usage"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(verify: Verify, words: list[str], code: int, reference: str) -> None:
    done = verify(*words)
    error = done.document["error"]
    assert isinstance(error, dict)
    assert (done.code, error["reference"]) == (code, reference)


def test_names_of_the_settings_are_checked(verify: Verify) -> None:
    settings = '[services.api]\ncommand = "x"\nport = 1\n[services.worker]\ncommand = "x"\n'
    for word, reference in (("apy", "service-unknown"), ("worker", "service-without-port")):
        error = verify(word, settings=settings).document["error"]
        assert isinstance(error, dict)
        assert error["reference"] == reference
    error = verify("api", "--env", "none", settings=settings).document["error"]
    assert isinstance(error, dict)
    assert error["reference"] == "environment-unknown"


def test_a_service_that_is_down_is_one_error_before_any_check(verify: Verify) -> None:
    with plain_shop() as url:
        settings = f'[services.up]\ncommand = "x"\nport = {url.rpartition(":")[2]}\n'
        settings += f'[services.down]\ncommand = "x"\nport = {free_port()}\n'
        done = verify(settings=settings)
    error = done.document["error"]
    assert isinstance(error, dict)
    assert (done.code, error["reference"]) == (69, "service-unreachable")
    assert "checks" not in done.document


def test_listing_runs_nothing(verify: Verify, shop_settings: Settings) -> None:
    check = '[[services.shop.checks]]\nname = "creates"\nrequest = "POST /orders"\njson = { item = "tea" }'
    with plain_shop() as url:
        listed = verify("shop", "--list", "--writes", settings=shop_settings(url, check)).document
        orders = verify("shop", "--list", settings=shop_settings(url, "")).document
    names = [(one["name"], one["kind"]) for one in list(listed["listed"])]  # type: ignore[call-overload]  # read from JSON
    assert ("creates", "declared") in names
    assert ("GET /orders", "automatic") in names
    assert ("POST /orders refuses malformed JSON", "writes") in names
    assert listed["checks"] == []
    assert listed["verdict"] == "listed"
    assert not any(one["kind"] == "writes" for one in list(orders["listed"]))  # type: ignore[call-overload]  # read from JSON


def test_text_names_what_failed_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with plain_shop() as url:
        port = url.rpartition(":")[2]
        check = '[[services.shop.checks]]\nname = "is \\u001b[31m new"\nrequest = "GET /new"'
        Path("sophia.toml").write_text(f'[services.shop]\ncommand = "x"\nport = {port}\n{check}', "utf-8")
        assert main(["verify"]) == 1
        shown = capsys.readouterr()
        assert main(["verify", "-q", "--output", "result.txt"]) == 1
    assert shown.err == ""
    assert "\x1b" not in shown.out
    assert shown.out.rstrip().endswith("shop: is \\x1b[31m new")
    assert Path("result.txt").read_text("utf-8").splitlines()[1:] == ["  shop: is \\x1b[31m new"]


def drips(piece: bytes, first: bytes) -> Callable[[socket.socket, int], bool]:
    def respond(connection: socket.socket, number: int) -> bool:
        connection.sendall(first)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(piece)
                time.sleep(0.01)
        return False

    return respond


def resets(connection: socket.socket, number: int) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    return False


def floods(connection: socket.socket, number: int) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(1000):
            connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    return False


def says(data: bytes) -> Callable[[socket.socket, int], bool]:
    def respond(connection: socket.socket, number: int) -> bool:
        connection.sendall(data)
        return False

    return respond


HOSTILE = {
    "reset": resets,
    "endless head": drips(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"),
    "endless body": drips(b"x", b"HTTP/1.1 200 OK\r\n\r\n"),
    "gigabyte": floods,
    "announced gigabyte": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"),
    "silence": says(b""),
    "no http": says(b"SSH-2.0-x\r\n"),
    "redirects to itself": says(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "nested without end": says(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100_000
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_server_is_a_failed_check_in_time(verify: Verify, shop_settings: Settings, kind: str) -> None:
    check = '[[services.shop.checks]]\nname = "it"\nrequest = "GET /"\nexpect = { "$.a" = 1 }'
    started = time.monotonic()
    with raw_server(HOSTILE[kind]) as server:
        done = verify("shop", "--writes", "--timeout", "200ms", settings=shop_settings(server.url, check))
    assert done.code == 1
    assert done.failed["it"]
    assert time.monotonic() - started < 20


def test_the_rest_is_left_out_once_a_service_answers_no_more(verify: Verify, shop_settings: Settings) -> None:
    checks = "".join(f'[[services.shop.checks]]\nname = "{n}"\nrequest = "GET /{n}"\n' for n in range(20))
    with raw_server(drips(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n")) as server:
        done = verify("shop", "--timeout", "100ms", settings=shop_settings(server.url, checks))
    assert 3 <= len(done.failed) <= 6
    skipped = done.document["skipped"]
    assert isinstance(skipped, list)
    assert len(skipped) + len(done.failed) >= 20


def redirecting(places: dict[str, str]) -> dict[str, object]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {path: {"get": {"responses": {"200": {"description": ""}}}} for path in places},
    }


def test_gets_follow_redirects_but_not_in_circles(verify: Verify) -> None:
    places = {"/a": "/b", "/b": "/a", "/c": "/end", "/away": "https://example.invalid/"}
    document = json.dumps(redirecting(places)).encode()

    def respond(connection: socket.socket, number: int) -> bool:
        path = connection_path(seen[-1])
        place = places.get(path)
        if place is not None:
            answer = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
        elif path == "/openapi.json":
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(document)
            answer += document
        elif path == "/end":
            answer = OK
        else:
            answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(answer)
        return True

    with raw_server(respond) as server:
        seen = server.requests
        done = verify(server.url)
    assert set(done.failed) == {"GET /a", "GET /b"}
    assert {"GET /c", "GET /away"} <= set(done.messages)


def connection_path(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()
