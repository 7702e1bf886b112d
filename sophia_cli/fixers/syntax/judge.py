"""The compiler's verdicts during one repair: every text is asked about once, and the work is counted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from sophia_cli.fixers.syntax.compiler import compile_fault, earliest_fault, is_late, is_of_its_line, stage_of
from sophia_cli.fixers.syntax.model import SyntaxFault, moved_down
from sophia_cli.fixers.syntax.pieces import pieces_of
from sophia_cli.fixers.syntax.sections import Section, Sections

_TRY = 800  # characters that the compiler reads in the time that a question costs beside
_LONG = 3_000  # characters from which on a text is looked at in sections
_COPY = 0.3  # of a text's length: what it costs to put the text together
_LINES_AT_END = 3
_KNOWN = 100  # what it costs to find a known answer


class Judge:
    """What the compiler objects to in texts and parts of texts. `spent` counts characters read, and what a question
    costs beside in characters. Use inside `compiler.quiet()`."""

    __slots__ = ("_faults", "_late", "_sections", "_warnings", "spent")

    def __init__(self) -> None:
        self.spent = 0
        self._faults: dict[str, SyntaxFault | None] = {}
        self._late: dict[str, SyntaxFault | None] = {}
        self._warnings: dict[str, int | None] = {}
        self._sections = Sections()

    def fault(self, text: str) -> SyntaxFault | None:
        """Return the first objection of parser and scope analysis to `text`.

        What stands before the piece or section in which it is broken is known from other texts, most of the time.
        """
        faults = self._faults
        if text in faults:
            self.spent += _KNOWN
            return faults[text]
        if len(text) >= _LONG:
            pieces = pieces_of(text)
            sections = _as_sections(pieces) if len(pieces) > 1 else self._sections.of(text)
            if len(sections) > 1:
                self.spent += int(_COPY * len(text))
                fault = faults[text] = self._first(text, sections, self._alone if len(pieces) == 1 else self.fault)
                return fault
        return self._learned(text, earliest_fault(text))

    def whole(self, text: str) -> SyntaxFault | None:
        """Return the first objection to a whole file, None when it compiles to the end."""
        fault = self.fault(text)
        if fault is not None:
            return fault
        above = 0
        for piece in pieces_of(text):
            if not self.compiles(piece):
                break
            above += piece.count("\n")
        else:
            return None
        for section in self._sections.of(piece):
            fault = self._of_compiling(section.text(piece))
            if fault is not None and is_late(fault):
                return moved_down(section.in_whole(piece, fault), above)
        self.spent += len(text)
        return compile_fault(text)

    def compiles(self, text: str) -> bool:
        """Whether a text or a piece of one compiles to the end."""
        return self.warnings_in(text) is not None

    def warnings_in(self, text: str) -> int | None:
        """Return how many warnings the compiler has about a text that compiles, None when it does not compile."""
        if text not in self._warnings:
            self._warnings[text] = self._warned(text) if len(text) < _LONG else self._sum_of_warnings(text)
        return self._warnings[text]

    def _sum_of_warnings(self, text: str) -> int | None:
        parts = [section.text(text) for section in self._sections.of(text)]
        found = [self._warned(part) for part in parts]
        number = sum(one or 0 for one in found)
        for part, one in zip(parts, found, strict=True):
            if one is None and len(parts) > 1:
                fault = self._alone(part)
                if fault is None or is_late(fault):
                    return None
                number = -1  # it may be cut in the middle of something
        return self._warned(text) if number < 0 or len(parts) == 1 else number

    def _warned(self, text: str) -> int | None:
        if text not in self._warnings:
            self._warnings[text] = _warnings_of(text)
            self.spent += len(text)
        return self._warnings[text]

    def _first(
        self, text: str, sections: Sequence[Section], read: Callable[[str], SyntaxFault | None]
    ) -> SyntaxFault | None:
        """Return the first objection to a text in what it is to its sections."""
        late: SyntaxFault | None = None
        skipped = 0
        for index, section in enumerate(sections):
            if section.start < skipped:
                continue
            for last in range(index, len(sections)):
                part = section.up_to(sections[last])
                own = part.text(text)
                fault = (read if last == index else self._alone)(own)
                if fault is None or is_late(fault):
                    late = _reported_first(late, None if fault is None else part.in_whole(text, fault))
                    skipped = part.end
                    break
                if last + 1 == len(sections) or _is_settled(own, fault):
                    return part.in_whole(text, fault)
                if last > index or not is_of_its_line(fault):
                    rest = section.up_to(sections[-1])
                    fault = self._alone(rest.text(text))
                    found = None if fault is None else rest.in_whole(text, fault)
                    return found if found is not None and not is_late(found) else _reported_first(late, found)
        return late

    def _alone(self, text: str) -> SyntaxFault | None:
        if text in self._faults:
            return self._faults[text]
        return self._learned(text, earliest_fault(text))

    def _learned(self, text: str, fault: SyntaxFault | None) -> SyntaxFault | None:
        """Remember what the compiler says of a text, and what asking cost."""
        self._faults[text] = fault
        share = 1.0 if fault is None else min(1.0, fault.line / (text.count("\n") + 1))
        self.spent += int(len(text) * (share + _COPY)) + _TRY
        return fault

    def _of_compiling(self, piece: str) -> SyntaxFault | None:
        """Return what the compiler says of a piece that it can parse."""
        if piece not in self._late:
            self._late[piece] = compile_fault(piece)
            self.spent += len(piece)
        return self._late[piece]


def _as_sections(pieces: Sequence[str]) -> list[Section]:
    ends = list(accumulate(map(len, pieces)))
    return [Section("", start, end, "") for start, end in pairwise([0, *ends])]


def _reported_first(above: SyntaxFault | None, below: SyntaxFault | None) -> SyntaxFault | None:
    """Return which of two faults that the compiler only tells of a parsed text it tells first."""
    if above is None or below is None:
        return above or below
    return below if stage_of(below) < stage_of(above) else above


def _is_settled(part: str, fault: SyntaxFault) -> bool:
    """Whether a fault of a part is one of the text that it is cut from, since it does not come from where it ends."""
    return is_of_its_line(fault) and part.count("\n") - fault.line > _LINES_AT_END


def _warnings_of(text: str) -> int | None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile(text, "<repair>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None
    return sum(issubclass(one.category, SyntaxWarning) for one in caught)
