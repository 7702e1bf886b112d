"""Recognising that a tool broke many files the same way: what it did, in which commits, to which files. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.line_diff import Slot, slots
from sophia_cli.fixers.syntax.line_shape import indentation, shape
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.reversal import Reversal, reversals


class Action(Enum):
    """What a tool did to a line."""

    DELETED = "line deleted"
    INSERTED = "line inserted"
    COMMENTED = "line commented out"
    REINDENTED = "line indented differently"
    JOINED = "line joined with the next one"
    CHANGED = "line changed"


@dataclass(frozen=True, slots=True)
class Signature:
    """One kind of damage: the action and the shape of the line that it met.

    For an inserted line `shape` is the line itself, for a commented one the mark that was put before it, for an
    indented one by how much, for a joined one its end, since that is what a tool does the same way in every file.
    """

    action: Action
    shape: str


@dataclass(frozen=True, slots=True)
class Scar:
    """One damaged line, with what is needed to undo the same damage elsewhere.

    `good` is the line before, `broken` after the damage (None where there is none); `before` and `after` are the
    nearest lines that hold something, in the broken version.
    """

    signature: Signature
    good: str | None
    broken: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file with a version that compiled: its path, the commit that broke it (empty: not committed), both versions."""

    path: str
    commit: str
    good: str
    first_broken: str


@dataclass(frozen=True, slots=True)
class DamageGroup:
    """Files with the same damage: the commits that did it, the paths, one example, and every scar."""

    signature: Signature
    commits: tuple[str, ...]
    paths: tuple[str, ...]
    example: str
    scars: tuple[Scar, ...]


def mass_damage(
    files: Sequence[BrokenFile],
    fault_of: Callable[[str], SyntaxFault | None],
    *,
    smallest: int = 2,
    limit: int = 60,
) -> tuple[DamageGroup, ...]:
    """Return the kinds of damage that at least `smallest` files share, the most frequent first.

    What damaged a file is the smallest part of its breaking change whose reversal compiles; `fault_of` is asked at most
    `limit` times for each file.
    """
    found: dict[Signature, list[tuple[BrokenFile, Scar]]] = defaultdict(list)
    for file in files:
        for scar in scars_of(file, fault_of, limit):
            found[scar.signature].append((file, scar))
    groups = []
    for signature, members in found.items():
        paths = tuple(sorted({file.path for file, _ in members}))
        if len(paths) < smallest:
            continue
        first, scar = members[0]
        line = (scar.broken if scar.good is None else scar.good) or ""
        groups.append(
            DamageGroup(
                signature=signature,
                commits=tuple(sorted({file.commit for file, _ in members if file.commit})),
                paths=paths,
                example=f"{first.path}: {signature.action.value}: `{line.strip()}`",
                scars=tuple(scar for _, scar in members),
            )
        )
    return tuple(sorted(groups, key=lambda group: (-len(group.paths), group.example)))


def scars_of(file: BrokenFile, fault_of: Callable[[str], SyntaxFault | None], limit: int) -> tuple[Scar, ...]:
    """Return the lines whose damage made a file stop compiling."""
    found = reversals(file.good, file.first_broken, fault_of, limit=limit, most=1)
    return tuple(_scars(file.first_broken.split("\n"), found[0])) if found else ()


def _scars(broken: Sequence[str], reversal: Reversal) -> Iterator[Scar]:
    for hunk in reversal.hunks:
        row = slots(hunk.replacement, broken[hunk.start : hunk.end])
        line = hunk.start
        for index, slot in enumerate(row):
            before = _near(broken[max(0, line - 9) : line][::-1])
            if slot.broken is not None:
                line += 1
            after = _near(broken[line : line + 9])
            following = row[index + 1].good if index + 1 < len(row) else None
            yield Scar(_signature(slot, following), slot.good, slot.broken, before, after)


def _near(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _signature(slot: Slot, following: str | None) -> Signature:
    good, broken = slot.good, slot.broken
    if broken is None:
        return Signature(Action.DELETED, shape(good or ""))
    if good is None:
        return Signature(Action.INSERTED, broken.strip())
    core = good.strip()
    if broken.strip() == core:
        return Signature(Action.REINDENTED, f"{indentation(broken) - indentation(good):+d}")
    if core and broken.lstrip().startswith("#") and broken.rstrip().endswith(core):
        return Signature(Action.COMMENTED, broken.strip()[: -len(core)])
    if following and core and broken.strip() == f"{core}{following.strip()}":
        return Signature(Action.JOINED, shape(core).rpartition(" ")[2])
    return Signature(Action.CHANGED, f"{shape(good)} -> {shape(broken)}")
