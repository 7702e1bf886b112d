"""Source roots in commands and environments: PYTHONPATH and working folders in compose files, workflows, scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap, normal_folder

_PYTHONPATH = re.compile(r"\bPYTHONPATH\s*[:=]\s*[\"']?([^\s\"'#]+)|--pythonpath[ =]([^\s\"']+)")
_FOLDER = re.compile(
    r"\b(?:working_dir|working-directory)\s*:\s*[\"']?([^\s\"'#]+)"
    r"|(?:--app-dir|--chdir)[ =][\"']?([^\s\"']+)"
    r"|(?:^|[\s;&|(\"'])cd\s+[\"']?([\w./${}-]+)[\"']?\s*(?:&&|;|$)",
    re.MULTILINE,
)
_ENTERED = re.compile(r"(?:^|[\s;&|(\"'])cd\s+[\"']?([\w./${}-]+)[\"']?\s*(?:&&|;)")
_VARIABLE = re.compile(r"\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|%\w+%")


def command_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the folders that PYTHONPATH names, for all files, and those that commands start in, for files below.

    Absolute and variable beginnings (`/app`, `$PWD`) are dropped: what is left must be a folder of the project.
    """
    base = path.rpartition("/")[0]
    text = _VARIABLE.sub("", text)
    for match in _PYTHONPATH.finditer(text):
        value = match.group(1) or match.group(2)
        before = [
            found.group(1) for found in _ENTERED.finditer(text, text.rfind("\n", 0, match.start()) + 1, match.start())
        ]
        start = _folder(base, before[-1], modules) if before else None
        for entry in value.split(":"):
            folder = (_folder(start, entry, modules) if start else None) or _folder(base, entry, modules)
            if folder:
                yield SourceRoot(folder, Reason.PYTHONPATH, f"{path}:{_line(text, match.start())}")
    for match in _FOLDER.finditer(text):
        entry = next(group for group in match.groups() if group)
        folder = _folder(base, entry, modules)
        if folder:
            yield SourceRoot(folder, Reason.WORKING_FOLDER, f"{path}:{_line(text, match.start())}", folder)


def _folder(base: str, written: str, modules: ModuleMap) -> str | None:
    """Return the project's folder that a path means: beside the file, below the root, or below a dropped beginning."""
    parts = [part for part in written.split("/") if part]
    while parts:
        for start in dict.fromkeys((base, "")):
            folder = normal_folder(start, parts)
            if folder and folder in modules.folders:
                return folder
        if not written.startswith("/"):
            return None
        parts = parts[1:]
    return None


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
