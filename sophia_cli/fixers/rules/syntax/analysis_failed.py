"""A file whose analysis failed.

## What it does
Reports a file that Sophia could not analyse: the process that read it was killed (for instance for want of memory),
took longer than its limit, or met a mistake in Sophia itself. The other files are not affected.

## Why is this bad
Nothing is known about the file: it may be broken or sound.

## Example
```console
$ ulimit -v 100000; sophia scan generated_tables.py
```

## Fix safety
There is no fix. Look whether `python -m py_compile` takes the file; where it does, the fault is Sophia's and worth a
report.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.rule import AT_TOP, Reads, Rule, finding_of
from sophia_cli.fixers.view import FileView, Obstacle


def check(view: FileView) -> Iterator[Finding]:
    if view.obstacle is Obstacle.CRASHED:
        yield finding_of(
            RULE,
            view.path,
            AT_TOP,
            f"the analysis of this file failed: {view.obstacle_reason}",
            data={"reason": view.obstacle_reason},
        )


RULE = Rule(
    id="SPH196",
    name="analysis-failed",
    category=Category.SUSPICIOUS,
    severity=Severity.ERROR,
    summary="a file whose analysis failed",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
