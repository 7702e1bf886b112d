"""The command line on a terminal: questions, colours, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import SCRIPT

LIMIT_S = 180.0


# What the machine says about colours is not what a test says.
_PLAIN = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}


class Terminal:
    """A process on a pseudo terminal: what it wrote so far, and keys to send."""

    def __init__(self, cwd: Path, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.text = ""
        # `setsid --ctty` would need util-linux; Python makes the terminal the controlling one by opening it.
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            cwd=cwd,
            env={**_PLAIN, "TERM": "xterm", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read until the words were written that often."""
        deadline = time.monotonic() + LIMIT_S
        while self.text.count(words) < times:
            assert time.monotonic() < deadline, f"no `{words}` in {self.text!r}"
            if not self._read():
                raise AssertionError(f"ended without `{words}`: {self.text!r}")

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read until the process ends and return its exit code."""
        while self._read():
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT_S)
        os.close(self._master)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], LIMIT_S)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for terminal in started:
        terminal.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "sophia.toml").touch()
    (tmp_path / "a.py").write_bytes(b"x = 'old'\n")
    (tmp_path / "b.py").write_bytes(b"y = 'old'\n")
    (tmp_path / "c.py").write_bytes(b"z = 'old'\n")
    return tmp_path


def texts(project: Path) -> list[bytes]:
    return [(project / f"{name}.py").read_bytes()[5:8] for name in "abc"]


def started(terminals: list[Terminal], project: Path, *arguments: str, **environment: str) -> Terminal:
    terminals.append(Terminal(project, *arguments, **environment))
    return terminals[-1]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["y", "n", "y"], [b"new", b"old", b"new"]),
        (["n", "a"], [b"old", b"new", b"new"]),
        (["y", "q"], [b"new", b"old", b"old"]),
    ],
)
def test_each_fix_is_shown_and_asked_about(
    terminals: list[Terminal], project: Path, keys: list[str], expected: list[bytes]
) -> None:
    terminal = started(terminals, project, "fix", "--interactive")
    for number, key in enumerate(keys, start=1):
        terminal.wait_for("[y/n/a/q/?]", number)
        assert f"{'abc'[number - 1]}.py:1" in terminal.text
        assert texts(project) == [b"old", b"old", b"old"]
        terminal.type(f"{key}\n")
    terminal.end()
    assert texts(project) == expected
    assert "Undo: sophia undo" in terminal.text


def test_a_question_mark_explains_the_answers(terminals: list[Terminal], project: Path) -> None:
    terminal = started(terminals, project, "fix", "--interactive")
    terminal.wait_for("[y/n/a/q/?]")
    terminal.type("?\n")
    terminal.wait_for("[y/n/a/q/?]", 2)
    assert "make this fix and all that follow" in terminal.text
    terminal.type("q\n")
    assert terminal.end() == 1
    assert texts(project) == [b"old", b"old", b"old"]


def test_ctrl_c_at_a_question_changes_nothing_and_exits_with_130(terminals: list[Terminal], project: Path) -> None:
    terminal = started(terminals, project, "fix", "--interactive")
    terminal.wait_for("[y/n/a/q/?]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert texts(project) == [b"old", b"old", b"old"]


def test_ctrl_c_during_the_check_restores_the_files_and_exits_with_130(
    terminals: list[Terminal], project: Path
) -> None:
    (project / "check.script").write_text(
        "import signal\nif 'new' in open('a.py').read():\n    open('reached', 'w').close()\n    signal.pause()\n"
    )
    terminal = started(terminals, project, "fix", "--verify", f"{sys.executable} check.script")
    deadline = time.monotonic() + LIMIT_S
    while not (project / "reached").exists():
        assert time.monotonic() < deadline, terminal.text
        select.select([], [], [], 0.01)
    assert texts(project) == [b"new", b"new", b"new"]
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert texts(project) == [b"old", b"old", b"old"]


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_that_want_them(
    terminals: list[Terminal], project: Path, environment: dict[str, str], coloured: bool
) -> None:
    terminal = started(terminals, project, "fix", "--diff", **environment)
    assert terminal.end() == 1
    assert ("\x1b[32m+x = 'new'" in terminal.text) is coloured
    assert bool(re.search(r"\x1b\[[0-9;]*m", terminal.text)) is coloured
    # Where it takes long, a line of progress is drawn and taken away: that is no colour, and not for every terminal.
    assert "\x1b" not in terminal.text or environment.get("TERM") != "dumb"


def test_a_result_in_a_file_has_no_colours(terminals: list[Terminal], project: Path) -> None:
    assert started(terminals, project, "fix", "--diff", "--output", "report.txt").end() == 1
    assert "\x1b" not in (project / "report.txt").read_text()
