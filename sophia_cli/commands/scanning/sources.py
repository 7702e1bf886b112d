"""Lines of project files, for showing beside findings."""

from __future__ import annotations

from pathlib import Path

from sophia_cli.fixers.contents import read_bytes


class SourceLines:
    """Gives single lines of files below `root`; keeps the last file, so findings should come file by file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path: str | None = None
        self._lines: list[bytes] = []
        # Many findings may stand on one long line, which is held once.
        self._shown: dict[int, str] = {}

    def line(self, path: str, number: int) -> str | None:
        """Return a line (from 1) as text for display, None when the file or the line is not there."""
        if path != self._path:
            data = read_bytes(self._root, path) or b""
            self._shown = {}
            self._path, self._lines = path, data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if not 1 <= number <= len(self._lines):
            return None
        if number not in self._shown:
            self._shown[number] = self._lines[number - 1].decode("utf-8", "replace")
        return self._shown[number]
