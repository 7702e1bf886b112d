"""Source roots that a `setup.py` declares. It is read as a tree and never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sophia_cli.project.imports.model import SourceRoot
from sophia_cli.project.imports.modules import ModuleMap
from sophia_cli.project.imports.roots_pyproject import layout_roots, mapped_root


def setup_py_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the roots of one `setup.py`; none when it does not compile or calls no `setup`."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    base = path.rpartition("/")[0]
    names = _assigned(tree)
    for call in _calls(tree, "setup"):
        yield from layout_roots(path, base, call.lineno, modules)
        for keyword in call.keywords:
            value = names.get(keyword.value.id, keyword.value) if isinstance(keyword.value, ast.Name) else keyword.value
            if keyword.arg == "package_dir" and isinstance(value, ast.Dict):
                for key, folder in zip(value.keys, value.values, strict=True):
                    package, where = _text(key), _text(folder)
                    if package is not None and where is not None:
                        yield from mapped_root(path, base, package, where, value.lineno)
    for finder in ("find_packages", "find_namespace_packages"):
        for call in _calls(tree, finder):
            given = [*call.args[:1], *(item.value for item in call.keywords if item.arg == "where")]
            for argument in given:
                where = _text(argument)
                if where is not None:
                    yield from mapped_root(path, base, "", where, call.lineno)


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called == name:
                yield node


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
