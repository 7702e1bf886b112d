"""A Python name with something else behind it.

## What it does
Reports a file that ends in `.py` but holds HTML, JSON, a shell script, an archive, an image or another binary. What
stands in the file decides, not what it is called.

## Why is this bad
Python cannot import it. Typical causes are a download that saved an error page, a Git LFS pointer that was never
resolved, and a notebook that was renamed.

## Example
```html
<!DOCTYPE html>
<html><body>404: Not Found</body></html>
```

## Fix safety
There is no fix: Sophia never "repairs" another language into Python. Fetch the right file, or give this one its own
suffix.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.rule import AT_TOP, Reads, Rule, finding_of
from sophia_cli.fixers.rules.syntax._sites import past_facts
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    if view.not_python is not None:
        yield finding_of(
            RULE,
            view.path,
            AT_TOP,
            f"this file holds {view.not_python} and no Python",
            data={"content": view.not_python, **past_facts(view)},
        )


RULE = Rule(
    id="SPH192",
    name="not-python",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a Python name with something else behind it",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
