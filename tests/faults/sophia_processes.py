"""A broken project, and real `sophia` processes that mend it; the tests kill, stop and interrupt them.

As a script it reads command lines from stdin and forks a process for each, with the engine's imports behind it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty_project import LIMIT_S, Children, Tree, picture

from sophia_cli.main import main
from sophia_cli.project.failpoints import VARIABLE, failpoint_names

FIX = "fix --unsafe --stub --quiet"
STUBS = {"package/absent", "package/absent/__init__.py", "package/absent/store.py"}
BROKEN: dict[str, tuple[bytes, int]] = {
    "colon.py": (b"def double(a)\r\n    return 2 * a\r\n", 0o644),
    "package/bracket.py": (
        b"import os\n\nvalues = [\n    1,\n    os.sep,\n\n\ndef first():\n    return values[0]\n",
        0o755,
    ),
    "package/future.py": (b'"""Late."""\n\nimport os\nfrom __future__ import annotations\n\nprint(os.sep)\n', 0o600),
    "package/deep/step.py": (b"\xef\xbb\xbfclass A:\n    def f(self):\n        x = 1\n       return x\n", 0o644),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code (negative: the signal), and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that it wrote."""
        return json.loads(self.out)


class Sophia(Children):
    """Runs command lines to their end, each in a process of its own."""

    def __init__(self, errors: Path) -> None:
        super().__init__(errors, Path(__file__))

    def __call__(self, root: Path, words: str, failpoints: str = "") -> Ended:
        code, err = self.run(root, words, failpoints)
        return Ended(code, self._errors.with_suffix(".out").read_text(), err)

    def places(self, root: Path, words: str, failpoints: str = "") -> list[str]:
        """Let a command run, disturbed by `failpoints` only, and return the failpoints that it reaches, in order."""
        known = set(failpoint_names())
        return [word for word in self.trace(root, words, failpoints) if word in known]

    def standing(self, root: Path) -> list[str]:
        """Return the ids of the runs that `undo --list` calls committed."""
        listed = self(root, "undo --list --json")
        assert listed.code == 0, listed
        return [run["run_id"] for run in listed.document["runs"] if run["state"] == "committed"]


def make_broken_project(root: Path) -> Tree:
    """Create a project in which nothing compiles but one file, which imports a module that is not there; return its
    tree.
    """
    root.mkdir(exist_ok=True)
    (root / "sophia.toml").write_bytes(b"")
    (root / "good.py").write_bytes(b"from package.absent.store import Store\n")
    for path, (data, mode) in BROKEN.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)
    return picture(root)


def start_sophia(root: Path, *words: str, failpoint: str | None = None) -> subprocess.Popen[str]:
    """Start `sophia` as a user does."""
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    if failpoint is not None:
        environment[VARIABLE] = failpoint
    return subprocess.Popen(
        [sys.executable, "-m", "sophia_cli", *words],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_stopped(process: subprocess.Popen[str]) -> None:
    """Return once the process has stopped at its failpoint."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it never came to its failpoint"


def end_of(process: subprocess.Popen[str]) -> Ended:
    """Let a process go on, wait for its end."""
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=LIMIT_S)
    return Ended(process.returncode, out, err)


def _load() -> None:
    """Import and read what a fix needs, once for all processes."""
    import sophia_cli.commands.fix
    import sophia_cli.commands.undo  # noqa: F401
    from sophia_cli.fixers.all_rules import all_rules
    from sophia_cli.fixers.analysis import AnalysisContext, analyse

    analyse("a.py", b"print(1\n", AnalysisContext(sys.version_info[:2]), all_rules())


def _serve() -> None:
    _load()
    for line in sys.stdin:
        root, words, failpoints, errors = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os.environ.pop(VARIABLE, None)
            if failpoints:
                os.environ[VARIABLE] = failpoints
            for descriptor, target in ((1, Path(errors).with_suffix(".out")), (2, Path(errors))):
                os.dup2(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
            os.chdir(root)
            code = 70
            try:
                code = main(words.split(" "))
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
