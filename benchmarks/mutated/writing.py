"""A damaged repository on the disk, with its history in git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.mutated.damage import Change
from benchmarks.mutated.layout import Repository


def write_history(root: Path, before: Mapping[str, str | None], commits: list[tuple[str, Change]]) -> None:
    """Write the first texts and commit them, then every change as a commit of its own."""
    root.mkdir(parents=True)
    _git(root, "init", "-q", "-b", "main")
    _write(root, before)
    _commit(root, "Begin")
    for title, change in commits:
        _write(root, change.texts)
        _commit(root, title)


def read_texts(root: Path) -> dict[str, str]:
    """Return the texts of a repository as they are on the disk."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and inside.parts[0] not in (".git", ".sophia"):
            found[inside.as_posix()] = path.read_bytes().decode("utf-8", "replace")
    return found


def applied(repository: Repository, changes: list[Change]) -> Repository:
    """Return the repository after these changes."""
    texts = dict(repository.texts)
    for change in changes:
        for path, text in change.texts.items():
            if text is None:
                texts.pop(path, None)
            else:
                texts[path] = text
    return Repository(texts, repository.services)


def _write(root: Path, texts: Mapping[str, str | None]) -> None:
    for path, text in texts.items():
        file = root / path
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")


def _commit(root: Path, title: str) -> None:
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "--allow-empty", "-m", title)


def _git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost", "-c", "gc.auto=0", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
