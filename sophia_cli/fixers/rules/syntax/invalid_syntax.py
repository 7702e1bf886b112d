"""A statement that the compiler rejects and that no other rule describes better.

## What it does
Reports the place where Python stops reading a file, in the compiler's own words, where the damage is of no kind that
another rule names: a statement that only history can restore, a choice written the wrong way round, or a file for which
no repair was found. The commit that broke the file is named where history knows it.

## Why is this bad
A file that does not compile cannot be imported: whatever needs it does not start.

## Example
```python
def level(ready):
    return ready ? 1 : 0
```

## Fix safety
The fix is the smallest plausible edit after which the whole file compiles. It is safe only when no rival comes close
and no line of code is lost; otherwise it is unsafe and applied with `--unsafe`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.rules.syntax._sites import facts, fault_region, site_findings
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.view import FileView


def check(view: FileView) -> Iterator[Finding]:
    yield from site_findings(view, Kind.OTHER, lambda: RULE)
    fault = view.fault
    if fault is not None and view.repair is None and view.needs_python is None and view.is_repairable:
        yield finding_of(RULE, view.path, fault_region(fault), fault.message, data=facts(view))


RULE = Rule(
    id="SPH100",
    name="invalid-syntax",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a statement that the compiler rejects",
    reads=Reads.SYNTAX,
    check=check,
    manual=__doc__,
)
