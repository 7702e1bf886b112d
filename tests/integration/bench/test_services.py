"""Several services in one run, and what they promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
from servers import OK, Server, answering, serving

from benchmarks.ports import free_port
from sophia_cli.main import main

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schemas" / "bench.json").read_text("utf-8"))
SHORT = ("--duration", "300ms", "--requests", "40", "--connections", "2")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(answering(OK)) as running:
        yield running


def bench(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """Run the command with `--json` and return its document, which the schema accepts."""
    code = main(["bench", "--json", *SHORT, *words])
    found = json.loads(capsys.readouterr().out)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(found)] == []
    assert found["exit_code"] == code
    assert isinstance(found, dict)
    return found


def rows_of(document: dict[str, object]) -> list[dict[str, object]]:
    rows = document["services"]
    assert isinstance(rows, list)
    return rows


def declare(folder: Path, **services: str) -> None:
    tables = (f'[services.{name}]\napp = "{name}:app"\n{keys}\n' for name, keys in services.items())
    (folder / "sophia.toml").write_text("\n".join(tables))


def test_without_a_target_every_service_with_a_port_is_measured_and_what_it_depends_on_first(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(answering(OK)) as other:
        declare(
            tmp_path,
            web=f'port = {server.port}\ndepends_on = ["store", "worker"]',
            worker="",
            store=f"port = {other.port}",
        )
        found = bench(capsys)
    rows = rows_of(found)
    assert [row["name"] for row in rows] == ["store", "web"]
    assert [row["url"] for row in rows] == [other.url, server.url]
    grades = [row["grade"] for row in rows]
    assert found["grade"] == (None if None in grades else max(grades, key="A+ABCDEF".index))  # type: ignore[arg-type]  # letters
    assert all(row["run_id"] for row in rows)
    assert found["run_id"] == rows[0]["run_id"]


def test_a_service_that_is_down_is_a_row_with_its_error_and_the_others_go_on(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(tmp_path, dead=f"port = {free_port()}", alive=f"port = {server.port}")
    found = bench(capsys)
    dead, alive = rows_of(found)
    assert isinstance(dead["error"], dict)
    assert (dead["name"], dead["error"]["reference"], dead["grade"]) == ("dead", "target-unusable", None)
    assert alive["error"] is None
    assert alive["requests"] != 0
    assert (found["verdict"], found["exit_code"], found["grade"]) == ("incomplete", 69, None)


@pytest.mark.parametrize("format_", ["text", "html", "csv"])
def test_every_format_names_the_service_that_is_down(
    format_: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = f"http://127.0.0.1:{free_port()}/"
    assert main(["bench", "--format", format_, *SHORT, dead, server.url]) == 69
    text = capsys.readouterr().out
    assert dead in text or "not measured" in text
    assert "the connection was refused" in text


def test_urls_and_services_can_be_named_together_each_once(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(tmp_path, api=f"port = {server.port}")
    rows = rows_of(bench(capsys, "api", f"{server.url}b", "api"))
    assert [(row["name"], row["url"]) for row in rows] == [("api", server.url), ("127.0.0.1", f"{server.url}b")]


def test_a_mistake_in_one_name_is_said_before_any_load(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["bench", "--json", server.url, "nowhere"])
    assert (code, server.requests) == (2, 0)
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == "url-invalid"


def test_an_environment_moves_a_service(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(tmp_path, api=f"port = {free_port()}")
    with (tmp_path / "sophia.toml").open("a") as stream:
        stream.write(f"[environments.staging.services.api]\nport = {server.port}\n")
    (row,) = rows_of(bench(capsys, "api", "--env", "staging"))
    assert row["url"] == server.url
    assert main(["bench", "api", "--env", "nowhere"]) == 2


def test_nothing_to_measure_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--json"]) == 2
    assert "no target is named" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_the_error_rate_that_a_service_promises_decides_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    down = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    asked = iter(range(1, 1 << 60))
    with serving(lambda sock, number: down if next(asked) % 20 == 0 else OK) as server:
        declare(tmp_path, api=f"port = {server.port}\nslo = {{ error_rate = 0.01, p95_ms = 10000 }}")
        found = bench(capsys)
        assert (found["verdict"], found["exit_code"]) == ("slo-breached", 1)
        (row,) = rows_of(found)
        assert isinstance(row["slo"], dict)
        assert row["slo"]["objectives"] == ["p95=10000ms", "error_rate=1%"]
        assert "more than 1 %" in row["slo"]["reason"]
        kept = rows_of(bench(capsys, "api", "--slo", "error_rate=20%"))[0]["slo"]
        assert isinstance(kept, dict)
        assert kept["kept"] in ("surely", "probably")


def test_a_name_is_kept_for_every_service(server: Server, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(answering(OK)) as other:
        declare(tmp_path, one=f"port = {server.port}", two=f"port = {other.port}")
        kept = rows_of(bench(capsys, "--save-as", "before"))
        compared = rows_of(bench(capsys, "--baseline", "before"))
    for before, after in zip(kept, compared, strict=True):
        assert isinstance(after["comparison"], dict)
        assert str(before["run_id"]) in after["comparison"]["baseline"]


def test_a_url_as_baseline_compares_with_one_target_only(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--json", server.url, f"{server.url}b", "--baseline", f"{server.url}c"]
    assert (main(words), server.requests) == (2, 0)


def test_a_capacity_takes_what_the_service_promises(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(tmp_path, api=f"port = {server.port}")
    assert main(["bench", "--json", "api", "--capacity"]) == 2
    assert "what has to be kept" in json.loads(capsys.readouterr().out)["error"]["message"]
