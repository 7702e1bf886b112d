"""Requests other than a GET arrive as they were asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sophia_cli.main import main

SHORT = ("--duration", "300ms", "--requests", "40", "--connections", "2")


class Recorder(ThreadingHTTPServer):
    """Keeps the method, the header fields and the body of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/things?q=1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        assert isinstance(self.server, Recorder)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.seen.append((self.command, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=60)


def row_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, object], str]:
    """Bench and return the row and what stood on standard error."""
    assert main(["bench", "--json", *SHORT, *words]) == 0
    said = capsys.readouterr()
    row = json.loads(said.out)["services"][0]
    assert isinstance(row, dict)
    return row, said.err


def test_a_body_is_posted_with_its_length_and_type(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"name": "Zoë"}, ensure_ascii=False)
    row, said = row_of(capsys, recorder.url, "--body", body)
    assert (row["request"], row["errors"]) == ("POST", 0)
    methods, fields, bodies = zip(*recorder.seen, strict=True)
    assert set(methods) == {"POST"}
    assert set(bodies) == {body.encode()}
    assert fields[0]["content-type"] == "application/json"
    assert "may write" in said


def test_what_only_reads_needs_no_warning(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    row, said = row_of(capsys, recorder.url, "--method", "head")
    assert (row["request"], row["errors"], said) == ("HEAD", 0, "")


def test_header_fields_replace_the_usual_ones_and_secrets_come_from_the_environment(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    words = ("--method", "PUT", "--header", "Authorization: Bearer ${TOKEN}", "--header", "accept: text/plain")
    row, said = row_of(capsys, recorder.url, *words)
    _, fields, _ = recorder.seen[-1]
    assert (fields["authorization"], fields["accept"]) == ("Bearer s3cret", "text/plain")
    assert "s3cret" not in json.dumps(row) + said
    assert b"s3cret" not in (Path(".sophia") / "bench.db").read_bytes()


def test_a_body_comes_from_a_file_byte_for_byte(
    recorder: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytes(range(256)) * 40
    (tmp_path / "body").write_bytes(data)
    row, _ = row_of(capsys, recorder.url, "--method", "DELETE", "--body-file", "body")
    assert (row["request"], row["errors"]) == ("DELETE", 0)
    method, fields, body = recorder.seen[-1]
    assert (method, body, fields["content-type"]) == ("DELETE", data, "application/octet-stream")


def test_only_runs_of_the_same_request_are_compared(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    row_of(capsys, recorder.url, "--body", "{}", "--save-as", "post")
    row, _ = row_of(capsys, recorder.url, "--baseline", "post")
    assert isinstance(row["comparison"], dict)
    assert row["comparison"]["reason"] == "that run had another load"


@pytest.mark.parametrize(
    "words",
    [
        ("--method", "CONNECT"),
        ("--method", "GE T"),
        ("--header", "no colon"),
        ("--header", "Content-Length: 5"),
        ("--header", "a: b\r\nc: d"),
        ("--header", "a: ${NO_SUCH_VARIABLE}"),
        ("--body", "x", "--body-file", "y"),
        ("--body-file", "missing"),
    ],
)
def test_a_request_that_cannot_be_is_a_usage_error(
    words: tuple[str, ...], recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--json", recorder.url, *words]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == "usage"
    assert recorder.seen == []
