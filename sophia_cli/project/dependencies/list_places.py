"""What to cut so that an entry leaves a list, in TOML or Python, and the file keeps its layout."""

from __future__ import annotations

import re

from sophia_cli.project.dependencies.text import DeclarationText

_AFTER = re.compile(r"[ \t]*,?[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|$)")
_COMMA_AFTER = re.compile(r"[ \t]*,[ \t]*")
_COMMA_BEFORE = re.compile(r",[ \t]*$")


def entry_range(text: DeclarationText, start: int, end: int, array: int) -> tuple[int, int]:
    """Return the range to cut for the entry at `start` to `end` of a list that begins at `array`.

    That is the whole line of an entry that has one to itself, else the entry and one comma.
    """
    words = text.text
    line = text.starts[text.line(start) - 1]
    after = _AFTER.match(words, end)
    if line > array and not words[line:start].strip() and after:
        return line, text.line_end(after.end())
    if found := _COMMA_AFTER.match(words, end):
        return start, found.end()
    if found := _COMMA_BEFORE.search(words, array, start):
        return found.start(), end
    return start, end


def line_range(text: DeclarationText, start: int, end: int) -> tuple[int, int]:
    """Return the range of the lines that `start` to `end` stand on, the last line ending included."""
    return text.starts[text.line(start) - 1], text.line_end(end)
