"""A word that a test may replace when asked to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    data = view.data or b""
    for match in re.finditer(rb"risky", data):
        line = data.count(b"\n", 0, match.start()) + 1
        column = match.start() - (data.rfind(b"\n", 0, match.start()) + 1) + 1
        yield finding_of(
            RULE,
            view.path,
            Region(line, column, line, column + len(match.group())),
            "the word `risky` stands here",
            data={"word": "risky"},
            fix=Fix(
                "say `sure`",
                Safety.UNSAFE,
                (Edit(view.path, match.start(), match.end(), b"sure"),),
                ("the test says so",),
                0.6,
                alternatives=("say nothing",),
            ),
        )


RULE = Rule(
    id="SPH902",
    name="risky-word",
    category=Category.SUSPICIOUS,
    severity=Severity.WARNING,
    summary="a word for a test",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
