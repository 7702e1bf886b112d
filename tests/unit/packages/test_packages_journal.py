"""Packages in the journal of a run: told, read again, and found although a line is damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock
from sophia_cli.project.runs.journal import JOURNAL_NAME
from sophia_cli.project.runs.records import (
    PackageChange,
    Packages,
    PackagesDone,
    PackagesTakenBack,
    Record,
    Undone,
    decode,
    encode,
)
from sophia_cli.project.runs.run_folders import list_runs, run_folder
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.transactions import begin_run
from sophia_cli.project.state_folder import StateFolder

CHANGES = (PackageChange("alpha", "1.0", "2.0"), PackageChange("shared", "", "1.0"))


@pytest.mark.parametrize(
    "record",
    [
        Packages("a" * 64, CHANGES),
        PackagesDone("b" * 64),
        PackagesTakenBack("a" * 64),
        Undone("stamp", ("x.py",), (), ("alpha",)),
    ],
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert decode(encode(record, 3).rstrip(b"\n")) == (3, record)


def test_a_journal_from_before_there_were_packages_is_read() -> None:
    line = encode(Undone("stamp", (), ()), 0)
    assert b"packages" in line
    text = line[line.index(b'"record":') + 9 : -2].replace(b',"packages":[]', b"").replace(b'"packages":[],', b"")
    old = b'{"check":"' + hashlib.sha256(text).hexdigest()[:16].encode() + b'","record":' + text + b"}"
    assert decode(old) == (0, Undone("stamp", (), ()))


def _run(root: Path) -> str:
    clock = SystemClock()
    with project_lock(root, "test", 0.0, clock) as lock, begin_run(lock, "fix", clock.now) as run:
        run.announce_packages("a" * 64, CHANGES)
        run.packages_done("b" * 64)
        run.commit("two packages")
        return run.id


def test_a_run_of_packages_alone_is_listed_with_what_it_changed(tmp_path: Path) -> None:
    _run(tmp_path)
    (run,) = list_runs(tmp_path)
    assert run.state is RunState.COMMITTED
    assert run.pending_packages == ("alpha", "shared")
    assert run.packages is not None
    assert run.packages.aftermath == "b" * 64


@pytest.mark.parametrize("damaged", [1, 2])
def test_one_damaged_line_does_not_lose_the_packages(tmp_path: Path, damaged: int) -> None:
    journal = run_folder(StateFolder(tmp_path), _run(tmp_path)) / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"kind":"packages"' in lines[damaged]
    lines[damaged] = lines[damaged].replace(b"alpha", b"alphb")
    journal.write_bytes(b"".join(lines))
    (run,) = list_runs(tmp_path)
    assert run.pending_packages == ("alpha", "shared")
