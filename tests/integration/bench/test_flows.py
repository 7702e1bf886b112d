"""Scripted flows: values that one step captures are used by the next, and every step is measured by itself."""

from __future__ import annotations

import csv
import io
import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types

from sophia_cli.main import main

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schemas" / "bench.json").read_text("utf-8"))
SHORT = ("--duration", "800ms", "--connections", "3")
FLOW = """
name = "buy"

[[steps]]
name = "login"
request = "POST /login"
json = { user = "ada", password = "${SHOP_PASSWORD}" }
capture = { token = "$.token" }

[[steps]]
name = "basket"
request = "GET /baskets/{token}"
headers = { Authorization = "Bearer {token}" }
expect = { "$.items" = 2 }
"""


class Shop(ThreadingHTTPServer):
    """Gives a token at the login and a basket for it; `strangers` counts baskets asked for with a wrong token."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = itertools.count(1)
        self.known: set[str] = set()
        self.strangers = 0
        self.baskets = 0
        self.connections = 0
        self.breaks_from = 1 << 60

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, Shop)
        self.server.connections += 1

    def do_POST(self) -> None:
        assert isinstance(self.server, Shop)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked != {"user": "ada", "password": "pa55"}:
            self._send(401, {})
            return
        token = f"t/{next(self.server.tokens)}"
        self.server.known.add(token)
        self._send(200, {"token": token})

    def do_GET(self) -> None:
        shop = self.server
        assert isinstance(shop, Shop)
        shop.baskets += 1
        token = self.headers["Authorization"].removeprefix("Bearer ")
        if token not in shop.known or self.path != f"/baskets/{token.replace('/', '%2F')}":
            shop.strangers += 1
        time.sleep(0.01)
        self._send(200, {"items": 3 if shop.baskets >= shop.breaks_from else 2})

    def _send(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SHOP_PASSWORD", "pa55")
    (tmp_path / "buy.toml").write_text(FLOW)
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=60)


def row_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Bench and return the row and the steps of its flow."""
    assert main(["bench", "--json", *SHORT, *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(found)] == []
    row = found["services"][0]
    assert isinstance(row, dict)
    return row, row["flow"]["steps"]


def test_users_log_in_and_use_what_they_captured(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    row, (login, basket) = row_of(capsys, shop.url, "--flow", "buy.toml")
    assert (row["request"], row["errors"], shop.strangers) == ("flow buy", 0, 0)
    assert (login["name"], login["request"]) == ("login", "POST /login")
    assert isinstance(row["flow"], dict)
    counts = [row["flow"]["completed"], int(str(basket["requests"])), int(str(login["requests"]))]
    # Each of three users may stand in the middle of a flow when the measured time begins, and when it ends.
    assert min(counts) > 0
    assert max(counts) - min(counts) <= 6
    assert row["requests"] == login["requests"] + basket["requests"]  # type: ignore[operator]  # numbers
    assert row["flow"]["latency_ms"]["p50"] >= basket["latency_ms"]["p50"] >= 10  # type: ignore[index]  # a JSON object
    # One to go through it once, one for each user: connections are kept, also for what may write.
    assert shop.connections == 4


def test_a_step_that_fails_under_load_is_an_error_of_its_own(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.breaks_from = 2
    row, (login, basket) = row_of(capsys, shop.url, "--flow", "buy.toml")
    assert login["errors"] == 0
    assert basket["errors_by_kind"] == {"unexpected": basket["requests"]}
    assert basket["first_failure"] == "`$.items` is 3, expected 2"
    assert isinstance(row["flow"], dict)
    assert (row["flow"]["completed"], row["flow"]["failed"] > 0) == (0, True)
    assert row["grade"] in ("F", None)
    assert row["grade"] is None or "step `basket`" in str(row["grade_reason"])


def test_a_flow_that_fails_at_once_is_not_measured(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "wrong")
    assert main(["bench", "--json", shop.url, "--flow", "buy.toml"]) == 69
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["reference"] == "flow-fails"
    assert "step `login` of flow `buy` fails: status 401" in error["message"]


def test_every_format_shows_the_steps(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (Path.cwd() / "sophia.toml").write_text(f'[services.shop]\napp = "a:b"\nport = {shop.server_address[1]}\n')
    words = ["bench", "shop", "--no-checks", "--flow", "buy.toml", "--duration", "200ms", "--connections", "2"]
    assert main([*words, "--format", "csv"]) == 0
    said = capsys.readouterr()
    assert [line["load"] for line in csv.DictReader(io.StringIO(said.out))] == ["step login", "step basket", "load"]
    assert "flow `buy` may write" in said.err
    for format_ in ("text", "html"):
        assert main([*words, "--format", format_]) == 0
        text = capsys.readouterr().out
        assert "basket" in text
        assert "completed" in text


def test_a_client_that_is_the_slower_side_is_refused_a_grade(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The server shares the processor with its client, in one process: more than half of a core is used.
    (tmp_path / "busy.toml").write_text('[[steps]]\nname = "x"\nrequest = "POST /login"\nstatus = 401\njson = 1\n')
    row, _ = row_of(capsys, shop.url, "--flow", "busy.toml", "--connections", "20")
    assert row["refused"] is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = []", "has no `[[steps]]`"),
        ("[[steps]]\nname = 'a'\nrequest = 'GET /'\n[[steps]]\nname = 'a'\nrequest = 'GET /'", "two steps"),
        ("[[step]]\nname = 'a'", "knows no `step`"),
        ("[[steps]]\nname = 'a'\nrequest = 'GET /'\nbogus = 1", "unknown key `bogus`"),
        ("[[steps]]\nname = 'a'\nrequest = 'FETCH /'", "must look like `GET /path`"),
        ("[[steps]]\nname = 'a'\nrequest = 'GET /'\nheaders = { a = '${NO_SUCH_VARIABLE}' }", "that is not set"),
        ("name = ", "is no TOML"),
    ],
)
def test_a_flow_that_cannot_be_is_said_before_any_request(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flow.toml").write_text(text)
    assert main(["bench", "--json", "http://127.0.0.1:1", "--flow", "flow.toml"]) == 2
    assert said in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "5"),
        ("--requests", "5"),
        ("--capacity", "--slo", "p99=5ms"),
        ("--mcp-tool", "x"),
        ("--method", "PUT"),
        ("--baseline", "http://127.0.0.1:1/"),
    ],
)
def test_options_that_a_flow_does_not_take(words: tuple[str, ...], shop: Shop) -> None:
    assert main(["bench", "--json", shop.url, "--flow", "buy.toml", *words]) == 2
    assert shop.connections == 0


def test_a_flow_belongs_to_one_target(shop: Shop) -> None:
    assert main(["bench", "--json", shop.url, f"{shop.url}/b", "--flow", "buy.toml"]) == 2
    assert shop.connections == 0


def test_a_missing_file_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--json", "http://127.0.0.1:1", "--flow", "none.toml"]) == 2
    assert "cannot be read" in json.loads(capsys.readouterr().out)["error"]["message"]
