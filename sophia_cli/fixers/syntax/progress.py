"""Whether a change helps: what the compiler says of a window after it, and whether that is further on than before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.compiler import is_earliest, is_of_its_line, is_of_lines_above, stage_of
from sophia_cli.fixers.syntax.features import flips_docstrings
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import SyntaxFault, lines_in, moved_down
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, message_group
from sophia_cli.fixers.syntax.window import Window, continues, tail_views, views


class Verdict(NamedTuple):
    """What is wrong next after a change that helps; None when nothing is, as far as one sees.

    `settled` says that it is the first fault of the whole text too.
    """

    fault: SyntaxFault | None
    settled: bool = False


def shows(window: Window, lines: list[str], fault: SyntaxFault, judge: Judge) -> bool:
    """Whether the window, compiled alone, has the same fault at the same line."""
    if window.first == 0 and window.last == len(lines):
        return True
    text = window.text(lines[window.first : window.last])
    alone = judge.fault(text)
    return alone is not None and window.line_of(alone.line) == fault.line and alone.type == fault.type


def fault_after(lines: list[str], change: Change, window: Window, judge: Judge) -> SyntaxFault | None:
    """What the compiler says of the window after the change, in lines of the whole text."""
    inside = change.start >= window.first and change.end <= window.last
    if inside and change.start == window.first and change.lines and change.lines[0].strip():
        # A window that begins at another level than before can only be judged with what stands above it.
        inside = window.nested == change.lines[0][:1].isspace()
    return _fault_in(window if inside else Window(0, max(window.last, change.end)), lines, change, judge)


def _fault_in(window: Window, lines: list[str], change: Change, judge: Judge) -> SyntaxFault | None:
    """What the compiler says of a window that holds the change, in lines of the whole text."""
    first, last = window.first, window.last
    fault = judge.fault(window.text([*lines[first : change.start], *change.lines, *lines[change.end : last]]))
    return None if fault is None else moved_down(fault, first - len(window.headers))


class Trial:
    """The changes at one site, judged in as few lines as will do."""

    __slots__ = ("_judge", "_site", "_tails", "_views", "_window")

    def __init__(self, site: Site, window: Window, judge: Judge) -> None:
        self._site, self._window, self._judge = site, window, judge
        self._views = _Shown(views(site), site, judge)
        self._tails = _Shown(tail_views(site), site, judge)

    def verdict(self, change: Change) -> Verdict | None:
        """Return what the compiler says next, None when the change brings nothing forward."""
        site, judge = self._site, self._judge
        # Where strings begin and end changes below it, so that a few lines may be cut in the middle of one.
        view = None if change.opens_rest else next(self._views.around(change), None)
        fault = None if view is None else _fault_in(view, site.lines, change, judge)
        if view is not None and fault is not None:
            if is_progress(site.fault, fault, change):
                if is_next(fault, view, site, change):
                    return Verdict(fault, is_settled(fault, view))
            elif is_final(fault, change):
                return None
        window = next(self._tails.around(change), self._window)
        fault = fault_after(site.lines, change, window, judge)
        return Verdict(fault) if fault is None or is_progress(site.fault, fault, change) else None


def _shows_alike(view: Window, site: Site, judge: Judge) -> bool:
    """Whether a view, compiled alone, has the site's fault at the same place for the same reason."""
    alone = judge.fault(view.text(site.lines[view.first : view.last]))
    if alone is None:
        return False
    place = (view.line_of(alone.line), alone.column, alone.type, message_group(alone.message))
    return place == (site.fault.line, site.fault.column, site.fault.type, site.group)


class _Shown:
    """Those of ever larger windows that show the site's fault, found as they are asked for."""

    __slots__ = ("_judge", "_more", "_shown", "_site")

    def __init__(self, windows: Iterator[Window], site: Site, judge: Judge) -> None:
        self._more, self._site, self._judge = windows, site, judge
        self._shown: list[Window] = []

    def around(self, change: Change) -> Iterator[Window]:
        """Yield those that hold a change, the smallest first."""
        for window in self._shown:
            if _holds(window, change, self._site):
                yield window
        for window in self._more:
            if _shows_alike(window, self._site, self._judge):
                self._shown.append(window)
                if _holds(window, change, self._site):
                    yield window


def _holds(window: Window, change: Change, site: Site) -> bool:
    """Whether a change is within a window, and what begins the window begins it after the change."""
    if change.start < window.first or change.end > window.last:
        return False
    if change.start > window.first:
        return True
    lines = site.lines
    after = chain(change.lines, (lines[index] for index in range(change.end, window.last)))
    first = next((line for line in after if is_code(line)), "")
    return indent_of(first) == indent_of(lines[window.first]) and not continues(first)


def is_next(fault: SyntaxFault, view: Window, site: Site, change: Change) -> bool:
    """Whether a fault in a view is the next one of the whole text, wherever that goes on."""
    if not is_earliest(site.fault) and not is_of_lines_above(site.fault):
        return False
    last = view.last + len(change.lines) - (change.end - change.start)
    if fault.line >= last or not (is_of_its_line(fault) or is_of_lines_above(fault)):
        return False
    return not flips_docstrings(site, change)


def is_settled(fault: SyntaxFault, view: Window) -> bool:
    """Whether the next fault is told in the same words of the whole text: none of them is about our own headers."""
    return is_of_its_line(fault) and all(line > view.first for line in lines_in(fault))


def is_final(fault: SyntaxFault, change: Change) -> bool:
    """Whether a fault in a few lines is one in the whole text too, whatever stands above and below."""
    if is_vague(fault):
        return False
    row = fault.line - 1 - change.start
    return not (0 <= row < len(change.lines) and continues(change.lines[row]))


def is_where_parsing_stopped(fault: SyntaxFault) -> bool:
    """Whether a fault stands at the token that does not fit, not at the begin of something that turned out wrong."""
    return fault.message == "invalid syntax" or "'except' or 'finally'" in fault.message


def is_headless(fault: SyntaxFault) -> bool:
    """Whether a `try` is not followed by what it needs."""
    return "'except' or 'finally'" in fault.message


def is_vague(fault: SyntaxFault) -> bool:
    """Whether the fault's place says little about how far the text is right: something open swallows the rest."""
    message = fault.message
    return "never closed" in message or "unterminated" in message or "does not match opening" in message


_REMOVALS = (Op.DELETE_TOKEN, Op.DELETE_TOKENS, Op.DELETE_BRACKET)


def is_progress(before: SyntaxFault, after: SyntaxFault, change: Change) -> bool:
    """Whether the next fault stands behind the one that was there, counted in lines of the changed text."""
    line = before.line - 1
    if change.op is Op.MERGE_CONFLICT or stage_of(after) > stage_of(before):
        return True
    growth = len(change.lines) - (change.end - change.start)
    if change.end <= line:
        line += growth
    elif change.start <= line < change.end:
        line = min(line + max(growth, 0), change.start + len(change.lines) - 1) if change.lines else change.start - 1
    if after.line - 1 > line:
        return True
    if after.line - 1 == line and is_headless(before) and after.message == "unexpected indent":
        return True
    # What follows something that is taken out stands where that was.
    nearest = before.column if change.op in _REMOVALS else before.column + 1
    if after.line - 1 != line or after.column < nearest:
        return False
    if after.message != before.message:
        return True
    # A comma brings the next comma that lacks to light; a fault that was only shifted by it stays.
    return change.op is Op.INSERT_TOKEN and change.token == "," and after.column > before.column + len(", ")
