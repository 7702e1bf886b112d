"""`await` in a function that is not `async`.

## What it does
Reports `await`, `async for` and `async with` in a plain function.

## Why is this bad
Python refuses the whole file for it.

## Example
```python
def load(session):
    return await session.get("/")
```

## Fix safety
Making the function `async` changes what its callers get: unsafe unless nothing rivals it.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.AWAIT,
    "SPH115",
    "`await` in a function that is not `async`",
    __doc__,
)
