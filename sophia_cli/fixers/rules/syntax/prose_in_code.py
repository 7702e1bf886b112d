"""Text or markup that is not Python.

## What it does
Reports Markdown fences, interpreter prompts, pasted diffs and sentences between the statements.

## Why is this bad
They usually come along with code copied from a page or a chat, and keep the file from compiling.

## Example
````python
```python
LIMIT = 10
```
````

## Fix safety
Removing fences and prompts loses no code; turning text into a comment is unsafe, since it might be damaged code.
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.PROSE,
    "SPH111",
    "text or markup that is not Python",
    __doc__,
)
