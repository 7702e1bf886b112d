"""The curated table: which distribution an import name comes from, for names that nothing in the project tells."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Candidates:
    """The distributions that an import may come from, the preferred one first.

    `import_name` is the part of the dotted name that the table knows. `is_certain` is false where the name alone does
    not tell which distribution is meant (a common word, several rivals). `is_verified` tells that the list of files of
    the preferred distribution was read; else the entry rests on its documentation.
    """

    import_name: str
    distributions: tuple[str, ...]
    is_certain: bool
    is_verified: bool


@dataclass(frozen=True, slots=True)
class ImportNames:
    """Import names by distribution, namespace packages included."""

    entries: Mapping[str, Candidates]
    namespaces: frozenset[str]
    by_distribution: Mapping[str, tuple[str, ...]]

    def find(self, dotted: str) -> Candidates | None:
        """Return what the longest part of a dotted name that is known stands for, None for an unknown name."""
        name = dotted
        while name:
            if (found := self.entries.get(name)) is not None:
                return found
            name = name.rpartition(".")[0]
        return None

    def is_namespace(self, dotted: str) -> bool:
        """Return whether several distributions share this package, so that only what is below it tells which one."""
        return dotted in self.namespaces

    def imports_of(self, distribution: str) -> tuple[str, ...]:
        """Return the import names that a distribution (normalised name) is known to offer, none for an unknown one."""
        return self.by_distribution.get(distribution, ())


def parse_import_names(text: str) -> ImportNames:
    """Read the table: import name, distributions, source, separated by tabs; `#` begins a comment line."""
    entries: dict[str, Candidates] = {}
    by_distribution: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, distributions, source = line.split("\t")
        names = tuple(distributions.split(" "))
        entries[name] = Candidates(name, names, not source.endswith("?"), source.startswith("files"))
        for distribution in names:
            by_distribution.setdefault(distribution, []).append(name)
    return ImportNames(
        entries,
        frozenset(_parents(entries)),
        {distribution: tuple(names) for distribution, names in by_distribution.items()},
    )


def _parents(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        parent = name.rpartition(".")[0]
        while parent:
            yield parent
            parent = parent.rpartition(".")[0]


@cache
def import_names() -> ImportNames:
    """Return the table that travels with the package; it is read once and never changes."""
    data = pkgutil.get_data("sophia_cli.project.dependencies", "import_names.txt")
    return parse_import_names((data or b"").decode("utf-8"))
