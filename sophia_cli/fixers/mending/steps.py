"""The steps of a plan: which fixes have become one, since their edits merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sophia_cli.core.findings import Edit
from sophia_cli.core.plan import PlannedFix, Step
from sophia_cli.fixers.mending.compose import OwnedEdit


def steps_of(fixes: Mapping[int, tuple[PlannedFix, ...]], owned: Mapping[str, Sequence[OwnedEdit]]) -> Iterator[Step]:
    """Yield the steps in the order of their places, from the fixes by number and the edits in every file that they own.

    Fixes whose edits merged with one another's are one step.
    """
    leader = {number: number for number in fixes}

    def lead(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for in_file in owned.values():
        for edit in in_file:
            first, *others = sorted(lead(owner) for owner in edit.owners)
            for other in others:
                leader[max(first, other)] = min(first, other)
                first = min(first, other)
    clusters: dict[int, list[int]] = {}
    for number in fixes:
        clusters.setdefault(lead(number), []).append(number)
    edits: dict[int, list[Edit]] = {}
    for path, in_file in owned.items():
        for edit in in_file:
            head = lead(min(edit.owners))
            edits.setdefault(head, []).append(Edit(path, edit.start, edit.end, edit.replacement))
    standing = [head for head in clusters if head in edits]
    ordered = sorted(standing, key=lambda head: (edits[head][0].path, edits[head][0].start, head))
    for number, head in enumerate(ordered, start=1):
        made = tuple(fix for member in clusters[head] for fix in fixes[member])
        yield Step(number, made, tuple(edits[head]))
