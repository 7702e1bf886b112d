"""A service that does not do what it should gets no good grade, however fast it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types

from sophia_cli.bench.judging.grading import with_checks
from sophia_cli.bench.judging.scale import latency_scale
from sophia_cli.core.checks import CheckKind, CheckResult
from sophia_cli.core.grades import Grade, Letter
from sophia_cli.core.measurement_report import Checked
from sophia_cli.main import main

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schemas" / "bench.json").read_text("utf-8"))
SHORT = ("--duration", "300ms", "--requests", "40", "--connections", "2")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        body = b'{"score": 1}' if self.path in ("/", "/score") else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def service(folder: Path, expected: int) -> Iterator[None]:
    """Run a service and declare it, with a check of its score."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        check = (
            f'[[services.api.checks]]\nname = "score"\nrequest = "GET /score"\nexpect = {{ "$.score" = {expected} }}\n'
        )
        text = f'[services.api]\napp = "api:app"\nport = {server.server_address[1]}\n{check}'
        (folder / "sophia.toml").write_text(text)
        yield
        server.shutdown()
        thread.join(timeout=60)


def test_a_failed_check_is_an_f_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with service(tmp_path, expected=2):
        assert main(["bench", "api", "--json", *SHORT]) == 0
        row = json.loads(capsys.readouterr().out)["services"][0]
    assert row["checks"]["failed"] == [{"name": "score", "message": "`$.score` is 1, expected 2"}]
    assert row["checks"]["passed"] > 0
    assert row["grade"] in ("F", None)
    assert row["grade"] is None or "`score` since `$.score` is 1, expected 2: F" in row["grade_reason"]


def test_checks_that_pass_are_said_and_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with service(tmp_path, expected=1):
        assert main(["bench", "api", *SHORT]) == 0
        assert "functional checks passed" in capsys.readouterr().out
        assert main(["bench", "api", "--json", "--no-checks", *SHORT]) == 0
        document = json.loads(capsys.readouterr().out)
    assert document["services"][0]["checks"] is None
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []


def test_a_grade_becomes_an_f_by_one_failed_check_only() -> None:
    grade = Grade(Letter.A_PLUS, 0.5, latency_scale(12.5), "fast")
    bad = CheckResult("api", "unknown path", CheckKind.AUTOMATIC, False, "status 200", 1.0)
    assert with_checks(grade, Checked(3, ())) is grade
    found = with_checks(grade, Checked(3, (bad,)))
    assert (found.letter, found.measured) == (Letter.F, 0.5)
    assert found.reason == "1 of 4 functional checks failed, `unknown path` since status 200: F"
