"""The lock file of a project as requirements, read alone where it says enough, else by the tool that wrote it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.releases.lock_lines import UnreadableLock, locked_lines
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.trouble import last_words

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_LIMIT_S = 60.0
# Tried one after the other: extras that exclude one another cannot be exported together.
_UV = ("uv", "export", "--frozen", "--offline", "--quiet", "--no-header", "--no-annotate", "--no-dev")
_EXPORTS = {
    "uv.lock": ((*_UV, "--all-extras"), _UV),
    "poetry.lock": (("poetry", "export", "--no-interaction", "--format", "requirements.txt", "--all-extras"),),
    "pdm.lock": (("pdm", "export", "--no-default", "--prod", "--format", "requirements"),),
}


@dataclass(frozen=True, slots=True)
class ExportedLock:
    """A lock file's name, and what it holds as the text of a requirements file."""

    name: str
    text: str


def export_lock(root: Path, python: str, variables: Mapping[str, str]) -> ExportedLock | None:
    """Return the first of `LOCK_FILES` that the project has, as requirements; None where it has none.

    UnavailableError (`lock-not-exported`) where it cannot be read alone and its tool is missing or refuses. The network
    is not asked. Tools that lie in the project are not run.
    """
    for name in LOCK_FILES:
        path = root / name
        try:
            text = path.read_text("utf-8") if path.is_file() else None
        except (OSError, ValueError) as error:
            raise _not_exported(name, str(error)) from error
        if text is not None:
            return ExportedLock(name, _exported(root, name, text, python, variables))
    return None


def _exported(root: Path, name: str, text: str, python: str, variables: Mapping[str, str]) -> str:
    reason = "only its own tool reads it" if name in _EXPORTS else "no tool is known that reads it"
    if name not in ("uv.lock", "pylock.toml"):
        try:
            return "\n".join(locked_lines(name, text))
        except UnreadableLock as error:
            reason = str(error)
    for words in _EXPORTS.get(name, ()):
        tool = _tool(words[0], root, variables)
        if tool is None:
            raise _not_exported(name, f"{reason}, and `{words[0]}` is not found")
        more = ("--python", python) if words[0] == "uv" else ()
        ended = run_tool((tool, *words[1:], *more), folder=root, environment=_plain(variables), limit_s=_LIMIT_S)
        if ended.code == 0:
            return ended.out
        reason = f"`{' '.join(words[:2])}` says: {last_words(f'{ended.out}{os.linesep}{ended.err}')}"
    raise _not_exported(name, reason)


def _tool(name: str, root: Path, variables: Mapping[str, str]) -> str | None:
    folders = [folder for folder in variables.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None or Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        return None
    return found


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    ours = ("PYTHON", "SOPHIA_", "__PYVENV", "VIRTUAL_ENV", "UV_PROJECT", "UV_WORKING_DIR")
    kept = {name: value for name, value in variables.items() if not name.startswith(ours)}
    return {**kept, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}


def _not_exported(name: str, reason: str) -> UnavailableError:
    return UnavailableError(
        "lock-not-exported",
        f"no environment can be built for a release from `{name}`: {reason}",
        hint="install the tool that wrote it, or export it to `requirements.lock`, which is taken first",
        location=name,
    )
