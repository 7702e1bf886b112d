"""Nesting beyond what the compiler takes.

## What it does
Reports a file that the compiler gives up on for the depth of its nesting: more than 200 open brackets, 100 levels of
indentation or 20 nested blocks, or an expression (a chain of operators, calls or attributes) that exhausts its stack.

## Why is this bad
The file cannot be imported, although nothing in it need be misspelled. Programs that write Python as data produce it.

## Example
```python
VALUE = ((((((((((1))))))))))  # and 200 more
```

## Fix safety
There is no fix: the code has to be written differently, for instance as a loop or as data that is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.rules.syntax._sites import past_facts
from sophia_cli.fixers.syntax.limits import is_too_deep
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    fault = view.fault
    if fault is not None and view.not_python is None and is_too_deep(fault):
        yield finding_of(
            RULE,
            view.path,
            Region(fault.line, fault.column, fault.end_line, fault.end_column),
            f"this file nests deeper than the compiler takes: {fault.message}",
            data={"type": fault.type, **past_facts(view)},
        )


RULE = Rule(
    id="SPH194",
    name="too-deep",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="nesting beyond what the compiler takes",
    reads=Reads.SYNTAX,
    check=check,
    manual=__doc__,
)
