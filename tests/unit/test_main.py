"""The entry point: help, unknown commands, and errors as text and as JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sophia_cli import __version__
from sophia_cli import main as entry
from sophia_cli.commands.command_line.errors import wants_json
from sophia_cli.main import COMMANDS, Command, main


def failing(error: str) -> str:
    """Return `module:function` of a command that raises; the module stands in the folder of the test."""
    return f"failing_commands:{error}"


@pytest.fixture
def extra_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put commands that fail in every way into the table."""
    (tmp_path / "failing_commands.py").write_text(
        "from sophia_cli.commands.command_line.options import Json\n"
        "from sophia_cli.core.errors import BusyError\n"
        "def busy(json: Json = False) -> int:\n"
        "    raise BusyError('project-busy', 'pid 7 holds it', hint='wait', location='a.py:1:2')\n"
        "def crash(json: Json = False) -> int:\n"
        "    raise ZeroDivisionError('the password is hunter2hunter2 password=open-sesame')\n"
        "def stopped(json: Json = False) -> int:\n"
        "    raise KeyboardInterrupt\n"
        "def piped() -> int:\n"
        "    raise BrokenPipeError\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    commands = tuple(Command(name, failing(name), "") for name in ("busy", "crash", "stopped", "piped"))
    monkeypatch.setattr(entry, "COMMANDS", commands)
    return tmp_path


def test_the_root_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f"  {command.name} " in shown
        assert command.help in shown


@pytest.mark.parametrize("command", ["scan", "fix", "undo", "doctor"])
def test_a_current_folder_that_is_gone_is_no_bug(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main([command]) == 2
    assert capsys.readouterr().err.startswith("error: folder-gone\n")


def test_names_in_errors_do_not_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "\x1b[31mred\rname"]) == 2
    shown = capsys.readouterr().err
    assert "\\x1b[31mred\\x0dname" in shown
    assert not set(shown) & {"\x1b", "\r"}


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sophia {__version__}\n"


def test_no_command_is_a_usage_error_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Commands:" in captured.err


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_of_the_table_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: sophia {command}" in capsys.readouterr().out
    assert main(["help", command]) == 0
    assert f"Usage: sophia {command}" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "near"), [("scna", "scan"), ("fxi", "fix"), ("explan", "explain")])
def test_an_unknown_command_is_refused_with_the_nearest_one(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: unknown-command\n")
    assert f"`sophia {near}`" in captured.err


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bogus"]) == 2
    assert main(["rules", "--bogus"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("error: usage\n") == 2
    assert "sophia rules --help" in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["scan", "--json"], True),
        (["scan", "--format", "json"], True),
        (["scan", "--format=json"], True),
        (["scan", "--format", "text"], False),
        (["scan", "--", "--json"], False),
        (["fix", "--verify", "check --json"], False),
        ([], False),
    ],
)
def test_json_is_recognised_on_the_command_line(words: list[str], expected: bool) -> None:
    assert wants_json(words) is expected


def test_an_error_is_a_json_document_where_json_was_asked_for(
    extra_commands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["busy", "--json"]) == 75
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document.pop("duration_s") >= 0
    assert document == {
        "schema_version": 1,
        "command": "busy",
        "verdict": "error",
        "exit_code": 75,
        "run_id": None,
        "summary": {},
        "error": {
            "reference": "project-busy",
            "message": "pid 7 holds it",
            "hint": "wait",
            "location": "a.py:1:2",
        },
    }
    assert captured.err == "error: project-busy\n  a.py:1:2: pid 7 holds it\n  hint: wait\n"


def test_a_usage_error_is_a_json_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json", "--bogus"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["exit_code"], document["error"]["reference"]) == ("error", 2, "usage")


def test_ctrl_c_ends_with_130(extra_commands: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stopped"]) == 130
    assert capsys.readouterr().err.startswith("error: interrupted\n")


def test_ctrl_c_while_an_error_is_told_ends_with_130_too(extra_commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedStream(io.StringIO):
        def write(self, text: str) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", StoppedStream())
    assert main(["stopped"]) == 130


def test_a_bug_ends_with_70_and_a_crash_file_without_secrets(
    extra_commands: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_KEY", "hunter2hunter2")
    assert main(["crash"]) == 70
    (crash,) = extra_commands.glob("sophia-crash-*.txt")
    shown = capsys.readouterr().err
    assert shown.startswith("error: bug-in-sophia\n")
    assert str(crash) in shown
    text = crash.read_text()
    assert "ZeroDivisionError" in text
    assert "in crash" in text
    assert "hunter2" not in text + shown
    assert "open-sesame" not in text + shown
    assert crash.stat().st_mode & 0o077 == 0


def test_a_crash_file_goes_to_the_state_folder_where_there_is_one(extra_commands: Path) -> None:
    (extra_commands / ".sophia").mkdir()
    (extra_commands / "sophia.toml").write_text("[services.a]\nenv = { A = 'the password is' }\n")
    assert main(["crash"]) == 70
    (crash,) = (extra_commands / ".sophia" / "crashes").iterdir()
    assert "the password is" not in crash.read_text().partition("Traceback")[2].rpartition("ZeroDivisionError")[2]


@pytest.mark.parametrize("words", [["--help"], ["rules"], ["rules", "--json"], ["rules", "--bogus", "--json"]])
def test_a_closed_pipe_is_quiet(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sophia_cli", "--help"],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=300,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["rules"], ["rules", "--json"], ["rules", "--bogus", "--json"]])
def test_a_full_disk_behind_standard_output_is_a_clear_error(words: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device here is always full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sophia_cli", *words], stdout=full, stderr=subprocess.PIPE, timeout=300, check=False
        )
    assert done.returncode == (2 if "--bogus" in words else 69)
    assert b"error: output-unwritable\n" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["rules"], ["bogus"]])
def test_a_missing_stream_is_no_bug(words: list[str]) -> None:
    command = f"exec {sys.executable} -m sophia_cli {' '.join(words)} >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], timeout=300, check=False)
    assert done.returncode == (2 if words == ["bogus"] else 0)
