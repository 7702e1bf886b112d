"""`from __future__` that is no longer first.

## What it does
Reports a `from __future__` import with other statements before it and moves it to the top of the file.

## Why is this bad
Python accepts it only at the beginning: the file does not compile.

## Example
```python
import os
from __future__ import annotations
```

## Fix safety
Moving the line keeps every other line as it is, and is safe when nothing rivals it. Removing a line is never safe.

## References
- https://docs.python.org/3/reference/simple_stmts.html#future-statements
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.LATE_FUTURE,
    "SPH106",
    "`from __future__` that is no longer first",
    __doc__,
)
