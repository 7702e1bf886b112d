"""Lines that stand further in or out than their block.

## What it does
Reports a line, a run of lines or a whole body whose indentation fits no enclosing block, and moves it to the block
that its neighbours belong to. Tabs stay tabs.

## Why is this bad
Indentation is Python's block structure: the file does not compile, so nothing that imports it starts.

## Example
```python
def total(prices):
     result = sum(prices)
    return result
```

## Fix safety
The fix is safe when no other indentation comes close in plausibility. Only white space changes; the new position can
still move a statement into or out of a branch, so anything doubtful is unsafe.

## References
- https://docs.python.org/3/reference/lexical_analysis.html#indentation
"""

from __future__ import annotations

from sophia_cli.fixers.rules.syntax._sites import rule_of_kind
from sophia_cli.fixers.syntax.model import Kind

RULE = rule_of_kind(
    Kind.INDENTATION,
    "SPH101",
    "lines that stand further in or out than their block",
    __doc__,
)
