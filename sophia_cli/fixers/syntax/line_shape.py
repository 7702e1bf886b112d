"""The shape of a line: its punctuation and keywords, with names, numbers and strings made equal."""

from __future__ import annotations

import keyword
import re

_TOKEN = re.compile(
    r"(?P<string>[rbfuRBFU]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'))"
    r"|(?P<comment>#.*)|(?P<number>\d[\w.]*)|(?P<name>\w+(?:\.\w+)*)|(?P<sign>[^\s\w])"
)
_LONGEST = 12
_OPEN = ('"""', "'''")


def shape(line: str) -> str:
    """Return a line's shape: `total = sum(a, 3)` and `x = f(y, 0)` have the same one. Indentation does not count."""
    tokens: list[str] = []
    for match in _TOKEN.finditer(line):
        text = match.group()
        match match.lastgroup:
            case "string":
                text = text[-3:] if text.endswith(_OPEN) and text.count(text[-3:]) == 1 else "s"
            case "comment":
                text = "#"
            case "number":
                text = "0"
            case "name" if not keyword.iskeyword(text):
                text = "x"
        if tokens[-2:] != [text, ","] and (text != "," or tokens[-3:-1] != ["x", ","]):
            tokens.append(text)
        else:
            tokens.pop()
    return " ".join(tokens[:_LONGEST])


def indentation(line: str) -> int:
    """Return how far a line is indented, a tab going to the next multiple of eight."""
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())
