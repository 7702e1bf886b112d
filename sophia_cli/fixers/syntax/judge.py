"""The compiler's verdicts during one repair: every text is asked about once, and the work is counted."""

from __future__ import annotations

import warnings

from sophia_cli.fixers.syntax.compiler import (
    compile_fault,
    earliest_fault,
    is_earliest,
    is_late,
    is_of_its_line,
    quick_fault,
)
from sophia_cli.fixers.syntax.model import SyntaxFault, moved_down
from sophia_cli.fixers.syntax.pieces import pieces_of

_TRY = 800  # characters that the compiler reads in the time that a question costs beside
_COPY = 0.3  # of a text's length: what it costs to put the text together
_LINES_AT_END = 3
_KNOWN = 100  # what it costs to find a known answer


class Judge:
    """What the compiler objects to in texts and parts of texts. `spent` counts characters read, and what a question
    costs beside in characters. Use inside `compiler.quiet()`."""

    __slots__ = ("_faults", "_late", "_pieces", "_warnings", "spent")

    def __init__(self) -> None:
        self.spent = 0
        self._faults: dict[str, SyntaxFault | None] = {}
        self._late: dict[str, SyntaxFault | None] = {}
        self._pieces: dict[str, SyntaxFault | None] = {}
        self._warnings: dict[str, int | None] = {}

    def fault(self, text: str) -> SyntaxFault | None:
        """Return the first objection of parser and scope analysis to `text`."""
        faults = self._faults
        if text in faults:
            self.spent += _KNOWN
            return faults[text]
        return self._learned(text, earliest_fault(text))

    def _learned(self, text: str, fault: SyntaxFault | None) -> SyntaxFault | None:
        """Remember what the compiler says of a text, and what asking cost."""
        self._faults[text] = fault
        share = 1.0 if fault is None else min(1.0, fault.line / (text.count("\n") + 1))
        self.spent += int(len(text) * (share + _COPY)) + _TRY
        return fault

    def whole(self, text: str) -> SyntaxFault | None:
        """Return the first objection to a whole file, None when it compiles to the end.

        What stands before the piece in which it is broken is known from other texts, most of the time.
        """
        pieces = pieces_of(text)
        start = 0
        broken: tuple[str, SyntaxFault] | None = None
        if len(pieces) > 1:
            for piece in pieces:
                fault = self._read(piece)
                if fault is not None:
                    broken = piece, fault
                    break
                start += len(piece)
        if start < len(text):
            above = text.count("\n", 0, start)
            rest = "\n" * above + text[start:] if above else text
            if broken is not None and rest not in self._faults:
                piece, fault = broken
                if _is_settled(piece, fault) or (start + len(piece) == len(text) and is_earliest(fault)):
                    return self._learned(rest, moved_down(fault, above))
            fault = self.fault(rest)
            if fault is not None:
                return fault
        above = 0
        for piece in pieces:
            if not self.compiles(piece):
                break
            above += piece.count("\n")
        else:
            return None
        fault = self._of_compiling(piece)
        if fault is not None and is_late(fault):
            return moved_down(fault, above)
        self.spent += len(text)
        return compile_fault(text)

    def compiles(self, text: str) -> bool:
        """Whether a text or a piece of one compiles to the end."""
        return self.warnings_in(text) is not None

    def warnings_in(self, text: str) -> int | None:
        """Return how many warnings the compiler has about a text that compiles, None when it does not compile."""
        if text not in self._warnings:
            self._warnings[text] = _warnings_of(text)
            self.spent += len(text)
        return self._warnings[text]

    def _of_compiling(self, piece: str) -> SyntaxFault | None:
        """Return what the compiler says of a piece that it can parse."""
        if piece not in self._late:
            self._late[piece] = compile_fault(piece)
            self.spent += len(piece)
        return self._late[piece]

    def _read(self, piece: str) -> SyntaxFault | None:
        """Return what parser and scope analysis say of a piece alone."""
        if piece not in self._pieces:
            self._pieces[piece] = quick_fault(piece)
            self.spent += len(piece)
        return self._pieces[piece]


def _is_settled(piece: str, fault: SyntaxFault) -> bool:
    """Whether a fault of a piece is one of the text that it is cut from, since it does not come from where it ends."""
    return is_of_its_line(fault) and piece.count("\n") - fault.line > _LINES_AT_END


def _warnings_of(text: str) -> int | None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile(text, "<repair>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None
    return sum(issubclass(one.category, SyntaxWarning) for one in caught)
