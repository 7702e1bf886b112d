"""The curated table: which distribution an import name comes from, for names that nothing in the project tells."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache, cached_property

from sophia_cli.core.values import dataclass

_FEW = 16


@dataclass(frozen=True, slots=True)
class Candidates:
    """The distributions that an import may come from, the preferred one first.

    `import_name` is the part of the dotted name that the table knows. `is_certain` is false where the name alone does
    not tell which distribution is meant (a common word, several rivals).
    """

    import_name: str
    distributions: tuple[str, ...]
    is_certain: bool


class ImportNames:
    """Import names by distribution, namespace packages included.

    The first few names are looked for in the text: a deployment asks for one or two, and reading all takes longer than
    all else that it reads. Whoever asks for more has it read once.
    """

    def __init__(self, text: str) -> None:
        self._text = f"\n{text}\n"
        self._searches_left = _FEW

    def find(self, dotted: str) -> Candidates | None:
        """Return what the longest part of a dotted name that is known stands for, None for an unknown name."""
        name = dotted
        while name:
            if (found := self._candidates(name)) is not None:
                return found
            name = name.rpartition(".")[0]
        return None

    def is_namespace(self, dotted: str) -> bool:
        """Return whether several distributions share this package, so that only what is below it tells which one."""
        return dotted in self._namespaces

    def imports_of(self, distribution: str) -> tuple[str, ...]:
        """Return the import names that a distribution (normalised name) is known to offer, none for an unknown one."""
        return self._by_distribution.get(distribution, ())

    def _candidates(self, name: str) -> Candidates | None:
        if self._searches_left == 0:
            return self.entries.get(name)
        self._searches_left -= 1
        start = self._text.rfind(f"\n{name}\t") + 1
        return _read(self._text[start : self._text.index("\n", start)]) if start else None

    @cached_property
    def _rows(self) -> tuple[Candidates, ...]:
        return tuple(_read(line) for line in self._text.splitlines() if line and not line.startswith("#"))

    @cached_property
    def entries(self) -> Mapping[str, Candidates]:
        """What each import name stands for."""
        return {row.import_name: row for row in self._rows}

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        return frozenset(_parents(self.entries))

    @cached_property
    def _by_distribution(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for row in self._rows:
            for distribution in row.distributions:
                found.setdefault(distribution, []).append(row.import_name)
        return {distribution: tuple(names) for distribution, names in found.items()}


def parse_import_names(text: str) -> ImportNames:
    """Read the table: import name, distributions, source, separated by tabs; `#` begins a comment line."""
    return ImportNames(text)


def _read(line: str) -> Candidates:
    name, distributions, source = line.split("\t")
    return Candidates(name, tuple(distributions.split(" ")), not source.endswith("?"))


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
