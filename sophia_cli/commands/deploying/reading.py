"""The project as a deployment sees it: its settings, what its files import, what is installed. No rule is asked."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sophia_cli.core.digests import sha256_hex
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.file_facts import facts_of_bytes, unread_facts
from sophia_cli.fixers.scan_key import facts_key
from sophia_cli.project.cache_file import Values
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.dependencies.environment_cache import EnvironmentCache
from sophia_cli.project.dependencies.environment_place import find_environment
from sophia_cli.project.dependencies.installed import Environment
from sophia_cli.project.facts_cache import FactsCache
from sophia_cli.project.files.classify import LARGEST_FILE, PYTHON_SUFFIXES
from sophia_cli.project.files.discover import discover
from sophia_cli.project.files.inventory import Inventory
from sophia_cli.project.files.listing import Listings
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.whole import connected
from sophia_cli.project.processors import usable_processors
from sophia_cli.project.python_version import project_python
from sophia_cli.project.settings.model import Settings
from sophia_cli.project.state_folder import StateFolder

_FEW_BYTES = 100_000
_CHUNK_FILES = 24
_FILE_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class ReadProject:
    """A project whose files were read: `installed` is what is in the environment that its services run in.

    `facts` and `metadata` are what both were read from, or are to be kept in, until something changes.
    """

    root: Path
    settings: Settings
    graph: ImportGraph
    installed: Environment
    facts: ReadFacts
    metadata: EnvironmentCache | None

    def keep(self) -> None:
        """Write what is new into the cache, for the next deployment; a disk that refuses costs only time."""
        self.facts.keep()
        if self.metadata is not None:
            self.metadata.save(self.installed)


def read_project(root: Path, settings: Settings) -> ReadProject:
    """Read what the files of a project import and what is installed; raises what the settings can be wrong about."""
    inventory = discover(root, (), settings.project.include, settings.project.exclude)
    key = facts_key(project_python(root, sys.version_info[:2], settings.project.python_version))
    state = StateFolder(root)
    facts = _facts(root, inventory, FactsCache(state, key))
    documents = {file.path: data for file in inventory.documents if (data := _bytes(root, file.path)) is not None}
    place = find_environment(root, settings.project.python)
    metadata = None if place is None else EnvironmentCache(state, key, place)
    installed = Environment() if metadata is None else metadata.environment()
    graph, _ = connected(facts.found, documents, lambda path: _bytes(root, path), installed, Listings(root).names)
    return ReadProject(root, settings, graph, installed, facts, metadata)


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """What every file says to others, by path. `digests` are those of the files that were read, `fresh` the paths of
    those about which the cache, which a scan fills and reads too, knew nothing.
    """

    found: Mapping[str, FileFacts]
    digests: Mapping[str, str]
    fresh: frozenset[str]
    cache: FactsCache

    def keep(self) -> None:
        """Write what is new into the cache, for the next deployment or scan; a disk that refuses costs only time."""
        if not self.fresh:
            return
        from sophia_cli.project.code.codec import facts_to_values

        kept: dict[str, tuple[str, Values]] = {}
        for path, digest in self.digests.items():
            values = facts_to_values(self.found[path]) if path in self.fresh else self.cache.facts(path, digest)
            if values is not None:
                kept[path] = (digest, values)
        self.cache.save(kept)


def _facts(root: Path, inventory: Inventory, cache: FactsCache) -> ReadFacts:
    """Return what every file says; what is not looked at, or cannot be read, may hold anything."""
    found = {file.path: unread_facts(file.path) for file in inventory.files if file.path.endswith(PYTHON_SUFFIXES)}
    digests: dict[str, str] = {}
    fresh: dict[str, bytes] = {}
    for file in inventory.to_scan:
        data = _bytes(root, file.path)
        if data is None:
            continue
        digests[file.path] = digest = sha256_hex(data)
        known = _known(cache.facts(file.path, digest), file.path)
        if known is None:
            fresh[file.path] = data
        else:
            found[file.path] = known
    read = dict(_read_anew(fresh))
    return ReadFacts({**found, **read}, digests, frozenset(read), cache)


def _known(values: Values, path: str) -> FileFacts | None:
    if values is None:
        return None
    from sophia_cli.project.code.codec import facts_from_values

    return facts_from_values(path, values)


def _read_anew(files: Mapping[str, bytes]) -> Iterator[tuple[str, FileFacts]]:
    """Yield what files say, on all cores where there is much to read; one that no process survives is left out."""
    paths = sorted(files, key=lambda path: (-len(files[path]), path))

    def work(index: int) -> FileFacts:
        return facts_of_bytes(paths[index], files[paths[index]])

    if sum(map(len, files.values())) <= _FEW_BYTES:
        yield from ((path, work(index)) for index, path in enumerate(paths))
        return
    from sophia_cli.fixers.worker import work_in_children

    for outcome in work_in_children(work, _chunks(len(paths)), usable_processors(), _FILE_LIMIT_S):
        if outcome.result is not None:
            yield paths[outcome.index], outcome.result


def _chunks(count: int) -> Sequence[Sequence[int]]:
    return [range(start, min(start + _CHUNK_FILES, count)) for start in range(0, count, _CHUNK_FILES)]


def _bytes(root: Path, path: str) -> bytes | None:
    """Return what a regular file holds, None for a link, a pipe, and what is too large or cannot be read."""
    try:
        file = os.open(f"{root}{os.sep}{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_FILE:
            return None
        with open(file, "rb", closefd=False) as stream:
            return stream.read(LARGEST_FILE)
    except OSError:
        return None
    finally:
        os.close(file)
