"""Runs are kept and compared; what cannot be compared is unknown, what cannot be kept is no reason to fail."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import OK, answering, serving

from sophia_cli.main import main

QUICK = ("--duration", "200ms", "--connections", "2")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sophia.toml").write_text("")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def url() -> Iterator[str]:
    with serving(answering(OK)) as server:
        yield server.url


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:  # a JSON object
    main(["bench", "--json", *words, *QUICK])
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def kept(folder: Path) -> list[tuple[Any, ...]]:  # rows of whatever the columns hold
    database = sqlite3.connect(folder / ".sophia" / "bench.db")
    try:
        return database.execute(
            "SELECT id, name, url, settings, machine, git_commit FROM runs ORDER BY started"
        ).fetchall()
    finally:
        database.close()


def test_every_run_is_kept_with_its_conditions(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(capsys, f"{url}path?token=secret", "--save-as", "main")
    second = run(capsys, url)
    rows = kept(tmp_path)
    assert [row[0] for row in rows] == [first["run_id"], second["run_id"]]
    assert rows[0][1:4] == ("main", f"{url}path", '{"connections": 2, "rate": null}')
    assert "cpus" in rows[0][4]
    assert b"secret" not in (tmp_path / ".sophia" / "bench.db").read_bytes()


def test_a_name_moves_on_to_the_latest_run(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, url, "--save-as", "main")
    run(capsys, url, "--save-as", "main")
    assert [row[1] for row in kept(tmp_path)] == [None, "main"]


def test_a_run_under_another_load_is_unknown(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(capsys, url, "--save-as", "main")
    (row,) = run(capsys, url, "--baseline", "main", "--rate", "50")["services"]
    assert row["comparison"]["change"] == "unknown"
    assert first["run_id"] in row["comparison"]["baseline"]
    assert "another load" in row["comparison"]["reason"]


def test_without_an_earlier_run_the_last_one_is_unknown(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, url, "--baseline", "last")
    assert found["services"][0]["comparison"]["change"] == "unknown"
    assert found["exit_code"] == 0


def test_few_windows_are_unknown_and_say_how_many_it_takes(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, url, "--save-as", "main")
    (row,) = run(capsys, url, "--baseline", "main")["services"]
    assert row["comparison"]["change"] == "unknown"
    assert row["refused"] or row["comparison"]["windows_needed"] or "refused" in row["comparison"]["reason"]


def test_a_history_that_is_none_is_an_error_only_where_it_is_needed(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".sophia").mkdir()
    (tmp_path / ".sophia" / "bench.db").write_bytes(b"no database at all" * 100)
    found = run(capsys, url)
    assert found["run_id"] is None
    assert found["services"][0]["requests"] > 0
    assert run(capsys, url, "--baseline", "main")["error"]["reference"] == "bench-history-unusable"
    assert (tmp_path / ".sophia" / "bench.db").read_bytes().startswith(b"no database")


def test_a_state_folder_that_cannot_be_is_only_a_warning(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".sophia").write_text("in the way")
    assert main(["bench", "--json", url, *QUICK]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["run_id"] is None
    assert printed.err.startswith("warning: this run is not kept")
