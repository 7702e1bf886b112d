"""Local modules that hide a standard module or a dependency of the same name."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Kind, Reason

# Standard modules that nobody misses, or that are loaded before any local folder is searched.
_HARMLESS = frozenset({"test", "this", "antigravity", "idlelib", "turtledemo", "lib2to3", "distutils", "__main__"})


@dataclass(frozen=True, slots=True)
class Shadow:
    """A local module or package (`path`) that is found under `name` from `root` before the one that is meant."""

    path: str
    name: str
    root: str
    is_standard: bool


def shadows(graph: ImportGraph) -> Iterator[Shadow]:
    """Yield every local module that hides another where a program looks first, each once."""
    roots = {""}
    roots.update(
        root.path
        for root in graph.roots
        if not root.package and root.reason not in (Reason.TOOL, Reason.WORKING_FOLDER)
    )
    for path, file in graph.files.items():
        folder = path.rpartition("/")[0]
        is_script = file.surface.has_main and file.is_scanned and not path.endswith("__main__.py")
        if is_script and not graph.modules.is_package(folder):
            roots.add(folder)
    # What lies below a root of a build is the project's own distribution, whatever else has its name.
    built = {root.path for root in graph.roots if root.reason is Reason.PACKAGING}
    names = _foreign_names(graph)
    seen: set[str] = set()
    for root in sorted(roots):
        for name, importers in names.items():
            is_standard = not importers
            located = graph.modules.find(root, (name,))
            if located is None or located.kind is Kind.NAMESPACE or located.path in seen:
                continue
            if not graph.files[located.path].is_scanned or (not is_standard and root in built):
                continue
            if not is_standard and not any(_is_searched(graph, root, path) for path in importers):
                continue
            seen.add(located.path)
            yield Shadow(located.path, name, root, is_standard)


def _foreign_names(graph: ImportGraph) -> dict[str, tuple[str, ...]]:
    """Return the top-level names of others' modules: the standard ones, and declared dependencies with the files that
    import them."""
    names: dict[str, tuple[str, ...]] = {
        name: () for name in graph.resolver.standard if name not in _HARMLESS and not name.startswith("_")
    }
    importers: dict[str, list[str]] = {}
    for item in graph.imports:
        top = item.resolution.module.partition(".")[0]
        if top and top not in names and not item.fact.level:
            importers.setdefault(top, []).append(item.importer)
    # A package of which nothing else is known is meant by the declaration itself; another rule speaks of that.
    resolver = graph.resolver
    declared = (name for name in importers if resolver.declares(name) and not resolver.is_name_only(name))
    names.update({name: tuple(importers[name]) for name in declared})
    return dict(sorted(names.items()))


def _is_searched(graph: ImportGraph, folder: str, path: str) -> bool:
    return any(root.path == folder and not root.package for root in graph.resolver.roots_of(path))
