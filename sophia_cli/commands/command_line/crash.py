"""The record of a bug in Sophia: a traceback without local values, and nothing secret in it."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import tomllib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sophia_cli import __version__
from sophia_cli.project.root import PYPROJECT_FILE, SETTINGS_FILE, STATE_FOLDER, find_root

_SHORTEST_SECRET = 4
_ASSIGNED = re.compile(
    r"(?i)([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|credential|authorization)[\w-]*[\"']?\s*[=:]\s*)"
    r"(?:(?:bearer|basic)\s+)?(\"[^\"]*\"|'[^']*'|[^\s,;)}\]]+)"
)
_USERINFO = re.compile(r"(?<=://)[^\s/@]+(?=@)")


def write_crash_file(error: BaseException, words: Sequence[str]) -> Path | None:
    """Write what a maintainer needs and return where it stands; None when no place could be written.

    The file goes to `.sophia/crashes/` of the project where that state folder exists, else to the temporary folder. It
    holds the versions, the names of the options (never their values) and the traceback; values of environment
    variables, of `env` and `secrets` in the settings, and whatever looks like a password are blanked.
    """
    text = redact(crash_report(error, words), {**os.environ}, _settings_values(_project(words)))
    name = f"sophia-crash-{os.getpid()}-"
    for folder in (_project(words) / STATE_FOLDER, Path(tempfile.gettempdir())):
        try:
            target = folder / "crashes" if folder.name == STATE_FOLDER else folder
            if target.parent.is_dir() and not target.is_symlink():
                target.mkdir(mode=0o700, exist_ok=True)
                handle, path = tempfile.mkstemp(".txt", name, target)
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
                    stream.write(text)
                return Path(path)
        except OSError:
            continue
    return None


def crash_report(error: BaseException, words: Sequence[str]) -> str:
    """Return the text of a crash file before anything in it is blanked."""
    shown = [word.partition("=")[0] if word.startswith("-") else "<value>" for word in words[1:]]
    lines = [
        f"sophia {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}",
        f"command: {' '.join(['sophia', *words[:1], *shown])}",
        "",
        *(line.rstrip("\n") for line in traceback.format_exception(error)),
    ]
    return "\n".join(lines) + "\n"


def redact(text: str, environment: Mapping[str, str], values: Sequence[str]) -> str:
    """Return `text` without the values of environment variables, the given values, and assignments to secret names."""
    blanks = {value: "[redacted]" for value in values if len(value) >= _SHORTEST_SECRET}
    blanks |= {value: f"${name}" for name, value in environment.items() if len(value) >= _SHORTEST_SECRET}
    if blanks:
        longest_first = sorted(blanks, key=len, reverse=True)
        pattern = re.compile("|".join(re.escape(value) for value in longest_first))
        text = pattern.sub(lambda match: blanks[match.group()], text)
    return _ASSIGNED.sub(r"\1[redacted]", _USERINFO.sub("[redacted]", text))


def _project(words: Sequence[str]) -> Path:
    for word in words[1:]:
        if not word.startswith("-") and os.path.exists(word):
            return find_root(Path(word))
    return find_root(Path())


def _settings_values(root: Path) -> list[str]:
    """Return every value under a key `env` or `secrets` in the settings, as far as they can be read."""
    found: list[str] = []
    for name in (SETTINGS_FILE, PYPROJECT_FILE):
        try:
            content = tomllib.loads((root / name).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        found.extend(_secret_values(content))
    return found


def _secret_values(table: Mapping[str, object]) -> Iterator[str]:
    for key, value in table.items():
        if key in ("env", "secrets"):
            yield from _strings(value)
        elif isinstance(value, dict):
            yield from _secret_values(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    else:
        yield str(value)
