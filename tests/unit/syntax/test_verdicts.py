"""What a few lines say of a change is what the whole text says of it."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.compiler import earliest_fault, quiet
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.progress import Trial
from sophia_cli.fixers.syntax.site import Site
from sophia_cli.fixers.syntax.window import Window, views

_ABOVE = "".join(
    f"def step_{number}(value):\n    if value:\n        value += 1\n    return value\n\n\n" for number in range(9)
)
_BELOW = "".join(f"def last_{number}(value):\n    return value - 1\n\n\n" for number in range(9))
_BODIES = {
    "in a function": "def rate(value):\n    total = 1\n    total == = value\n    return total\n\n\n",
    "first in its block": "def rate(value):\n    for one in value:\n        one == = 2\n    return value\n\n\n",
    "in a handler": "try:\n    load()\nexcept OSError:\n    total == = 3\nfinally:\n    close()\n\n\n",
    "in what is tried": "try:\n    total == = 3\n    load()\nfinally:\n    close()\n\n\n",
    "in a case": "match value:\n    case 1:\n        total == = 3\n    case 2:\n        total = 4\n\n\n",
    "below an else": "if value:\n    a = 1\nelse:\n    total == = 3\n    b = 2\n\n\n",
    "two in a row": "def rate(value):\n    total == = value\n    other == = total\n    return other\n\n\n",
}


def _site(body: str) -> Site:
    text = _ABOVE + body + _BELOW
    with quiet():
        fault = earliest_fault(text)
    assert fault is not None
    lines = text.split("\n")[:-1]
    return Site(lines=lines, fault=fault, first=0, last=len(lines), unit="    ")


def _in_place(site: Site, line: str) -> Change:
    return Change(site.line, site.line + 1, (line,) if line else (), Op.REWRITE, Kind.OTHER, "rewrite")


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_the_smallest_view_that_shows_a_fault_is_a_few_lines(body: str) -> None:
    site = _site(body)
    judge = Judge()
    with quiet():
        shown = [
            view
            for view in views(site)
            if (alone := judge.fault(view.text(site.lines[view.first : view.last]))) is not None
            and view.line_of(alone.line) == site.fault.line
        ]
    assert shown
    assert shown[0].last - shown[0].first <= 6


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
@pytest.mark.parametrize(
    "new", ["{0}total = 3", "{0}total = = 4", "{0}total = (3", "{0}    total = 3", "total = 3", ""]
)
def test_the_verdict_on_a_change_is_that_of_the_whole_text(body: str, new: str) -> None:
    site = _site(body)
    indent = site.lines[site.line][: len(site.lines[site.line]) - len(site.lines[site.line].lstrip())]
    change = _in_place(site, new.format(indent))
    with quiet():
        verdict = Trial(site, Window(0, len(site.lines)), Judge()).verdict(change)
        whole = earliest_fault("\n".join(change.apply(site.lines)) + "\n")

    if whole is None:
        assert verdict is not None
        assert verdict.fault is None
    elif whole.line > site.fault.line:
        assert verdict is not None
        assert verdict.fault is not None
        assert verdict.fault.line == whole.line
        assert not verdict.settled or verdict.fault == whole
    else:
        assert verdict is None or verdict.fault is not None
