"""Where results go: standard output or a file, in whatever encoding it has, without ever failing on a character."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TextIO

from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError


class Format(Enum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


def chosen_format(named: Format | None, json: bool) -> Format:
    """Return the format that `--format` and `--json` ask for; UsageError when they contradict each other."""
    if json and named is Format.TEXT:
        raise UsageError("usage", "`--json` and `--format text` contradict each other", hint="give one of them")
    return Format.JSON if json else named or Format.TEXT


def has_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether colours may be written: a terminal that is not dumb, and `NO_COLOR` not set."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def encoded(text: str, encoding: str) -> bytes:
    """Return the text as bytes; undecodable bytes of file names come back as they were, other characters escaped."""
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace")


def require_writable(output: Path | None) -> None:
    """Raise UsageError (`output-unwritable`) when `--output` names what cannot be written: before anything is done."""
    if output is None:
        return
    place = os.path.realpath(output)
    folder = os.path.dirname(place)
    if os.path.isdir(place):
        raise _unwritable(output, errno.EISDIR)
    if not os.path.isdir(folder):
        raise _unwritable(output, errno.ENOENT)
    is_special = os.path.exists(place) and not os.path.isfile(place)
    if not os.access(place if is_special else folder, os.W_OK if is_special else os.W_OK | os.X_OK):
        raise _unwritable(output, errno.EACCES)


def _unwritable(output: Path, code: int) -> SophiaError:
    message = f"`{output}` cannot be written: {os.strerror(code)}"
    if code in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return UnavailableError("output-unwritable", message, hint="make room, or name another place")
    return UsageError("output-unwritable", message, hint="it needs a folder that exists and that you may write")


def write_result(text: str, output: Path | None) -> None:
    """Write a result to standard output, or whole to a file: readers see the old content or the new.

    UsageError (`output-unwritable`) when the file cannot be written, UnavailableError of that reference when standard
    output cannot or the disk is full; a closed pipe stays a BrokenPipeError.
    """
    if output is None:
        _write_stdout(text)
        return
    try:
        _write_file(output, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise _unwritable(output, error.errno or errno.EIO) from error


def _write_stdout(text: str) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(encoded(text, sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from sophia_cli.commands.command_line.errors import stdout_unwritable

        raise stdout_unwritable(error) from error


def say(text: str) -> None:
    """Write a line about the work to standard error."""
    sys.stderr.flush()
    sys.stderr.buffer.write(encoded(text + "\n", sys.stderr.encoding or "utf-8"))
    sys.stderr.flush()


def _write_file(output: Path, data: bytes) -> None:
    place = Path(os.path.realpath(output))
    mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
    if place.exists() and not place.is_file():
        # A device or a pipe is written to, never replaced.
        with open(place, "wb") as stream:
            stream.write(data)
        return
    # What it imports takes longer than most commands that write no file.
    from tempfile import mkstemp

    descriptor, temporary = mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, _usual_mode() if mode is None else mode)
        os.replace(temporary, place)
    except BaseException:
        os.unlink(temporary)
        raise


def _usual_mode() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask
