"""Code that a comment swallowed, or that lost its commented opening line.

## What it does
Reports a call whose opening line was commented out while its arguments stayed, and a line whose tail disappeared
behind a remark that a tool inserted.

## Why is this bad
What is left of the statement is not Python.

## Example
```python
app.run(host="127.0.0.1"  # changed by a tool, port=8080)
```

## Fix safety
Taking code out of a comment is safe when one split is clearly the most plausible. Commenting out the rest is never
safe.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.COMMENTED_CALL,
    "SPH104",
    "code that a comment swallowed, or that lost its commented opening line",
    __doc__,
)
