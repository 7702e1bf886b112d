"""A file written for Python 2.

## What it does
Reports a file that does not compile because it is Python 2 as a whole: `print` statements, `except X, error`,
backticks, `<>`, `exec` statements, octal literals such as `0777`. Several signs must agree; a Python 3 file with one
such line is reported and mended as broken.

## Why is this bad
No supported Python runs it. It is a note, since such files are mostly left over or meant for another interpreter.

## Example
```python
try:
    print "loading", name
except IOError, error:
    print >>sys.stderr, error
```

## Fix safety
There is no fix: moving a program to Python 3 changes what it does (division, text and bytes) and is more than a
syntax repair. Python 3.11 and older carry `2to3`, which does the first step.

## References
- https://docs.python.org/3/howto/pyporting.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    if view.python_2 and view.fault is not None:
        fault = view.fault
        yield finding_of(
            RULE,
            view.path,
            Region(fault.line, fault.column, fault.end_line, fault.end_column),
            "this file is written for Python 2",
        )


RULE = Rule(
    id="SPH193",
    name="python-2-file",
    category=Category.CORRECTNESS,
    severity=Severity.NOTE,
    summary="a file written for Python 2",
    reads=Reads.SYNTAX,
    check=check,
    manual=__doc__,
)
