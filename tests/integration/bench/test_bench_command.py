"""`sophia bench URL` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
from servers import OK, Server, answering, serving

from benchmarks.ports import free_port
from sophia_cli.main import main

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schemas" / "bench.json").read_text("utf-8"))
SHORT = ("--duration", "300ms", "--connections", "4")


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """Run the command with `--json` and return its document, which the schema accepts and whose exit code is right."""
    code = main(["bench", "--json", *words])
    found = json.loads(capsys.readouterr().out)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(found)] == []
    assert found["exit_code"] == code
    assert isinstance(found, dict)
    return found


@pytest.fixture
def server() -> object:
    with serving(answering(OK)) as running:
        yield running


def test_a_row_has_the_figures_of_the_contract(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    row = document(capsys, server.url, *SHORT)["services"]
    assert isinstance(row, list)
    (only,) = row
    assert only["name"] == "127.0.0.1"
    assert only["url"] == server.url
    assert only["connections"] == 4
    assert only["rate"] is None
    assert only["errors"] == 0
    assert only["requests"] > 0
    assert 0 < only["latency_ms"]["p50"] <= only["latency_ms"]["p99"] <= only["latency_ms"]["max"]
    is_bound = only["client"]["bound"] or only["idle"]["client"]["bound"]
    assert (only["grade"] is None) is (only["refused"] is not None) is is_bound


def test_requests_bound_the_load(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, server.url, "--requests", "37", "--duration", "60s", "--connections", "5")["services"]
    assert isinstance(rows, list)
    assert rows[0]["requests"] == 37
    assert rows[0]["idle"]["requests"] == 37


def test_an_open_loop_sends_what_is_due(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, server.url, "--rate", "200", "--duration", "500ms")["services"]
    assert isinstance(rows, list)
    assert rows[0]["requests"] == 100
    assert rows[0]["rate"] == 200


def test_text_ends_with_the_grade_or_its_refusal(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", server.url, *SHORT]) == 0
    text = capsys.readouterr().out
    assert "one connection" in text
    assert "grade" in text.splitlines()[-1] or "quiet machine" in text.splitlines()[-1]


def test_errors_give_an_f_and_min_grade_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    down = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(down)) as server:
        rows = document(capsys, server.url, *SHORT)["services"]
        assert isinstance(rows, list)
        assert rows[0]["errors_by_kind"] == {"status": rows[0]["requests"]}
        assert rows[0]["statuses"] == {"503": rows[0]["requests"]}
        assert rows[0]["grade"] in ("F", None)
        assert document(capsys, server.url, *SHORT, "--min-grade", "E")["exit_code"] == 1


def test_nobody_listening_is_a_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, f"http://127.0.0.1:{free_port()}/")
    assert found["exit_code"] == 69
    assert found["error"] == {
        "reference": "target-unusable",
        "message": found["error"]["message"],  # type: ignore[index]  # a JSON object
        "hint": "start the service, or check host and port",
        "location": found["error"]["location"],  # type: ignore[index]  # a JSON object
    }


@pytest.mark.parametrize("pace", [(), ("--rate", "400")])
def test_several_processes_share_the_load_and_their_counts_add_up(
    server: Server, pace: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--processes", "3", "--requests", "101", "--duration", "60s", "--connections", "5", *pace)
    rows = document(capsys, server.url, *words)["services"]
    assert isinstance(rows, list)
    assert rows[0]["requests"] == 101
    assert rows[0]["client"]["processes"] == 3
    assert sum(window["answers"] for window in rows[0]["windows"]) <= 101


def test_an_objective_that_is_breached_gives_exit_code_1(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, server.url, *SHORT, "--slo", "p50=0.001ms")
    assert (found["verdict"], found["exit_code"]) == ("slo-breached", 1)
    rows = document(capsys, server.url, *SHORT, "--slo", "p50=10s,p99=20s")["services"]
    assert isinstance(rows, list)
    assert rows[0]["slo"]["kept"] in ("surely", "probably")
    assert rows[0]["target_ms"] == 10_000


def test_a_declared_service_is_known_by_its_name(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"""
[services.api]
app = "api:app"
port = {server.port}
readiness = {{ http = "/ready" }}
slo = {{ p95_ms = 500 }}

[services.worker]
app = "worker:app"
"""
    (tmp_path / "sophia.toml").write_text(text)
    rows = document(capsys, "api", *SHORT)["services"]
    assert isinstance(rows, list)
    assert (rows[0]["name"], rows[0]["url"]) == ("api", f"{server.url}ready")
    assert rows[0]["slo"]["objectives"] == ["p95=500ms"]
    assert rows[0]["target_ms"] == 500
    for word, reference in (("worker", "service-without-port"), ("apy", "service-unknown"), ("a.b:1", "url-invalid")):
        error = document(capsys, word, *SHORT)["error"]
        assert isinstance(error, dict)
        assert error["reference"] == reference


@pytest.mark.slow
def test_a_capacity_has_its_trials(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, server.url, "--capacity", "--slo", "p99=2s")["services"]
    assert isinstance(rows, list)
    assert rows[0]["capacity"]["trials"]


@pytest.mark.slow
def test_nothing_that_keeps_the_objective_is_a_breach(capsys: pytest.CaptureFixture[str]) -> None:
    down = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(down)) as server:
        found = document(capsys, server.url, "--capacity", "--slo", "p99=25ms", "--connections", "2")
    assert (found["verdict"], found["exit_code"]) == ("slo-breached", 1)
    rows = found["services"]
    assert isinstance(rows, list)
    assert rows[0]["capacity"]["rate"] is None
