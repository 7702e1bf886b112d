"""What `sophia doctor` says about source roots: where modules are looked for, and what says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sophia_cli.fixers.contents import read_bytes
from sophia_cli.fixers.file_facts import facts_of_bytes, unread_facts
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.files.inventory import Inventory
from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap
from sophia_cli.project.imports.roots import infer_roots, is_root_document

_MOST = 30


def root_lines(root: Path, inventory: Inventory) -> Iterator[str]:
    """Yield a line for every source root of the project, the project root first; changes of sys.path are counted."""
    files = _facts(root, inventory)
    documents = {
        path: data
        for path in (*(document.path for document in inventory.documents), *files)
        if is_root_document(path) and (data := read_bytes(root, path)) is not None
    }
    roots = infer_roots(files, documents)
    declared = [found for found in roots if found.reason is not Reason.PATH_EDIT]
    yield "`.`: the project root"
    yield from (_line(found) for found in declared[:_MOST])
    if len(declared) > _MOST:
        yield f"and {len(declared) - _MOST} more"
    yield from _package_lines(files, {found.path for found in declared})
    edits = [found for found in roots if found.reason is Reason.PATH_EDIT]
    places = list(dict.fromkeys(found.evidence for found in edits))
    if len(places) == 1:
        yield f"1 change of `sys.path`, for its own file only: {places[0]}"
    elif places:
        yield f"{len(places)} changes of `sys.path`, each for its own file only; the first: {places[0]}"


def _facts(root: Path, inventory: Inventory) -> Mapping[str, FileFacts]:
    """Return the files, those read that speak of `sys.path`; nothing else is looked for in them."""
    found: dict[str, FileFacts] = {}
    for file in inventory.to_scan:
        data = read_bytes(root, file.path) if file.path.endswith(".py") else None
        has_edit = data is not None and b"sys.path" in data
        found[file.path] = facts_of_bytes(file.path, data or b"") if has_edit else unread_facts(file.path)
    return found


def _package_lines(files: Mapping[str, FileFacts], told: set[str]) -> Iterator[str]:
    """Yield the folders below the root in which packages lie and that nothing else makes roots."""
    modules = ModuleMap(files)
    packages = (path.rpartition("/")[0] for path in modules.files if path.endswith("/__init__.py"))
    tops = sorted({modules.top_of(folder) for folder in packages} - told - {""})
    for top in tops[:_MOST]:
        yield f"`{top}`: {Reason.PACKAGE.value}, for the files below"


def _line(found: SourceRoot) -> str:
    name = f" as `{found.package}`" if found.package else ""
    scope = f", for files below `{found.applies_to}`" if found.applies_to else ""
    return f"`{found.path or '.'}`{name}: {found.reason.value} ({found.evidence}){scope}"
