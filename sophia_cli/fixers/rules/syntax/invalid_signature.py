"""Parameters or arguments in an order that Python refuses.

## What it does
Reports duplicate parameters, parameters without a default after ones with a default, and positional arguments after
keyword arguments.

## Why is this bad
The compiler refuses the definition or the call, and with it the file.

## Example
```python
def connect(host=None, port):
    return (host, port)
```

## Fix safety
Changing a signature changes how it may be called: unsafe unless nothing rivals the fix and no parameter is lost.

## References
- https://docs.python.org/3/reference/compound_stmts.html#function-definitions
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.SIGNATURE,
    "SPH113",
    "parameters or arguments in an order that Python refuses",
    __doc__,
)
