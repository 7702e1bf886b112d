"""A project made of texts, for tests of what its imports lead to."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sophia_cli.fixers.file_facts import facts_of_bytes
from sophia_cli.project.imports.built import built_modules
from sophia_cli.project.imports.graph import ImportGraph, build_graph
from sophia_cli.project.imports.model import Import, Outcome
from sophia_cli.project.imports.roots import infer_roots


class Known:
    """Distributions that a test knows: those that exist, those that are declared, the project's own."""

    def __init__(self, tops: Collection[str], own: Collection[str] = (), named: Collection[str] = ()) -> None:
        self.tops = frozenset((*tops, *named))
        self.own = frozenset(own)
        self.named = frozenset(named)

    def provides(self, module: str) -> bool:
        return module.partition(".")[0] in self.tops

    def declares(self, module: str) -> bool:
        return self.provides(module)

    def is_own(self, top: str) -> bool:
        return top in self.own

    def is_name_only(self, top: str) -> bool:
        return top in self.named

    def may_offer(self, module: str, path: str) -> bool:
        return self.provides(module)


def graph_of(
    texts: Mapping[str, str],
    *,
    distributions: Collection[str] = (),
    own: Collection[str] = (),
    named: Collection[str] = (),
    unread: Mapping[str, Collection[str]] | None = None,
) -> ImportGraph:
    """Return the graph of a project.

    `unread` gives names in folders beside the files, `named` distributions that nothing but a declaration knows.
    """
    files = {path: facts_of_bytes(path, text.encode()) for path, text in texts.items() if path.endswith(".py")}
    documents = {path: text.encode() for path, text in texts.items() if path not in files or path.endswith("setup.py")}
    names = unread or {}
    return build_graph(
        files,
        infer_roots(files, documents),
        listing=lambda folder: frozenset(names.get(folder, ())),
        distributions=Known(distributions, own, named),
        built=built_modules(documents),
    )


def only_import(graph: ImportGraph, path: str) -> Import:
    """Return the one import of a file."""
    (found,) = graph.imports_of(path)
    return found


def outcome(texts: Mapping[str, str], path: str, **options: Collection[str]) -> Outcome:
    """Return what the one import of a file comes to."""
    return only_import(graph_of(texts, **options), path).resolution.outcome  # type: ignore[arg-type]  # one type for all options
