"""Markers that a merge left behind.

## What it does
Reports `<<<<<<<`, `=======` and `>>>>>>>` lines and proposes one of the two sides, or both.

## Why is this bad
The markers are not Python, and which side is wanted was never decided.

## Example
```python
<<<<<<< HEAD
LIMIT = 10
=======
LIMIT = 20
>>>>>>> feature
```

## Fix safety
Always unsafe: one side is dropped, and only a person knows which one was meant.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.CONFLICT,
    "SPH110",
    "markers that a merge left behind",
    __doc__,
)
