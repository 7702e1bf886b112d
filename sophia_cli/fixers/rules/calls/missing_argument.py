"""A call without an argument that it needs.

## What it does
Reports calls of the project's own functions, methods, classes, dataclasses and pydantic models that leave out an
argument without a default. It is silent where the text does not show what is called or what is passed: `*` and `**`
arguments, decorators that may change a signature, base classes of other distributions, models with aliases, validators
that run first or a configuration that is not written out, and calls that are meant to fail.

## Why is this bad
The call raises TypeError (a model ValidationError) as soon as it is reached.

## Example
`save` needs a `path`:

```python
def save(report, path):
    path.write_text(report)


save("done")
```

## Fix safety
There is no fix: nobody but you knows the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.calls._definition import defined_in


def check(view: ProjectView) -> Iterator[Finding]:
    for wrong in view.calls.wrong:
        call = wrong.call
        end = call.column + len(re.split(r"[(\[]", call.written, maxsplit=1)[0])
        for argument in wrong.missing:
            yield finding_of(
                RULE,
                wrong.path,
                Region(call.line, call.column, call.line, end),
                f"`{call.written}` needs an argument `{argument}`{defined_in(wrong)}",
                data={"callable": call.written, "argument": argument},
            )


RULE = ProjectRule(
    id="SPH502",
    name="missing-argument",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a call without an argument that it needs",
    check=check,
    manual=__doc__,
)
