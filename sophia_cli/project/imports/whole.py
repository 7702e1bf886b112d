"""The project as a whole: what its files say, what it declares and what is installed, brought together in one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.dependencies.declared import collect
from sophia_cli.project.dependencies.import_names import import_names
from sophia_cli.project.dependencies.installed import Environment
from sophia_cli.project.dependencies.lookup import Dependencies
from sophia_cli.project.imports.built import built_modules
from sophia_cli.project.imports.graph import ImportGraph, build_graph
from sophia_cli.project.imports.modules import Listing
from sophia_cli.project.imports.roots import infer_roots


def connected(
    files: Mapping[str, FileFacts],
    documents: Mapping[str, bytes],
    read: Callable[[str], bytes | None],
    environment: Environment,
    listing: Listing | None,
) -> tuple[ImportGraph, Dependencies]:
    """Return what every import leads to, and what other people's modules come from.

    `documents` are the bytes of files that say something about the project, `read` gives those of any file; `listing`
    gives the names in a folder of the disk, so that compiled and ignored modules count as there.
    """
    declaring = (path for path in files if path.rpartition("/")[2] in ("setup.py", "noxfile.py"))
    scripts = {path: data for path in declaring if (data := read(path))}
    dependencies = Dependencies(collect((*documents, *scripts), read), environment, import_names())
    settings = {**documents, **scripts}
    graph = build_graph(
        files,
        infer_roots(files, settings),
        listing=listing,
        distributions=dependencies,
        built=built_modules(settings),
    )
    return graph, dependencies
