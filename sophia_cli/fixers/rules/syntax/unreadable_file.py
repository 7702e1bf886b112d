"""A file that cannot be read.

## What it does
Reports a Python file that Sophia may not open, that is gone by the time it is read, or that is no regular file: a pipe,
a socket, a device.

## Why is this bad
Python, started by the same user, cannot read it either: whatever imports the file does not start. Sophia says nothing
about its content.

## Example
```console
$ ls -l settings.py
---------- 1 ada ada 812 settings.py
```

## Fix safety
There is no fix. Whose file it is and who may read it is for its owner to decide: `chmod u+r settings.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.rule import AT_TOP, Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView, Obstacle


def check(view: FileView) -> Iterator[Finding]:
    if view.obstacle is Obstacle.UNREADABLE:
        yield finding_of(
            RULE,
            view.path,
            AT_TOP,
            f"this file cannot be read: {view.obstacle_reason}",
            data={"reason": view.obstacle_reason},
        )


RULE = Rule(
    id="SPH190",
    name="unreadable-file",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a file that cannot be read",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
