"""Quotes that are missing, doubled or of the wrong kind.

## What it does
Reports strings and docstrings without their end, junk before a docstring, code glued to a docstring's last line, and
quotes that end a string too early.

## Why is this bad
Everything up to the next quote is read as text, or text is read as code.

## Example
```python
message = "Saved
```

## Fix safety
Safe when one place for the quote is clearly the most plausible and no code becomes text; otherwise unsafe.

## References
- https://docs.python.org/3/reference/lexical_analysis.html#string-and-bytes-literals
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.STRING,
    "SPH112",
    "quotes that are missing, doubled or of the wrong kind",
    __doc__,
)
