"""A statement or block that breaks off.

## What it does
Reports a `try` without `except` or `finally`, and files that end in the middle of a bracket.

## Why is this bad
The rest is gone, and the file does not compile.

## Example
```python
try:
    connect()
```

## Fix safety
Closing what is open makes the file compile but restores nothing: unsafe unless history shows what stood there.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.TRUNCATED,
    "SPH109",
    "a statement or block that breaks off",
    __doc__,
)
