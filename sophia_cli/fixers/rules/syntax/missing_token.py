"""A colon, comma, operator or keyword that is missing.

## What it does
Reports statements that need one token more, or a line break that should not be there, and adds or joins it.

## Why is this bad
The statement is not Python without it.

## Example
```python
def area(width, height)
    return width * height
```

## Fix safety
Adding the token is safe when no other addition comes close; nothing is taken away.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.MISSING_TOKEN,
    "SPH108",
    "a colon, comma, operator or keyword that is missing",
    __doc__,
)
