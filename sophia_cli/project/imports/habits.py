"""Where the files of a project take a name from that one of them imports in vain, and what it is called there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.facts import Guard
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Import, Kind, Outcome

_ENOUGH = 2
_ENOUGH_AGAINST_RIVALS = 3
_STEPS = 8


@dataclass(frozen=True, slots=True)
class Habit:
    """A file that defines a name, what the name is there, and the files that import it, sorted."""

    path: str
    name: str
    importers: tuple[str, ...]


class Habits:
    """What the imports that are in order bind, and where that is defined in the end, re-exports followed."""

    def __init__(self, graph: ImportGraph) -> None:
        self._graph = graph

    def chosen(self, item: Import, name: str, fitting: Sequence[str], rivals: Sequence[str]) -> Habit | None:
        """Return the one file that all others mean by a name, None where they disagree or too few say so.

        `fitting` are the files that the import may lead to, `rivals` those that define the name, too. The one of them
        that is called like the missing module counts first, then the one below the folder of which the import names
        a part, then whichever it is.
        """
        known = [habit for habit in self.of(name, item.importer) if habit.path in fitting]
        last = item.resolution.module.rpartition(".")[2]
        called = [habit for habit in known if _stem(habit.path) == last]
        if len(called) == 1 and (len(called[0].importers) >= _ENOUGH or not set(rivals) - {called[0].path}):
            return called[0]
        folder = item.resolution.known_at.removesuffix("/__init__.py")
        near = [habit for habit in known if folder and habit.path.startswith(folder + "/")]
        chosen = near if len(near) == 1 else known
        if len(chosen) != 1:
            return None
        others = [path for path in rivals if path != chosen[0].path]
        if near:
            others = [path for path in others if path.startswith(folder + "/")]
        return chosen[0] if len(chosen[0].importers) >= (_ENOUGH_AGAINST_RIVALS if others else _ENOUGH) else None

    def of(self, name: str, without: str) -> list[Habit]:
        """Return the files that others mean by a name, with what they call it; `without` is no witness."""
        found: list[Habit] = []
        for (path, original), importers in self._origins.get(name, {}).items():
            witnesses = tuple(sorted(importers - {without}))
            if witnesses:
                found.append(Habit(path, original, witnesses))
        return found

    @cached_property
    def _origins(self) -> Mapping[str, Mapping[tuple[str, str], set[str]]]:
        found: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
        for item in self._graph.imports:
            if not _is_in_order(item) or item.fact.guard is Guard.FALLBACK:
                continue
            target, missing = item.resolution.targets[0], set(item.missing)
            for one in item.fact.names:
                if one.name == "*" or one in missing or self._graph.resolver.submodule(target, one.name) is not None:
                    continue
                found[one.asname or one.name][self._origin(target.path, one.name)].add(item.importer)
        return found

    def _origin(self, path: str, name: str) -> tuple[str, str]:
        """Return the file that defines what another one only imports, and its name there."""
        for _ in range(_STEPS):
            if path in self._graph.definitions.get(name, ()):
                break
            further = next(
                (
                    (item.resolution.targets[0].path, one.name)
                    for item in self._graph.imports_of(path)
                    if _is_in_order(item)
                    for one in item.fact.names
                    if (one.asname or one.name) == name and one not in item.missing
                ),
                None,
            )
            if further is None:
                break
            path, name = further
        return path, name


def _is_in_order(item: Import) -> bool:
    resolution = item.resolution
    return (
        item.fact.is_from
        and not item.broken
        and resolution.outcome is Outcome.MODULE
        and resolution.targets[0].kind is not Kind.NAMESPACE
    )


def _stem(path: str) -> str:
    return path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
