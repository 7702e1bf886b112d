"""The pages and tables of a bench, made from a real run; and what an interruption leaves."""

from __future__ import annotations

import csv
import io
import os
import re
import select
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import OK, Server, answering, serving

from sophia_cli.bench.engine.counted import Second
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.commands.benching.progress import BenchProgress, progress_text
from sophia_cli.main import main

QUICK = ("--requests", "20", "--duration", "300ms", "--connections", "2")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(answering(OK)) as running:
        yield running


def test_the_page_needs_nothing_from_elsewhere_and_its_charts_are_whole(server: Server, tmp_path: Path) -> None:
    assert main(["bench", server.url, "--format", "html", "--output", "page.html", *QUICK]) == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert "@import" not in page
    assert set(re.findall(r"https?://[^\s\"<]+", page)) == {server.url}
    assert not re.search(r"\b(?:src|href)=", page)
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) >= 2
    for chart in charts:
        assert xml.etree.ElementTree.fromstring(chart).tag == "svg"
        assert "nan" not in chart


def test_markup_in_a_url_stays_text(server: Server, tmp_path: Path) -> None:
    url = f"{server.url}?a=<b>&c='\""
    assert main(["bench", url, "--format", "html", "--output", "page.html", *QUICK]) == 0
    assert "<b>" not in (tmp_path / "page.html").read_text("utf-8")


def test_the_table_has_a_line_for_every_load(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", server.url, "--format", "csv", *QUICK]) == 0
    idle, load = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (idle["load"], idle["connections"]) == ("one connection", "1")
    assert (load["load"], load["connections"]) == ("load", "2")
    assert float(load["p50_ms"]) <= float(load["p99_ms"])


def test_formats_that_contradict_each_other_are_a_usage_error(server: Server) -> None:
    assert main(["bench", server.url, "--json", "--format", "html"]) == 2


def test_ctrl_c_ends_the_run_and_its_workers(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "sophia_cli", "bench", server.url, "--duration", "10m"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 180
    while server.requests < 100:
        assert time.monotonic() < deadline
        select.select((), (), (), 0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"interrupted" in errors
    while workers_of(process.pid):
        assert time.monotonic() < deadline
        select.select((), (), (), 0.02)


def workers_of(session: int) -> list[str]:
    """Return the processes that are left of a session."""
    found: list[str] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def windows(*medians_ms: float) -> tuple[Second, ...]:
    found: list[Second] = []
    for place, median in enumerate(medians_ms):
        histogram = Histogram()
        histogram.add(int(median * 1e6), 200)
        found.append(Second(float(place), 1.0, histogram, 3))
    return tuple(found)


def test_live_percentiles_are_drawn_on_a_terminal_and_taken_away() -> None:
    terminal = Terminal()
    progress = BenchProgress(terminal, {}, quiet=False)
    progress.show("load", ())
    progress.show("load", windows(5.0, 5.0))
    progress.clear()
    drawn = terminal.getvalue()
    assert "load: warming up" in drawn
    assert "load: 2 s, 200/s, p50 5 p95 5 p99 5 ms, 6 errors" in drawn
    assert drawn.endswith("\r\x1b[K")


@pytest.mark.parametrize(("terminal", "environment", "quiet"), [(False, {}, False), (True, {"TERM": "dumb"}, False)])
def test_nothing_is_drawn_elsewhere(terminal: bool, environment: dict[str, str], quiet: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    progress = BenchProgress(stream, environment, quiet)
    progress.show("load", windows(5.0))
    progress.clear()
    assert stream.getvalue() == ""


def test_a_window_without_answers_shows_its_errors() -> None:
    empty = (Second(0.0, 1.0, Histogram(), 7),)
    assert progress_text("load", empty) == "load: 1 s, no answer, 7 errors"
