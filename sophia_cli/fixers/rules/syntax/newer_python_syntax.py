"""Syntax that a newer Python reads and the project's does not.

## What it does
Reports a file that is not broken but written for a newer Python than the project declares (or, with none declared,
than the running one):

- type parameters and the `type` statement (3.12), defaults of type parameters (3.13);
- quotes of the same kind, backslashes, line breaks and comments in the expressions of f-strings (3.12);
- `except` lists without brackets, and t-strings (3.14).

## Why is this bad
The file does not compile where the project runs, although nothing in it is wrong.

## Example
```python
def first[T](items: list[T]) -> T:
    return items[0]
```

## Fix safety
The file is left as it is: run the project with the version that it needs. Only when the file itself is named
(`sophia fix --unsafe FILE`) is it rewritten in the older spelling, and only where there is one that does the same:
not for t-strings, defaults of type parameters, or one type parameter's name with two bounds.

## Options
- `project.python`: the environment whose version counts.

## References
- https://peps.python.org/pep-0695/ and https://peps.python.org/pep-0696/ (type parameters)
- https://peps.python.org/pep-0701/ (f-strings)
- https://peps.python.org/pep-0750/ (t-strings)
- https://peps.python.org/pep-0758/ (`except` without brackets)
"""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Fix, Safety, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.rules.syntax._sites import facts, fault_region
from sophia_cli.fixers.view import FileView
from sophia_cli.project.source import SourceText, line_edits


def check(view: FileView) -> Iterator[Finding]:
    fault, needs, source = view.fault, view.needs_python, view.source
    if fault is None or needs is None or not isinstance(source, SourceText):
        return
    version = f"{needs[0]}.{needs[1]}"
    fix = Fix(f"run this project with Python {version} or newer", Safety.MANUAL, (), (f"valid for {version}",), 1.0)
    if view.named and view.repair is not None:
        edits = tuple(line_edits(source, s.start, s.end, list(s.replacement), view.path) for s in view.repair.sites)
        fix = Fix("write it for the older Python", Safety.UNSAFE, edits, view.repair.evidence, view.repair.confidence)
    yield finding_of(
        RULE,
        view.path,
        fault_region(fault),
        f"this file needs Python {version} or newer",
        data={**facts(view), "python": version},
        fix=fix,
    )


RULE = Rule(
    id="SPH120",
    name="newer-python-syntax",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="syntax that a newer Python reads and the project's does not",
    reads=Reads.SYNTAX,
    check=check,
    manual=__doc__,
)
