"""`sophia scan` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import SCRIPT, Cli, start

TEXT = b"x = 'old'\ny = 'risky'\nz = 'lost'\n"


def test_findings_name_the_place_the_rule_and_the_source(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"# first\nx = 'old'\n")
    result = cli("scan")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].split("  ")[:3] == ["a.py:2:6", "error", "SPH901 old-word"]
    assert lines[1].endswith("| x = 'old'")
    assert lines[2].endswith("|      ^^^")
    assert result.err == ""


def test_the_summary_holds_the_grade_with_its_scale(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"y = 'risky'\n" + b"pass\n" * 499)
    summary = json.loads(cli("scan", "--json").out)["summary"]
    assert (summary["grade"]["letter"], summary["grade"]["measured"]) == ("B", 2.0)
    assert "A+ <= 0" in cli("scan").out


def test_an_error_makes_the_grade_f(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = (\n" + b"pass\n" * 5000)
    grade = json.loads(cli("scan", "--json").out)["summary"]["grade"]
    assert grade["letter"] == "F"
    assert grade["reason"].startswith("a.py ")


def test_a_clean_project_exits_with_0(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    result = cli("scan", "--json")
    document = json.loads(result.out)
    assert (result.code, document["verdict"], document["exit_code"]) == (0, "clean", 0)
    assert document["summary"]["grade"]["letter"] == "A+"


@pytest.mark.parametrize(
    ("text", "fail_on", "code"),
    [
        (b"'old'", "error", 1),
        (b"'risky'", "error", 0),
        (b"'risky'", "warning", 1),
        (b"'lost'", "warning", 0),
        (b"'lost'", "note", 1),
        (b"'old'", "never", 0),
    ],
)
def test_the_exit_code_follows_fail_on(cli: Cli, tmp_path: Path, text: bytes, fail_on: str, code: int) -> None:
    (tmp_path / "a.py").write_bytes(text)
    assert cli("scan", "--fail-on", fail_on).code == code


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["--select", "SPH902"], {"SPH902"}),
        (["--select", "old-word,lost-word"], {"SPH901", "SPH903"}),
        (["--select", "SPH9", "--ignore", "SPH901"], {"SPH902", "SPH903"}),
        (["--ignore", "suspicious"], set()),
    ],
)
def test_rules_are_selected(cli: Cli, tmp_path: Path, options: list[str], rules: set[str]) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    found = json.loads(cli("scan", "--json", *options).out)["findings"]
    assert {finding["rule"] for finding in found} == rules


def test_json_holds_every_field_of_a_finding(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_bytes(b"\n    # old\n")
    (finding,) = json.loads(cli("scan", "--json").out)["findings"]
    assert finding == {
        "rule": "SPH901",
        "name": "old-word",
        "category": "suspicious",
        "severity": "error",
        "path": "pkg/a.py",
        "line": 2,
        "column": 7,
        "end_line": 2,
        "end_column": 10,
        "message": "the word `old` stands here",
        "data": {"word": "old"},
        "fix": {
            "title": "say `new`",
            "safety": "safe",
            "evidence": ["the test says so"],
            "confidence": 0.97,
            "alternatives": ["say nothing"],
        },
        "applied": False,
        "revealed": False,
        "remains": True,
        "reason": None,
    }


def test_format_json_is_the_same_as_json(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    long, short = json.loads(cli("scan", "--format", "json").out), json.loads(cli("scan", "--json").out)
    assert long["findings"] == short["findings"]


def test_json_and_format_text_contradict_each_other(cli: Cli) -> None:
    assert cli("scan", "--json", "--format", "text").code == 2


def test_quiet_prints_the_summary_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    assert "a.py:1" not in cli("scan", "-q").out
    assert (
        cli("scan", "-q").out.splitlines() == cli("scan").out.splitlines()[-len(cli("scan", "-q").out.splitlines()) :]
    )


def test_verbose_shows_notes_evidence_and_timing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    plain, verbose = cli("scan"), cli("scan", "-v")
    assert "SPH903" not in plain.out
    assert "SPH903" in verbose.out
    assert "the test says so" in verbose.out
    assert "scanned 1 files" in verbose.err


def test_the_result_goes_whole_to_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    report = tmp_path / "report.json"
    report.write_text("x" * 100_000)
    report.chmod(0o640)
    result = cli("scan", "--json", "--output", "report.json")
    assert (result.out, json.loads(report.read_text())["command"]) == ("", "scan")
    assert report.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".report")) == []


def test_a_report_in_a_missing_folder_is_a_usage_error(cli: Cli) -> None:
    assert cli("scan", "--output", "no/such/folder/report").code == 2


def test_a_missing_path_is_a_usage_error(cli: Cli) -> None:
    result = cli("scan", "nothing-here")
    assert result.code == 2
    assert "nothing-here" in result.err


def test_several_paths_are_scanned_together(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").write_bytes(b"'old'\n")
    found = json.loads(cli("scan", "--json", "a.py", "c.py").out)["findings"]
    assert [finding["path"] for finding in found] == ["a.py", "c.py"]


def test_a_second_scan_answers_from_the_cache_with_the_same_findings(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    first, second = (json.loads(cli("scan", "--json").out) for _ in range(2))
    assert first["findings"] == second["findings"]
    (tmp_path / "a.py").write_bytes(b"x = 'fine'\n")
    assert json.loads(cli("scan", "--json").out)["findings"] == []


def test_no_colour_without_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    assert b"\x1b" not in start("scan", cwd=tmp_path, FORCE_COLOR="1").stdout


def test_names_that_are_no_text_and_plain_ascii_output_do_not_crash(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.py"
    Path(os.fsdecode(name)).write_bytes("x = 'old é ☃'\n".encode())
    for environment in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}):
        for options in ([], ["--json"], ["-v"]):
            result = start("scan", *options, cwd=tmp_path, **environment)
            assert result.returncode == 1, result.stderr
    document = json.loads(start("scan", "--json", cwd=tmp_path).stdout)
    assert document["findings"][0]["path"] == "caf\udce9.py"


def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 'old'\n" * 4_000)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "scan"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.wait(300)
    process.stderr.close()
    assert errors == b""


def test_a_long_line_is_cut_around_the_finding(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = '" + b"a" * 500_000 + b"old" + b"b" * 500_000 + b"'\n")
    out = cli("scan").out
    assert "old" in out
    assert max(len(line) for line in out.splitlines()) < 300


def test_escape_sequences_of_a_file_are_written_out(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 'old \x1b[2J'\n")
    out = cli("scan").out
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_a_scan_that_looked_at_no_file_says_so_and_gives_no_grade(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    result = cli("scan", "docs")
    assert result.code == 0
    assert result.out.splitlines()[-2:] == [
        "no grade: there was nothing to measure",
        "no Python file was there to look at",
    ]
    assert json.loads(cli("scan", "--json", "docs").out)["summary"]["grade"] is None


@pytest.mark.parametrize(
    "table", ["[rules]\nselect = [{}]", "[rules]\nignore = [{}]", "[rules.per_path_ignores]\na = [{}]"]
)
def test_a_selector_of_the_settings_that_fits_no_rule_is_placed_in_the_settings(
    cli: Cli, tmp_path: Path, table: str
) -> None:
    (tmp_path / "sophia.toml").write_text(table.format('"nonsense"') + "\n")
    error = json.loads(cli("scan", "--json").out)["error"]
    assert (error["reference"], error["location"]) == ("unknown-rule", "sophia.toml")
    (tmp_path / "sophia.toml").write_text("")
    assert json.loads(cli("scan", "--json", "--select", "nonsense").out)["error"]["location"] is None
