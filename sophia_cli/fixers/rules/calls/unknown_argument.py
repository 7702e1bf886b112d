"""A keyword that the callable does not take.

## What it does
Reports calls of the project's own functions, methods, classes and dataclasses with a keyword that they do not take, and
of pydantic models whose configuration says `extra="forbid"`. It is silent where the text does not show what is called:
decorators that may change a signature, base classes of other distributions, names that are bound twice and fit once,
and calls that are meant to fail.

## Why is this bad
The call raises TypeError as soon as it is reached.

## Example
`connect` calls it `timeout_s`:

```python
def connect(host, timeout_s=5):
    return (host, timeout_s)


connect("localhost", timeout=3)
```

## Fix safety
Always unsafe. The keyword is renamed when history shows what its parameter is called today, when exactly one parameter
that is still open has a similar name, or when the value has the name of one. It is removed when history shows that the
parameter was dropped, or when another argument of the call passes the same value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Region, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.calls._definition import defined_in
from sophia_cli.fixers.rules.calls._edits import SourceCalls, calls_in
from sophia_cli.fixers.rules.calls._repair import fixes_of


def check(view: ProjectView) -> Iterator[Finding]:
    unfit = [wrong for wrong in view.calls.wrong if wrong.unknown]
    lines: dict[str, set[int]] = defaultdict(set)
    for wrong in unfit:
        lines[wrong.path].add(wrong.call.line)
    calls: dict[str, SourceCalls | None] = {}
    for wrong in unfit:
        call = wrong.call
        if wrong.path not in calls:
            source = view.sources.text(wrong.path)
            # Calls are reported file by file: the trees of one file are enough to hold.
            calls = {wrong.path: None if source is None else calls_in(source, lines[wrong.path])}
        known = calls[wrong.path]
        fixes = {} if known is None else fixes_of(view, wrong, known)
        for keyword in wrong.unknown:
            data: dict[str, Fact] = {"callable": call.written, "argument": keyword.name, "call_line": call.line}
            yield finding_of(
                RULE,
                wrong.path,
                Region(keyword.line, keyword.column, keyword.line, keyword.column + len(keyword.name)),
                f"`{call.written}` takes no argument `{keyword.name}`{defined_in(wrong)}",
                data=data,
                fix=fixes.get(keyword),
            )


RULE = ProjectRule(
    id="SPH501",
    name="unknown-argument",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a call with a keyword that the callable does not take",
    check=check,
    manual=__doc__,
)
