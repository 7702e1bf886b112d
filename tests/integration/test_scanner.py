"""Scanning real files in real processes: nothing that a file holds or does costs another file its report."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.analysis import AnalysisContext
from sophia_cli.fixers.rule import AnyRule, Reads, Rule
from sophia_cli.fixers.scan_key import scan_key
from sophia_cli.fixers.scanner import ScanOptions, ScanResult, scan_files
from sophia_cli.fixers.view import FileView
from sophia_cli.fixers.worker import Ending, work_in_children
from sophia_cli.project.cache import ScanCache
from sophia_cli.project.files.classify import FileStatus
from sophia_cli.project.files.discover import discover
from sophia_cli.project.state_folder import StateFolder

CONTEXT = AnalysisContext(python=(3, 11))


def _scan(
    root: Path,
    rules: Sequence[AnyRule] | None = None,
    options: ScanOptions | None = None,
    targets: Sequence[Path] = (),
    cached: bool = False,
) -> ScanResult:
    rules = all_rules() if rules is None else rules
    inventory = discover(root, targets)
    cache = ScanCache.open(StateFolder(root), scan_key(rules, (3, 11))) if cached else None
    result = scan_files(
        root, inventory.to_scan, lambda _: CONTEXT, rules, cache=cache, options=options or ScanOptions(jobs=2)
    )
    if cache is not None:
        cache.save(inventory.is_whole)
    return result


def _names(result: ScanResult) -> dict[str, list[str]]:
    return {report.path: [finding.name for finding in report.findings] for report in result.reports}


def _rule(check_name: str) -> Rule:
    """Return a rule that does harm in the file of that name: it stands for a crash of compiler or engine."""

    def check(view: FileView) -> Iterator[Finding]:
        name = view.path.rpartition("/")[2]
        if view.data is not None and name == check_name:
            match name:
                case "kill.py":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "bug.py":
                    raise IndexError("no such thing")
                case "memory.py":
                    raise MemoryError
                case "exit.py":
                    os._exit(3)
                case "endless.py":
                    while True:
                        pass
        yield from ()

    return Rule("SPH999", "harm", Category.SUSPICIOUS, Severity.NOTE, "harm", Reads.BYTES, check, "")


@pytest.fixture
def large_project(tmp_path: Path) -> Path:
    """Enough to be read by child processes."""
    for number in range(60):
        (tmp_path / f"module_{number:02}.py").write_text("value = 1  # comment\n" * 200)
    return tmp_path


@pytest.mark.parametrize("name", ["kill.py", "bug.py", "memory.py", "exit.py", "endless.py"])
def test_a_file_that_brings_its_process_down_costs_only_itself(large_project: Path, name: str) -> None:
    (large_project / name).write_text("x = 1\n" * 100)
    rules = (*all_rules(), _rule(name))
    result = _scan(large_project, rules, ScanOptions(jobs=2, limit_s=1.0 if name == "endless.py" else 60))
    names = _names(result)
    assert names.pop(name) == ["analysis-failed"]
    assert set(map(tuple, names.values())) == {()}
    assert len(names) == 60


def test_waiting_for_a_busy_machine_is_not_counted_as_work() -> None:
    (outcome,) = work_in_children(lambda _: time.sleep(0.5), [[0]], 1, 0.3)
    assert outcome.ending is Ending.DONE


def test_a_small_scan_survives_a_mistake_of_a_rule(tmp_path: Path) -> None:
    (tmp_path / "bug.py").write_text("x = 1\n")
    (tmp_path / "good.py").write_text("x = 1\n")
    assert _names(_scan(tmp_path, (*all_rules(), _rule("bug.py")))) == {"bug.py": ["analysis-failed"], "good.py": []}


def test_reports_are_the_same_with_one_process_many_and_from_the_cache(large_project: Path) -> None:
    for number in range(0, 60, 7):
        (large_project / f"module_{number:02}.py").write_text("value = 1\n" * 300 + "total = = 3\n")
    one = _scan(large_project, options=ScanOptions(jobs=1))
    many = _scan(large_project, options=ScanOptions(jobs=3), cached=True)
    assert [file.report for file in one.files] == [file.report for file in many.files]
    for file in large_project.glob("*.py"):
        os.utime(file, (1, 1))
    again = _scan(large_project, cached=True)
    assert [file.report for file in again.files] == [file.report for file in many.files]
    assert all(file.cached for file in again.files)
    assert [report.path for report in one.reports] == sorted(report.path for report in one.reports)


def test_progress_ends_with_every_file(large_project: Path) -> None:
    heard: list[tuple[int, int]] = []
    inventory = discover(large_project)
    scan_files(
        large_project,
        inventory.to_scan,
        lambda _: CONTEXT,
        all_rules(),
        progress=lambda done, total: heard.append((done, total)),
        options=ScanOptions(jobs=2),
    )
    assert heard[-1] == (60, 60)
    assert heard == sorted(heard)


def test_broken_files_are_analysed_with_the_contexts_that_were_given_for_all_of_them_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = = 1\n")
    (tmp_path / "b.py").write_text("y = = 1\n")
    (tmp_path / "c.py").write_text("z = 1\n")
    asked: list[Mapping[str, bytes]] = []

    def contexts(broken: Mapping[str, bytes]) -> Mapping[str, AnalysisContext]:
        asked.append(broken)
        return {"a.py": replace(CONTEXT, modules=frozenset({"m"}))}

    def scan(options: ScanOptions) -> None:
        cache = ScanCache.open(StateFolder(tmp_path), "key")
        inventory = discover(tmp_path)
        scan_files(
            *(tmp_path, inventory.to_scan, lambda _: CONTEXT, all_rules()),
            cache=cache,
            broken_contexts=contexts,
            options=options,
        )
        cache.save(is_whole=True)

    scan(ScanOptions(history_key="commit 1"))
    assert asked == [{"a.py": b"x = = 1\n", "b.py": b"y = = 1\n"}]
    scan(ScanOptions(history_key="commit 1"))
    assert len(asked) == 1
    scan(ScanOptions(history_key="commit 2"))
    assert len(asked) == 2


def test_a_change_is_seen_although_size_and_times_are_put_back(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    before = file.stat()
    assert _names(_scan(tmp_path, cached=True)) == {"a.py": []}
    file.write_text("x = =\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (report,) = _scan(tmp_path, cached=True).reports
    assert not report.compiles


def test_fixtures_are_reported_as_notes_without_a_fix_and_in_full_when_named(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/bad_syntax.py").write_text("x = = 1\n")
    (found,) = _scan(tmp_path).findings
    assert found.severity is Severity.NOTE
    assert found.fix is None
    (named,) = _scan(tmp_path, targets=[tmp_path / "tests/bad_syntax.py"]).findings
    assert named.severity is Severity.ERROR


def test_what_the_content_says_is_counted(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("# Generated by a tool, do not edit\nx = = 1\n")
    (tmp_path / "template.py").write_text("{% if x %}\nx = 1\n{% endif %}\n")
    (tmp_path / "old.py").write_text("try:\n    print 'a'\nexcept IOError, e:\n    print e\n")
    result = _scan(tmp_path)
    assert result.counts() == {FileStatus.GENERATED: 1, FileStatus.TEMPLATE: 1, FileStatus.PYTHON_2: 1}
    assert _names(result) == {"made.py": [], "template.py": [], "old.py": ["python-2-file"]}


_DEEP = 100_000
_ODD = {
    "empty.py": (b"", []),
    "crlf.py": (b"x = 1\r\ny = 2\r\n", []),
    "bom.py": (b"\xef\xbb\xbfx = 1\n", []),
    "latin.py": ("# coding: latin-1\nx = 'é'\n".encode("latin-1"), []),
    "tabs.py": (b"if 1:\n\tx = 1\n\x0c\ty = 1\n", []),
    "wrong_latin.py": (b"x = '\xe9'\n", ["undecodable-file"]),
    "unknown.py": (b"# coding: klingon\n", ["undecodable-file"]),
    "nul.py": (b"x = 1\n\0\n", ["undecodable-file"]),
    "html.py": (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", ["not-python"]),
    "json.py": (b'{"a": null, "b": [true], "c": {"d": "' + b"\\u00e9" + b'\\/ ${x}"}}', []),
    "notebook.py": (b'{"cells": [{"cell_type": "code", "x": {"a" : 1, "a": "}"}}], "nbformat": 4}', []),
    "zip.py": (b"PK\x03\x04" + random.Random(1).randbytes(500), ["not-python"]),
    "random.py": (random.Random(2).randbytes(100_000), ["not-python"]),
    "shell.py": (b"#!/bin/sh\nset -e\necho $1\n", ["not-python"]),
    "utf16.py": ("x = 1\n".encode("utf-16"), ["not-python"]),
    "brackets.py": (b"x = " + b"(" * _DEEP + b")" * _DEEP, ["too-deep"]),
    "minus.py": (b"x = " + b"-" * _DEEP + b"1\n", ["too-deep"]),
    "attributes.py": (b"x = a" + b".b" * _DEEP + b"\n", ["too-deep"]),
    "operators.py": (b"x = 1" + b"+1" * _DEEP + b"\n", ["too-deep"]),
    "levels.py": (b"".join(b" " * i + b"if a:\n" for i in range(300)), ["too-deep"]),
    "one_line.py": (b"x = '" + b"a" * 1_000_000 + b"'\n", []),
    "spaces.py": (b" " * 1_000_000, []),
    "five_megabytes.py": (b"def f(a):\n    return [a for b in a]\n\n\n" * 140_000, []),
}


@pytest.mark.parametrize("name", _ODD)
def test_odd_input_gets_a_clear_finding(tmp_path: Path, name: str) -> None:
    content, expected = _ODD[name]
    (tmp_path / name).write_bytes(content)
    result = _scan(tmp_path)
    assert _names(result) == {name: expected}
    assert (tmp_path / name).read_bytes() == content


def test_the_place_of_a_wrong_byte_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("x = 1\r\ns = 'é".encode() + b"\xff'\n")
    (finding,) = _scan(tmp_path).findings
    assert finding.region == Region(2, 7, 2, 8)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("x = 1\n")
    (tmp_path / "secret.py").chmod(0)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "fine.py").write_text("x = 1\n")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        expected = {"fine.py": [], "pipe.py": ["unreadable-file"], "secret.py": ["unreadable-file"]}
        os._exit(0 if _names(_scan(tmp_path)) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_file_that_vanishes_before_it_is_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    files = discover(tmp_path).to_scan
    (tmp_path / "a.py").unlink()
    result = scan_files(tmp_path, files, lambda _: CONTEXT, all_rules())
    assert _names(result) == {"a.py": ["unreadable-file"]}


def test_one_broken_line_of_python_2_does_not_make_a_file_python_2(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\n\n\ndef f(x: int) -> None:\n    print 'x'\n")
    (tmp_path / "b.py").write_text("def f(x):\n    print 'x'\n    return 1\n")
    for names in _names(_scan(tmp_path)).values():
        assert names
        assert "python-2-file" not in names


def test_no_child_is_left_behind_when_a_scan_is_given_up(large_project: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 5:
            raise KeyboardInterrupt

    before = _children()
    with pytest.raises(KeyboardInterrupt):
        scan_files(
            *(large_project, discover(large_project).to_scan, lambda _: CONTEXT, all_rules()),
            progress=interrupt,
            options=ScanOptions(jobs=2),
        )
    assert _children() <= before


def _children() -> set[str]:
    """The process ids of this process's children, zombies included."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}
