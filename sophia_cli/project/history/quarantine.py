"""Running git over a repository's objects alone: the repository's own folder is never git's folder.

Git gets a private, empty git folder (own HEAD, no refs, no hooks, no attributes, no remotes, a configuration of two
lines) and reads the objects of the real one. Whatever the checkout's configuration, attributes or hooks say is never
opened, so nothing in them can run: not filters, textconv, fsmonitor, pagers, aliases, ssh commands or promisor remotes.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sophia_cli.core.values import dataclass
from sophia_cli.project.history.repository import Repository, shallow_commits

_CHUNK = 262_144
_OFF = (
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "protocol.allow=never",
    # Larger contents are streamed and not compared, so a small object that unpacks to a huge one fills no memory.
    "-c",
    "core.bigFileThreshold=8m",
)


class OutOfTime(Exception):
    """Git did not answer before the deadline."""


class GitFailed(Exception):
    """Git ended early; the text is what it said last."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock that was passed in."""

    clock: Callable[[], float]
    at: float

    def remaining(self) -> float:
        """Return the seconds left; raise OutOfTime when there are none."""
        left = self.at - self.clock()
        if left <= 0:
            raise OutOfTime
        return left


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A private git folder over the objects of a repository, and how to run git in it."""

    folder: Path
    executable: str
    environment: Mapping[str, str]

    @contextmanager
    def run(self, arguments: Sequence[str], deadline: Deadline) -> Iterator[Pipe]:
        """Start `git arguments`; its standard streams are the pipe. It is killed when the block is left."""
        errors = self.folder / "errors"
        with errors.open("wb") as stderr, self._start(arguments, stderr) as process:
            try:
                yield Pipe(process, deadline, errors)
            finally:
                process.kill()

    def _start(self, arguments: Sequence[str], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [self.executable, *_OFF, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.folder,
                env=dict(self.environment),
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise GitFailed(f"git cannot be started: {error.strerror}") from error


class Pipe:
    """A running git's output, read against a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: Deadline, errors: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = process.stdout.fileno()
        self._deadline = deadline
        self._errors = errors
        self._buffer = b""
        self._position = 0

    def send(self, data: bytes) -> None:
        """Write to git's input; raise GitFailed when it has gone."""
        try:
            self._input.write(data)
        except BrokenPipeError as error:
            raise GitFailed(self.complaint()) from error

    def read_until(self, end: bytes) -> bytes | None:
        """Return the bytes before the next `end`, which is consumed; None at the end of the output."""
        while True:
            found = self._buffer.find(end, self._position)
            if found >= 0:
                piece = self._buffer[self._position : found]
                self._position = found + len(end)
                return piece
            if not self._fill():
                return None

    def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes; raise GitFailed when git ends before."""
        while len(self._buffer) - self._position < size:
            if not self._fill():
                raise GitFailed(self.complaint())
        piece = self._buffer[self._position : self._position + size]
        self._position += size
        return piece

    def skip(self, size: int) -> None:
        """Read over `size` bytes without keeping them."""
        while size:
            size -= len(self.read_exactly(min(size, _CHUNK)))

    def finish(self) -> None:
        """Wait for git's end; raise GitFailed when it reports a failure."""
        self._input.close()
        try:
            code = self._process.wait(self._deadline.remaining())
        except subprocess.TimeoutExpired as error:
            raise OutOfTime from error
        if code:
            raise GitFailed(self.complaint())

    def complaint(self) -> str:
        """Return the last line that git wrote to its error stream."""
        lines = self._errors.read_bytes()[-4096:].decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "git ended without a message"

    def _fill(self) -> bool:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if not poll.poll(self._deadline.remaining() * 1000):
            raise OutOfTime
        data = os.read(self._output, _CHUNK)
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        return bool(data)


def find_git(top: Path, environment: Mapping[str, str]) -> str | None:
    """Return the git that `environment` leads to, None where there is none outside the checkout at `top`."""
    executable = shutil.which("git", path=_outside(environment.get("PATH", os.defpath), top))
    return None if executable is None or Path(executable).resolve().is_relative_to(top.resolve()) else executable


@contextmanager
def quarantine(repository: Repository, head: str, environment: Mapping[str, str]) -> Iterator[Quarantine | None]:
    """Lay out a private git folder for the block; None without a git outside the checkout or a place to write to.

    Of `environment` only the folders of PATH outside the checkout and what the dynamic linker needs reach git, so no
    GIT_ variable of the caller does.
    """
    search_path = _outside(environment.get("PATH", os.defpath), repository.top)
    executable = find_git(repository.top, environment)
    if executable is None:
        yield None
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="sophia-git-")
    except OSError:
        yield None
        return
    with temporary as name:
        folder = Path(name)
        (folder / "refs").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        version, extension = ("1", "[extensions]\n\tobjectFormat = sha256\n") if len(head) == 64 else ("0", "")
        (folder / "config").write_text(f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extension}")
        shallow = shallow_commits(repository)
        if shallow:
            (folder / "shallow").write_text("".join(f"{commit}\n" for commit in sorted(shallow)))
        kept = {name: environment[name] for name in ("LD_LIBRARY_PATH",) if name in environment}
        switches = {
            "PATH": search_path,
            "GIT_DIR": str(folder),
            "GIT_OBJECT_DIRECTORY": str(repository.objects),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_SSH_COMMAND": "false",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_PAGER": "cat",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "LC_ALL": "C",
        }
        yield Quarantine(folder, executable, {**kept, **switches})


def _outside(search_path: str, top: Path) -> str:
    """Return a PATH without folders that are relative or lie in the checkout: what stands there is the checkout's."""
    real = top.resolve()
    folders = [folder for folder in search_path.split(os.pathsep) if os.path.isabs(folder)]
    return os.pathsep.join(folder for folder in folders if not Path(folder).resolve().is_relative_to(real))
