"""What files said when they were last read, and what was found in all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.project.cache_file import Values, read_entries, write_entries
from sophia_cli.project.state_folder import StateFolder

_FACTS = "facts"
_RESULT = "project"


class FactsCache:
    """The facts of each file by the digest of its content, for one state of Sophia (`key`)."""

    def __init__(self, state: StateFolder, key: str) -> None:
        self._state = state
        self._key = key
        self._entries = read_entries(state, _FACTS, key)

    def facts(self, path: str, digest: str) -> Values:
        """Return the values of a file's facts, None when its content is not the one they were read from."""
        match self._entries.get(path):
            case [str(known), values] if known == digest:
                return values
        return None

    def save(self, facts: Mapping[str, tuple[str, Values]]) -> bool:
        """Write the facts of all files, each with the digest of its content; return whether they are on disk."""
        entries: dict[str, list[Values]] = {path: [digest, values] for path, (digest, values) in facts.items()}
        return entries == self._entries or write_entries(self._state, _FACTS, self._key, entries)


@dataclass(frozen=True, slots=True)
class ProjectResult:
    """What was found in the project as a whole: values by path, and the files that its services start from and import.

    `starting` is None where no service tells. `listed` are the folders whose names it depends on, with their sums.
    """

    found: Mapping[str, list[Values]]
    starting: frozenset[str] | None
    listed: tuple[tuple[str, int], ...] = ()


def read_result(state: StateFolder, key: str, project_state: str) -> ProjectResult | None:
    """Return what was found in the project as a whole when it is in the state that this was found in."""
    entries = read_entries(state, _RESULT, key)
    match entries.pop("", None):
        case [str(known), starting, [*listed]] if known == project_state:
            paths = (
                frozenset(path for path in starting if isinstance(path, str)) if isinstance(starting, list) else None
            )
            return ProjectResult(entries, paths, tuple(_listed(listed)))
    return None


def _listed(values: list[Values]) -> Iterator[tuple[str, int]]:
    for value in values:
        match value:
            case [str(folder), int(known)]:
                yield folder, known


def write_result(state: StateFolder, key: str, project_state: str, result: ProjectResult) -> bool:
    """Keep what was found in a state of the project; return whether it is on disk."""
    starting: Values = None if result.starting is None else sorted(result.starting)
    listed: list[Values] = [[folder, known] for folder, known in result.listed]
    return write_entries(state, _RESULT, key, {**result.found, "": [project_state, starting, listed]})
