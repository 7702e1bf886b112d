"""Whether a change helps: what the compiler says of a window after it, and whether that is further on than before."""

from __future__ import annotations

from typing import NamedTuple

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.compiler import stage_of
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.site import Site
from sophia_cli.fixers.syntax.window import Window, continues, tail_view, views


class Verdict(NamedTuple):
    """What is wrong next after a change that helps; None when nothing is, as far as one sees."""

    fault: SyntaxFault | None


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
    actual = window if inside else Window(0, max(window.last, change.end))
    first, last = actual.first, actual.last
    text = actual.text([*lines[first : change.start], *change.lines, *lines[change.end : last]])
    fault = judge.fault(text)
    if fault is None:
        return None
    return SyntaxFault(
        actual.line_of(fault.line), fault.column, actual.line_of(fault.end_line), fault.end_column, fault.message,
        fault.type,
    )  # fmt: skip


class Trial:
    """The changes at one site, judged in as few lines as will do."""

    __slots__ = ("_judge", "_site", "_tail", "_views", "_window")

    def __init__(self, site: Site, window: Window, judge: Judge) -> None:
        self._site, self._window, self._judge = site, window, judge
        self._views = [view for view in views(site) if shows(view, site.lines, site.fault, judge)]
        tail = tail_view(site)
        self._tail = tail if tail is not None and shows(tail, site.lines, site.fault, judge) else None

    def verdict(self, change: Change) -> Verdict | None:
        """Return what the compiler says next, None when the change brings nothing forward."""
        site, judge, tail = self._site, self._judge, self._tail
        # Where strings begin and end changes below it, so that a few lines may be cut in the middle of one.
        views = () if change.opens_rest else self._views
        if any(stays_broken(site, change, view, judge) for view in views):
            return None
        window = tail if tail is not None and change.start >= tail.first else self._window
        fault = fault_after(site.lines, change, window, judge)
        return Verdict(fault) if fault is None or is_progress(site.fault, fault, change) else None


def stays_broken(site: Site, change: Change, view: Window, judge: Judge) -> bool:
    """Whether the few lines of a view tell that the change does not help."""
    if change.start < view.first or change.end > view.last:
        return False
    fault = fault_after(site.lines, change, view, judge)
    return fault is not None and is_final(fault, change) and not is_progress(site.fault, fault, change)


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
    if after.line - 1 != line or after.column <= before.column:
        return False
    return after.message != before.message or (change.op is Op.INSERT_TOKEN and change.token == ",")
