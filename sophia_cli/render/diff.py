"""A change as a unified diff: what `git apply` and `patch` read, byte for byte when it is not shown on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sophia_cli.core.diff import DiffLine, Hunk, Mark, hunks_of
from sophia_cli.core.plan import ChangedFile
from sophia_cli.render.style import Style, Tone, visible

_NEEDS_QUOTES = re.compile(r'["\\\x00-\x1f\x7f]')


def unified(changes: Iterable[ChangedFile], style: Style) -> str:
    """Return the diff of all files, empty when nothing changes.

    Bytes that are not UTF-8 come out as surrogates (`surrogateescape`), so the writer can give the bytes back.
    """
    return "".join(_file(change, style) for change in changes)


def _file(change: ChangedFile, style: Style) -> str:
    parts = [
        style.paint(f"--- {'/dev/null' if change.is_created else _name('a/' + change.path)}", Tone.STRONG) + "\n",
        style.paint(f"+++ {_name('b/' + change.path)}", Tone.STRONG) + "\n",
    ]
    for hunk in hunks_of(change):
        parts.append(style.paint(_header(hunk), Tone.NOTE) + "\n")
        parts += [_line(line, style) for line in hunk.lines]
    return "".join(parts)


def _name(path: str) -> str:
    if not _NEEDS_QUOTES.search(path):
        return path
    return '"' + _NEEDS_QUOTES.sub(lambda m: f"\\{ord(m.group()):03o}", path) + '"'


def _header(hunk: Hunk) -> str:
    return f"@@ -{_span(hunk.old_start, hunk.old_count)} +{_span(hunk.new_start, hunk.new_count)} @@"


def _span(start: int, count: int) -> str:
    return f"{start}" if count == 1 else f"{start},{count}"


def _line(line: DiffLine, style: Style) -> str:
    complete = line.data.endswith(b"\n")
    text = (line.data[:-1] if complete else line.data).decode("utf-8", "surrogateescape")
    if style.colours:
        text = visible(text.removesuffix("\r"))
    shown = line.mark.value + text
    if line.mark is not Mark.KEPT:
        shown = style.paint(shown, Tone.GOOD if line.mark is Mark.ADDED else Tone.ERROR)
    return shown + ("\n" if complete else "\n\\ No newline at end of file\n")
