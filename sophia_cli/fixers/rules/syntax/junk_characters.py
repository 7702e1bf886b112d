"""Characters or words that do not belong there.

## What it does
Reports stray letters, doubled or exchanged operators, typographic characters and misspelt keywords, and removes or
replaces them.

## Why is this bad
One stray key keeps the whole file from compiling.

## Example
```python
print(total)v
```

## Fix safety
Removing a stray character is safe when nothing rivals it and no name is lost; otherwise unsafe.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.JUNK,
    "SPH103",
    "characters or words that do not belong there",
    __doc__,
)
