"""A bracket without its partner.

## What it does
Reports an opening bracket that is never closed, a closing one that matches nothing, and pairs of different shape.

## Why is this bad
The compiler reads on for the missing bracket and gives up, often far from the mistake.

## Example
```python
print(len(items)
```

## Fix safety
Adding or removing a bracket is safe when one place is clearly the most plausible; where it could stand in several
places the fix is unsafe.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.BRACKET,
    "SPH102",
    "a bracket without its partner",
    __doc__,
)
