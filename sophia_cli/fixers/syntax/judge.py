"""The compiler's verdicts during one repair: every text is asked about once, and the work is counted."""

from __future__ import annotations

import re

from sophia_cli.fixers.syntax.compiler import compile_fault, earliest_fault, quick_fault
from sophia_cli.fixers.syntax.model import SyntaxFault

_TRY = 1500  # characters that the compiler reads in the time that a question costs beside
_COPY = 0.3  # of a text's length: what it costs to put the text together
_KNOWN = 100  # what it costs to find a known answer
_PIECE = re.compile(r"(?<=\n\n)(?!(?:else|elif|except|finally|case)\b)[A-Za-z_@]")
_SHORTEST = 300
_GLOBAL = re.compile(r"^[ \t]*global\b", re.MULTILINE)


class Judge:
    """What the compiler objects to in texts and parts of texts. `spent` counts characters read, and what a question
    costs beside in characters. Use inside `compiler.quiet()`."""

    __slots__ = ("_faults", "_pieces", "_sound", "spent")

    def __init__(self) -> None:
        self.spent = 0
        self._faults: dict[str, SyntaxFault | None] = {}
        self._pieces: dict[str, bool] = {}
        self._sound: dict[str, bool] = {}

    def fault(self, text: str) -> SyntaxFault | None:
        """Return the first objection of parser and scope analysis to `text`."""
        faults = self._faults
        if text in faults:
            self.spent += _KNOWN
            return faults[text]
        fault = faults[text] = earliest_fault(text)
        share = 1.0 if fault is None else min(1.0, fault.line / (text.count("\n") + 1))
        self.spent += int(len(text) * (share + _COPY)) + _TRY
        return fault

    def whole(self, text: str) -> SyntaxFault | None:
        """Return the first objection to a whole file, None when it compiles to the end.

        What stands before the piece in which it is broken is known from other texts, most of the time.
        """
        pieces = _cut(text)
        start = 0
        if len(pieces) > 1:
            for piece in pieces:
                if not self._reads(piece):
                    break
                start += len(piece)
        if start < len(text):
            blank = "\n" * text.count("\n", 0, start)
            fault = self.fault(blank + text[start:] if blank else text)
            if fault is not None:
                return fault
        if all(self._compiles(piece) for piece in pieces):
            return None
        self.spent += len(text)
        return compile_fault(text)

    def _reads(self, piece: str) -> bool:
        known = self._pieces.get(piece)
        if known is None:
            known = self._pieces[piece] = quick_fault(piece) is None
            self.spent += len(piece)
        return known

    def _compiles(self, piece: str) -> bool:
        known = self._sound.get(piece)
        if known is None:
            known = self._sound[piece] = compile_fault(piece) is None
            self.spent += len(piece)
        return known


def _cut(text: str) -> list[str]:
    """Cut a file before statements at its margin that follow a blank line; where pieces speak of each other, not."""
    if any(not _in_definition(text, match.start()) for match in _GLOBAL.finditer(text)):
        return [text]
    first = max(text.rfind("from __future__"), 0) + _SHORTEST
    starts = [0]
    for match in _PIECE.finditer(text, first):
        if match.start() - starts[-1] >= _SHORTEST:
            starts.append(match.start())
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _in_definition(text: str, position: int) -> bool:
    """Whether the nearest line at the margin at or above begins a function or class."""
    while position >= 0:
        start = text.rfind("\n", 0, position) + 1
        if text[start : start + 1].isalpha():
            return text.startswith(("def", "class", "async"), start)
        position = start - 1
    return False
