"""A block without a body.

## What it does
Reports a header (`if`, `for`, `def`, ...) that no indented statement follows.

## Why is this bad
The body was deleted, commented out or moved; Python needs at least one statement.

## Example
```python
if ready:
else:
    start()
```

## Fix safety
A `pass` makes the file compile, but what stood there is unknown: the fix is unsafe unless history restores the body.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.EMPTY_SUITE,
    "SPH107",
    "a block without a body",
    __doc__,
)
