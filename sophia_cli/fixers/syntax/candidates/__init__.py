"""Candidate generators, one family a module: each looks at one fault and proposes edits, cheapest ideas first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sophia_cli.fixers.syntax.candidates import (
    brackets,
    comments,
    conflicts,
    emptied,
    fields,
    foreign,
    headers,
    imports,
    indentation,
    lines,
    markup,
    quotes,
    remains,
    scope,
    signature,
    strings,
    suites,
    tokens,
    wordings,
)
from sophia_cli.fixers.syntax.change import Change
from sophia_cli.fixers.syntax.site import Site

Generator = Callable[[Site], Iterator[Change]]

GENERATORS: tuple[Generator, ...] = (
    conflicts.propose,
    markup.propose,
    indentation.propose,
    suites.propose,
    headers.propose,
    brackets.propose,
    emptied.propose,
    foreign.propose,
    tokens.propose,
    wordings.propose,
    fields.propose,
    strings.propose,
    quotes.propose,
    remains.propose,
    comments.propose,
    imports.propose,
    lines.propose,
    signature.propose,
    scope.propose,
)

# The text parses and only its meaning is refused: adding brackets or colons would lead away.
_PARSED = {
    "twice": (signature.propose,),
    "signature": (signature.propose, lines.propose),
    "scope": (scope.propose, indentation.propose, lines.propose),
    "global": (scope.propose,),
    "future": (imports.propose, lines.propose),
}
_MESSAGES = (
    ("__future__", "future"),
    ("default argument follows", "signature"),
    ("follows default argument", "signature"),
    ("parameter without a default", "signature"),
    ("duplicate argument", "twice"),
    ("keyword argument repeated", "twice"),
    ("positional argument follows keyword", "signature"),
    ("arguments cannot follow var-keyword", "signature"),
    ("named arguments must follow", "signature"),
    ("global declaration", "global"),
    ("and global", "global"),
    ("nonlocal", "global"),
    ("' outside", "scope"),
    ("outside async function", "scope"),
    ("default 'except:'", "scope"),
)


def propose(site: Site) -> Iterator[Change]:
    """Yield every candidate of the generators that suit the fault, each resulting text once."""
    family = next((name for part, name in _MESSAGES if part in site.fault.message), None)
    conflict = conflicts.near(site)
    generators = (conflicts.propose,) if conflict else (_PARSED[family] if family else GENERATORS)
    seen: set[tuple[int, int, tuple[str, ...]]] = set()
    yield from _each_once(site, generators, seen)
    if not seen:
        yield from _each_once(site, GENERATORS, seen)


def _each_once(
    site: Site, generators: tuple[Generator, ...], seen: set[tuple[int, int, tuple[str, ...]]]
) -> Iterator[Change]:
    for generator in generators:
        for change in generator(site):
            key = (change.start, change.end, change.lines)
            is_same = len(change.lines) == change.end - change.start and (
                list(change.lines) == site.lines[change.start : change.end]
            )
            if is_same or key in seen:
                continue
            seen.add(key)
            yield change
