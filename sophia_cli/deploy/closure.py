"""What a service consists of: the files that it imports with the way to each, and the distributions these need."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.imports.entry_points import entry_files
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.settings.service_model import Service


@dataclass(frozen=True, slots=True)
class Closure:
    """The first-party Python files that a service is started from and imports.

    `ways` leads for each from an entry point to it, both included, every file imported by the one before. `modules`
    are the dotted names of what is imported and is no file of the project.
    """

    entries: tuple[str, ...]
    ways: Mapping[str, tuple[str, ...]]
    modules: frozenset[str]

    @property
    def files(self) -> frozenset[str]:
        """The files themselves."""
        return frozenset(self.ways)


def closure_of(graph: ImportGraph, service: Service) -> Closure | None:
    """Return what a service imports; None when its command names no Python file of the project.

    Every way is a shortest one, the same in each run.
    """
    entries = entry_files(service, graph.files, _roots(graph))
    if not entries:
        return None
    ways: dict[str, tuple[str, ...]] = {entry: (entry,) for entry in entries}
    pending = list(entries)
    for entry in entries:
        for package in graph.packages_above(entry):
            if package not in ways:
                ways[package] = (entry, package)
                pending.append(package)
    place = 0
    while place < len(pending):
        path = pending[place]
        place += 1
        for edge in graph.edges.get(path, ()):
            if edge.target not in ways:
                ways[edge.target] = (*ways[path], edge.target)
                pending.append(edge.target)
    return Closure(entries, ways, frozenset(_other_modules(graph, ways)))


def app_folder(graph: ImportGraph, service: Service) -> str | None:
    """Return the folder from which `app` can be imported, None without `app` or where it is not found.

    Relative to the project root, `.` being the root itself. The service's own folder comes first, as at the start.
    """
    if service.app is None:
        return None
    below = service.app.partition(":")[0].replace(".", "/")
    own = posixpath.normpath(service.cwd or ".")
    for place in dict.fromkeys((own, ".", *_roots(graph))):
        base = posixpath.normpath(posixpath.join(place, below))
        if any(name in graph.files for name in (f"{base}.py", f"{base}/__init__.py")):
            return posixpath.normpath(place)
    return None


def named_files(service: Service, paths: Collection[str]) -> tuple[str, ...]:
    """Return the files of the project that the words of a command name (`--log-config logging.yaml`)."""
    if service.command is None:
        return ()
    words = [part for text in service.command.words for part in (text.split() if service.command.shell else [text])]
    values = [word.rpartition("=")[2].strip("'\"") for word in words]
    found = (posixpath.normpath(posixpath.join(service.cwd or ".", value)) for value in values if value)
    return tuple(dict.fromkeys(path for path in found if path in paths))


def needed_distributions(
    closure: Closure | None, service: Service, environment: Environment
) -> Mapping[str, InstalledDistribution]:
    """Return the installed distributions that a service runs with, by name: all of them where its files are not known.

    Those whose modules it imports, those whose commands it is started with, and whatever these require or offer to
    work with (their extras): complete rather than small.
    """
    installed = environment.distributions
    if closure is None:
        return installed
    pending = [*_importing(closure.modules, installed), *_started_with(service, installed)]
    found: dict[str, InstalledDistribution] = {}
    while pending:
        name = pending.pop()
        distribution = installed.get(name)
        if distribution is None or name in found:
            continue
        found[name] = distribution
        pending += distribution.requires
        pending += (extra for names in distribution.extras.values() for extra in names)
    return dict(sorted(found.items()))


def _roots(graph: ImportGraph) -> list[str]:
    return [root.path for root in graph.roots if not root.applies_to]


def _other_modules(graph: ImportGraph, files: Iterable[str]) -> Iterator[str]:
    for path in files:
        for item in graph.imports_of(path):
            if not item.resolution.outcome.is_first_party:
                module = item.resolution.module
                yield module
                # `from google.cloud import storage`: what is imported may be a module of its own distribution.
                yield from (f"{module}.{name.name}" for name in item.fact.names if item.fact.is_from)


def _importing(modules: Collection[str], installed: Mapping[str, InstalledDistribution]) -> Iterator[str]:
    """Return the distributions that offer any of these modules."""
    for name, distribution in installed.items():
        if any(offered in modules or _is_below(offered, modules) for offered in distribution.imports):
            yield name


def _is_below(offered: str, modules: Collection[str]) -> bool:
    """Whether a module that lies in what a distribution offers is among these."""
    prefix = offered + "."
    return any(module.startswith(prefix) for module in modules)


def _started_with(service: Service, installed: Mapping[str, InstalledDistribution]) -> Iterator[str]:
    words = {"uvicorn"} if service.app is not None else set()
    if service.command is not None:
        parts = (part for text in service.command.words for part in text.split())
        words.update(part.rpartition("/")[2] for part in parts)
    for name, distribution in installed.items():
        if words.intersection(distribution.scripts) or words.intersection(distribution.imports):
            yield name
