"""Which import of a cycle is cheapest to cut."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.project.imports.cycles import Cycle, Link


@dataclass(frozen=True, slots=True)
class Cut:
    """An import to take out of the module's own level, and why that one."""

    link: Link
    why: str
    cost: int


def cheapest_cut(view: ProjectView, cycle: Cycle) -> Cut:
    """Return the import of the circle whose names are needed latest and least."""
    return min((_cut(view, link) for link in cycle.links), key=lambda cut: cut.cost)


def _cut(view: ProjectView, link: Link) -> Cut:
    source = view.sources.text(link.source)
    count = max(1, len(link.names))
    plural = "its name is" if count == 1 else f"its {count} names are"
    try:
        tree = ast.parse(source.text) if source is not None and link.names and "*" not in link.names else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None or link.source.endswith("/__init__.py"):
        return Cut(link, f"which takes {count} name{'' if count == 1 else 's'}", 100 + count)
    local = {alias.asname or alias.name for alias in _aliases(tree, link)} or set(link.names)
    defers = "from __future__ import annotations" in (source.text if source is not None else "")
    used = {node.id for node in _at_import(tree, defers) if isinstance(node, ast.Name)} & local
    if not used:
        return Cut(link, f"since {plural} used only when functions run", count)
    return Cut(link, f"which takes {count} name{'' if count == 1 else 's'}", 100 + count + len(used))


def _aliases(tree: ast.Module, link: Link) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.lineno == link.place.line:
            yield from node.names


def _at_import(tree: ast.Module, defers_annotations: bool) -> Iterator[ast.AST]:
    """Yield what runs while the file is imported."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            if not defers_annotations:
                pending += filter(None, [node.returns, *(given.annotation for given in _arguments(node.args))])
        elif isinstance(node, ast.Lambda):
            pending += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.AnnAssign) and defers_annotations:
            pending += [node.value] if node.value is not None else []
        else:
            yield node
            pending += ast.iter_child_nodes(node)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]
