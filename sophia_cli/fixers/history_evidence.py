"""What git history says about the files that a first scan found broken, and what those files say about one another."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.analysis import AnalysisContext, compile_fault
from sophia_cli.fixers.cut_off import cut_off_key
from sophia_cli.fixers.syntax.lessons import Lesson, lessons_of
from sophia_cli.fixers.syntax.mass_damage import Action, BrokenFile, DamageGroup, mass_damage
from sophia_cli.project.history.model import History, HistoryLimits
from sophia_cli.project.history.versions import last_good_versions
from sophia_cli.project.source import SourceText, decode

# A commit that broke fewer files than this was a slip, not a tool.
_SMALLEST_MASS = 3
_LONGEST_LINE = 80


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about all broken files of a project together.

    `history` holds the good version and the breaking commit by path; `damage` the kinds of damage that tools did to
    many files, with the commits; `lessons` how that damage is taken back in files without a good version.
    """

    history: History
    damage: tuple[DamageGroup, ...]
    lessons: tuple[Lesson, ...]

    def contexts(
        self, python: tuple[int, int], paths: Iterable[str], named: Container[str]
    ) -> dict[str, AnalysisContext]:
        """Return what the analysis of each broken file may know, by path.

        What other files teach goes to those without a good version alone: their own past is better evidence.
        """
        lessons_key = f"{zlib.crc32(repr(self.lessons).encode('utf-8', 'backslashreplace')):08x}"
        damage, tools = self._damage_by_path(), self._tools()
        found = {}
        for path in paths:
            good = self.history.good.get(path)
            by_tool = good is not None and good.breaking_commit in tools
            plain = AnalysisContext(python, path in named, by_tool=by_tool, damage=damage.get(path, ()))
            found[path] = self._with_past(plain, path, lessons_key)
        return found

    def _with_past(self, plain: AnalysisContext, path: str, lessons_key: str) -> AnalysisContext:
        good, never = self.history.good.get(path), self.history.never_compiled.get(path)
        stop = self.history.stop if path in self.history.unknown else None
        if good is not None:
            known = f"good {good.commit} {good.path} {good.breaking_commit}"
        else:
            known = f"never {never.commit} {lessons_key}" if never is not None else lessons_key
        key = " ".join((known, str(plain.by_tool), *plain.damage))
        return replace(
            plain,
            good=good,
            lessons=self.lessons if good is None else (),
            never_compiled=never,
            evidence_key=key if stop is None else cut_off_key(key, stop.value),
        )

    def _tools(self) -> frozenset[str]:
        """Return the commits that did the same damage to several files (empty text: work that is not committed)."""
        found: set[str] = set()
        for group in self.damage:
            counts = Counter(self.history.good[path].breaking_commit for path in group.paths)
            found.update(commit for commit, count in counts.items() if count >= _SMALLEST_MASS)
        return frozenset(found)

    def _damage_by_path(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for group in self.damage:
            name = _name(group)
            for path in group.paths:
                found[path].append(name)
        return {path: tuple(names) for path, names in found.items()}


def compiles(data: bytes) -> bool:
    """Return whether bytes decode and compile as Python."""
    source = decode(data)
    return isinstance(source, SourceText) and compile_fault(source.text) is None


def history_for(root: Path, broken: Mapping[str, bytes], limits: HistoryLimits | None = None) -> History:
    """Return what history says about `broken` (bytes by path relative to `root`): one reading of the log for all files.

    `History.good` holds the version and the breaking commit by path. Without git or a repository it is empty.
    """
    return last_good_versions(root, broken, compiles, limits=limits)


def evidence_for(root: Path, broken: Mapping[str, bytes], limits: HistoryLimits | None = None) -> Evidence:
    """Return history's answers for `broken` and what the files that one commit broke together teach."""
    history = history_for(root, broken, limits)
    damage = damage_in(history, broken)
    return Evidence(history, damage, lessons_of(damage))


def damage_in(history: History, broken: Mapping[str, bytes]) -> tuple[DamageGroup, ...]:
    """Return what a commit, or work that is not committed, did to several files; the most frequent damage first."""
    breakers = Counter(good.breaking_commit for good in history.good.values())
    files = []
    for path, good in sorted(history.good.items()):
        text = _text(broken[path]) if good.is_uncommitted else good.first_broken
        if text and breakers[good.breaking_commit] >= _SMALLEST_MASS:
            files.append(BrokenFile(path, good.breaking_commit, good.text, text))
    return mass_damage(files, compile_fault)


def _name(group: DamageGroup) -> str:
    """Return what was done in words, with the very line where it is the same in all files, else with one of them."""
    if group.signature.action not in (Action.DELETED, Action.CHANGED):
        return f"{group.signature.action.value}: `{group.signature.shape[:_LONGEST_LINE]}`"
    lines = Counter((scar.good or "").strip() for scar in group.scars)
    line = min(lines, key=lambda line: (-lines[line], line))
    return f"{group.signature.action.value}{':' if len(lines) == 1 else ', such as'} `{line[:_LONGEST_LINE]}`"


def _text(data: bytes) -> str:
    source = decode(data)
    return source.text if isinstance(source, SourceText) else ""
