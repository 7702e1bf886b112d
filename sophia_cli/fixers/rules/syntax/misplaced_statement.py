"""A statement in a scope where it may not stand.

## What it does
Reports `global` after the name was used, `nonlocal` without a binding, `return` outside a function, `break` outside a
loop and a bare `except` that is not last.

## Why is this bad
Python refuses the whole file for it.

## Example
```python
try:
    connect()
except:
    retry()
except OSError:
    stop()
```

## Fix safety
Moving the statement to where it may stand can be safe; removing it is not.

## References
- https://docs.python.org/3/reference/simple_stmts.html#the-global-statement
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.SCOPE,
    "SPH114",
    "a statement in a scope where it may not stand",
    __doc__,
)
