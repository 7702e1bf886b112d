"""A word that a test leaves to a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    data = view.data or b""
    for match in re.finditer(rb"lost", data):
        line = data.count(b"\n", 0, match.start()) + 1
        column = match.start() - (data.rfind(b"\n", 0, match.start()) + 1) + 1
        yield finding_of(
            RULE,
            view.path,
            Region(line, column, line, column + len(match.group())),
            "the word `lost` stands here",
            data={"word": "lost"},
            fix=Fix(
                "say `found`",
                Safety.MANUAL,
                (Edit(view.path, match.start(), match.end(), b"found"),),
                ("the test says so",),
                0.2,
                alternatives=("say nothing",),
            ),
        )


RULE = Rule(
    id="SPH903",
    name="lost-word",
    category=Category.SUSPICIOUS,
    severity=Severity.NOTE,
    summary="a word for a test",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
