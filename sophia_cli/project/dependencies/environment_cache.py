"""What the metadata of an environment said when it was last read, for as long as nothing is installed or removed."""

from __future__ import annotations

from typing import Any

from sophia_cli.project.cache_file import Values, read_entries, write_entries
from sophia_cli.project.dependencies.environment_place import EnvironmentPlace
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.state_folder import StateFolder

_KIND = "environment"


class EnvironmentCache:
    """The distributions of one environment in one state; `key` is the state of Sophia that reads them."""

    def __init__(self, state: StateFolder, key: str, place: EnvironmentPlace) -> None:
        self._state = state
        self._key = f"{key} {place.stamp}"
        self._place = place
        self._was_known = False

    def environment(self) -> Environment:
        """Return what is installed, without the problems where it comes from the cache."""
        entries = read_entries(self._state, _KIND, self._key)
        found = {name: _distribution(name, values) for name, values in entries.items()}
        self._was_known = bool(found)
        if found:
            return Environment(str(self._place.folder), found)
        from sophia_cli.project.dependencies.environment import read_environment

        return read_environment(self._place)

    def save(self, environment: Environment) -> None:
        """Keep what `environment` returned; a disk that refuses only costs the next reader time."""
        if not self._was_known:
            entries = {name: _values(one) for name, one in environment.distributions.items()}
            write_entries(self._state, _KIND, self._key, entries)


def _values(one: InstalledDistribution) -> list[Values]:
    extras: list[Values] = [[name, list(added)] for name, added in one.extras.items()]
    return [one.version, list(one.imports), list(one.requires), extras, one.is_editable, list(one.scripts)]


def _distribution(name: str, values: list[Any]) -> InstalledDistribution:  # sealed by whoever wrote them
    version, imports, requires, extras, is_editable, scripts = values
    added = {extra: tuple(names) for extra, names in extras}
    return InstalledDistribution(name, version, tuple(imports), tuple(requires), added, is_editable, tuple(scripts))
