"""A file that is too large to look at.

## What it does
Reports a Python file of more than 10 MiB. Sophia leaves it alone.

## Why is this bad
Compiling takes some forty times a file's size in memory, and seconds at every first import. A file of this size is
data, not code.

## Example
```python
TABLE = [0, 1, 2]  # and two million more
```

## Fix safety
There is no fix. Move the data to a file that the program reads, or name it under `exclude` in the settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.rule import AT_TOP, Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView, Obstacle


def check(view: FileView) -> Iterator[Finding]:
    if view.obstacle is Obstacle.TOO_LARGE:
        yield finding_of(
            RULE,
            view.path,
            AT_TOP,
            f"this file is too large to look at: {view.obstacle_reason} bytes",
            data={"bytes": int(view.obstacle_reason)},
        )


RULE = Rule(
    id="SPH195",
    name="file-too-large",
    category=Category.SUSPICIOUS,
    severity=Severity.WARNING,
    summary="a file that is too large to look at",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
