"""Local modules that hide a standard module or a dependency of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Kind, Reason, Resolution

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
        if not root.package and root.reason not in (Reason.TOOL, Reason.WORKING_FOLDER, Reason.CONTAINER)
    )
    for path, file in graph.files.items():
        folder = path.rpartition("/")[0]
        if file.surface.has_main and file.is_scanned and not graph.modules.is_package(folder):
            roots.add(folder)
    names = _foreign_names(graph)
    seen: set[str] = set()
    for root in sorted(roots):
        for name, is_standard in names.items():
            located = graph.modules.find(root, (name,))
            if located is None or located.kind is Kind.NAMESPACE or located.path in seen:
                continue
            if not graph.files[located.path].is_scanned:
                continue
            seen.add(located.path)
            yield Shadow(located.path, name, root, is_standard)


def _foreign_names(graph: ImportGraph) -> dict[str, bool]:
    """Return the top-level names of others' modules: all standard ones, and the declared dependencies imported here."""
    names = {name: True for name in graph.resolver.standard if name not in _HARMLESS and not name.startswith("_")}
    for item in graph.imports:
        name = _top(item.resolution)
        if name and name not in names and item.fact.level == 0 and graph.resolver.declares(name):
            names[name] = False
    return dict(sorted(names.items()))


def _top(resolution: Resolution) -> str:
    return resolution.module.partition(".")[0]
