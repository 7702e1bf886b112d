"""What commits did to several files at once, gathered from the findings in those files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sophia_cli.core.findings import Finding
from sophia_cli.core.values import dataclass

# Two files with the same damage may be chance.
_SEVERAL = 3


@dataclass(frozen=True, slots=True)
class DamageKind:
    """One kind of damage (`line deleted: ...`) and how many files a commit did it to."""

    damage: str
    files: int


@dataclass(frozen=True, slots=True)
class Damage:
    """What one commit did to several files in the same way, the most frequent kind first.

    `commit` and `summary` are None where the damage is not committed. `files` counts the files with any of the kinds;
    `example` is one of them, with what was done to it.
    """

    commit: str | None
    summary: str | None
    files: int
    example: str
    kinds: tuple[DamageKind, ...]


def damage_in(findings: Iterable[Finding]) -> tuple[Damage, ...]:
    """Return the commits that broke several files the same way, those with the most files first.

    Read from the findings' data: `damage` names what was done to the file as to others, `commit` who did it.
    """
    paths: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for finding in findings:
        damage = finding.data.get("damage")
        if isinstance(damage, tuple):
            commit, summary = finding.data.get("commit"), finding.data.get("commit_summary")
            for kind in damage:
                paths[str(commit or ""), str(summary or "")][kind].add(finding.path)
    found = [
        Damage(
            commit=commit or None,
            summary=summary if commit else None,
            files=len(set[str]().union(*(kinds[kind.damage] for kind in frequent))),
            example=f"{min(kinds[frequent[0].damage])}: {frequent[0].damage}",
            kinds=frequent,
        )
        for (commit, summary), kinds in paths.items()
        if (frequent := _frequent(kinds))
    ]
    return tuple(sorted(found, key=lambda damage: (-damage.files, damage.commit or "")))


def _frequent(kinds: dict[str, set[str]]) -> tuple[DamageKind, ...]:
    several = [DamageKind(damage, len(paths)) for damage, paths in kinds.items() if len(paths) >= _SEVERAL]
    return tuple(sorted(several, key=lambda kind: (-kind.files, kind.damage)))
