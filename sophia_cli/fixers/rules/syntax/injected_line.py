"""An import that a tool put into the middle of a block.

## What it does
Reports an import at the left margin in the middle of a `try`, a class body or a bracketed list, and moves it before the
statement that it interrupts.

## Why is this bad
The line ends the block it interrupts, and the rest of the block no longer belongs to anything.

## Example
```python
from shop.models import (
    Order,
import logging
    Customer,
)
```

## Fix safety
Moving the import keeps every line and may be safe; removing it never is.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.INJECTED_LINE,
    "SPH105",
    "an import that a tool put into the middle of a block",
    __doc__,
)
