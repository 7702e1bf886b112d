"""Modules that import one another in a circle, so that one of them is used before it is ready.

## What it does
Follows in thought what Python does when a program starts: which file is imported when, and which names are bound by
then. Reports a circle only when a name is really asked for too early. Imports in functions and for type checkers run
later and do not count.

## Why is this bad
Whoever starts with the wrong one of the modules gets "cannot import name ... from partially initialized module".

## Example
`shop/prices.py`, while `shop/taxes.py` begins with `from shop.prices import total`:

```python
from shop.taxes import tax

def total(net):
    return net + tax(net)
```

## Fix safety
There is no fix. The message names the import that is cheapest to move into the function that needs it, or, when no
function alone uses it, the one that takes the fewest names.
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Fact, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule
from sophia_cli.fixers.rules.imports._cuts import cheapest_cut
from sophia_cli.fixers.rules.imports._findings import finding_at
from sophia_cli.project.imports.cycles import biting_cycles


def check(view: ProjectView) -> Iterator[Finding]:
    for cycle in biting_cycles(view.graph):
        last = cycle.links[-1]
        modules = tuple(view.graph.modules.dotted(link.source) for link in cycle.links)
        component = tuple(view.graph.modules.dotted(path) for path in cycle.component)
        first = view.graph.modules.dotted(last.target)
        if len(cycle.links) == 1:
            message = f"this file imports `{cycle.name}` from itself, under the name `{first}`, before it is defined"
        else:
            cut = cheapest_cut(view, cycle)
            message = (
                f"import cycle: `{modules[-1]}` asks `{first}` for `{cycle.name}` before that is defined; "
                f"cheapest to cut: the import of `{view.graph.modules.dotted(cut.link.target)}` in "
                f"`{cut.link.source}`, {cut.why}"
            )
        data: dict[str, Fact] = {"modules": modules, "component": component, "name": cycle.name}
        yield finding_at(RULE, last.source, last.place, message, data)


RULE = ProjectRule(
    id="SPH204",
    name="import-cycle",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="modules that import one another in a circle that fails",
    check=check,
    manual=__doc__,
)
