"""How a file of the project is written in an import of another one."""

from __future__ import annotations

from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Import, Kind, Located, Outcome


def spelled(graph: ImportGraph, item: Import, path: str) -> str | None:
    """Return the module, dots included, by which `item`'s file imports the file `path`; None where it cannot.

    A relative import stays relative within its package; else the name that has most in common with the one that is
    written is taken. What is returned was resolved again and leads to the file.
    """
    if item.fact.level:
        relative = _relative(graph, item.importer, path)
        if relative is not None and _leads_to(graph, item.importer, relative, path):
            return relative
    names: list[str] = []
    for root in graph.resolver.roots_of(item.importer):
        if root.path and not path.startswith(root.path + "/"):
            continue
        parts = graph.modules.name_of(path, root.path)
        name = ".".join((*root.package.split("."), *parts) if root.package else parts)
        if name and all(part.isidentifier() for part in parts) and _leads_to(graph, item.importer, name, path):
            names.append(name)
    written = item.resolution.module.split(".")
    return max(names, key=lambda name: _common(name.split("."), written), default=None)


def location_of(path: str) -> Located:
    """Return a file as what it is: a package's `__init__.py` or a module."""
    return Located(path, Kind.PACKAGE if path.endswith("/__init__.py") else Kind.MODULE)


def _leads_to(graph: ImportGraph, importer: str, written: str, path: str) -> bool:
    module = written.lstrip(".")
    found = graph.resolver.resolve_module(importer, len(written) - len(module), module)
    return found.outcome is Outcome.MODULE and found.targets[0].path == path


def _relative(graph: ImportGraph, importer: str, path: str) -> str | None:
    folder = importer.rpartition("/")[0]
    parts = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    own = folder.split("/") if folder else []
    shared = _common(own, parts)
    if not shared or not all(part.isidentifier() for part in parts[shared:]):
        return None
    if not graph.modules.is_package("/".join(parts[:shared])):
        return None
    return "." * (len(own) - shared + 1) + ".".join(parts[shared:])


def _common(first: list[str], second: list[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
