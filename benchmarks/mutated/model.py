"""What the imports of a laid-out repository lead to, by a plain reading of its trees: the reference for the truth.

It knows the layout, so it needs no inference, and shares no code with what it judges.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from benchmarks.mutated.layout import Repository, Service


class State(Enum):
    """What became of one imported module or name."""

    FINE = "fine"
    MISSING_MODULE = "missing-module"
    MISSING_NAME = "missing-name"
    BROKEN = "broken-target"
    OTHERS = "others"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """What a binding stands for: a file of the repository, or a name in one."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One thing that a statement imports.

    `module` is the absolute dotted name, `name` what is taken from it (empty for the module itself), `local` the name
    that the file binds. `lines` are those of the statement.
    """

    path: str
    lines: tuple[int, int]
    module: str
    name: str
    local: str
    state: State
    target: Target | None = None
    is_top: bool = False


@dataclass(frozen=True, slots=True)
class _Surface:
    names: frozenset[str]
    exports: frozenset[str] | None
    stars: tuple[ast.ImportFrom, ...]
    sources: Mapping[str, tuple[ast.ImportFrom, str]]
    is_open: bool


class Model:
    """The imports of a repository as it stands."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._texts = repository.texts
        self._folders = {""}
        for path in repository.python_files():
            folder = path.rpartition("/")[0]
            while folder not in self._folders:
                self._folders.add(folder)
                folder = folder.rpartition("/")[0]
        self._homes = {path: repository.service_of(path) for path in repository.python_files()}
        self._leads: dict[tuple[str, int, str], str | None] = {}

    def taken(self) -> list[Taken]:
        """Return everything that the files import, in the order of paths and lines; broken files have nothing."""
        return [one for path in self._repository.python_files() for one in self.taken_by(path)]

    def taken_by(self, path: str) -> Iterator[Taken]:
        """Yield what one file imports."""
        tree = parsed(self._texts[path])
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield self._module(path, node, alias)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield self._name(path, node, alias)

    def locate(self, path: str, level: int, module: str) -> str | None:
        """Return the file, or the plain folder, that a module leads to; None where it is not there."""
        if level:
            folder = path.rpartition("/")[0]
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            return self._below(folder, module)
        return next((found for root in self._roots(path) if (found := self._below(root, module)) is not None), None)

    def is_own(self, path: str, module: str) -> bool:
        """Whether an absolute name belongs to the repository, be it there or not."""
        service, top = self._homes.get(path), module.partition(".")[0]
        return (service is not None and top == service.name.partition(".")[0]) or any(
            self._below(root, top) is not None for root in self._roots(path)
        )

    def _roots(self, path: str) -> tuple[str, ...]:
        service = self._homes.get(path)
        return tuple(dict.fromkeys((*([service.root] if service else ()), "")))

    def _below(self, folder: str, module: str) -> str | None:
        base = "/".join(part for part in (folder, module.replace(".", "/")) if part)
        for path in (f"{base}/__init__.py", f"{base}.py"):
            if path in self._texts:
                return path
        return base if base in self._folders else None

    def _module(self, path: str, node: ast.Import, alias: ast.alias) -> Taken:
        lines = (node.lineno, node.end_lineno or node.lineno)
        local = alias.asname or alias.name
        if not self.is_own(path, alias.name):
            return Taken(path, lines, alias.name, "", local, State.OTHERS)
        found = self.locate(path, 0, alias.name)
        if found is None:
            return Taken(path, lines, alias.name, "", local, State.MISSING_MODULE)
        state = State.BROKEN if self._is_broken(found) else State.FINE
        return Taken(path, lines, alias.name, "", local, state, Target(found))

    def _name(self, path: str, node: ast.ImportFrom, alias: ast.alias) -> Taken:
        lines = (node.lineno, node.end_lineno or node.lineno)
        module, local = self._dotted(path, node.level, node.module or ""), alias.asname or alias.name
        if not node.level and not self.is_own(path, module):
            return Taken(path, lines, module, alias.name, local, State.OTHERS)
        found = self.locate(path, node.level, node.module or "")
        if found is None:
            return Taken(path, lines, module, alias.name, local, State.MISSING_MODULE)
        if self._is_broken(found):
            return Taken(path, lines, module, alias.name, local, State.BROKEN, Target(found))
        if alias.name == "*":
            return Taken(path, lines, module, "*", "*", State.FINE, Target(found))
        submodule = self._submodule(found, alias.name)
        if found == path and submodule is None:
            return Taken(path, lines, module, alias.name, local, State.UNKNOWN)
        if self._has(found, alias.name):
            return Taken(path, lines, module, alias.name, local, State.FINE, self._origin(found, alias.name))
        if submodule is not None:
            state = State.BROKEN if self._is_broken(submodule) else State.FINE
            return Taken(path, lines, module, alias.name, local, state, Target(submodule))
        state = State.UNKNOWN if self._is_open(found) else State.MISSING_NAME
        return Taken(path, lines, module, alias.name, local, state)

    def _dotted(self, path: str, level: int, module: str) -> str:
        if not level:
            return module
        service = self._homes.get(path)
        folder = path.rpartition("/")[0]
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        root = service.root if service else ""
        inside = folder[len(root) + 1 :] if root else folder
        return ".".join(filter(None, (inside.replace("/", "."), module)))

    def _submodule(self, found: str, name: str) -> str | None:
        if found.endswith("/__init__.py") or found in self._folders:
            return self._below(found.removesuffix("/__init__.py"), name)
        return None

    def _is_broken(self, path: str) -> bool:
        return path in self._texts and parsed(self._texts[path]) is None

    def _has(self, path: str, name: str, seen: tuple[str, ...] = ()) -> bool:
        surface = self._surface(path)
        if surface is None or path in seen:
            return False
        if name in surface.names:
            return True
        return any(
            target is not None and self._has(target, name, (*seen, path)) and self._exports(target, name)
            for target in self._starred(path, surface)
        )

    def _exports(self, path: str, name: str) -> bool:
        surface = self._surface(path)
        if surface is None or surface.exports is None:
            return not name.startswith("_")
        return name in surface.exports

    def _is_open(self, path: str, seen: tuple[str, ...] = ()) -> bool:
        surface = self._surface(path)
        if surface is None:
            return path not in self._folders
        if surface.is_open:
            return True
        return any(
            target is None or (target not in (*seen, path) and self._is_open(target, (*seen, path)))
            for target in self._starred(path, surface)
        )

    def _origin(self, path: str, name: str, seen: tuple[Target, ...] = ()) -> Target:
        """Return where a name is defined in the end, imports by name followed."""
        target = Target(path, name)
        surface = self._surface(path)
        if surface is None or name not in surface.sources or target in seen:
            return target
        node, original = surface.sources[name]
        found = self.locate(path, node.level, node.module or "")
        if found is None:
            return target
        if self._has(found, original):
            return self._origin(found, original, (*seen, target))
        submodule = self._submodule(found, original)
        return Target(submodule) if submodule is not None else target

    def _starred(self, path: str, surface: _Surface) -> Iterator[str | None]:
        for node in surface.stars:
            yield self.locate(path, node.level, node.module or "")

    def _surface(self, path: str) -> _Surface | None:
        return _surface_of(self._texts[path]) if path in self._texts else None


@lru_cache(maxsize=4000)
def parsed(text: str) -> ast.Module | None:
    """Return the tree of a text, None where it does not compile."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=4000)
def _surface_of(text: str) -> _Surface | None:
    tree = parsed(text)
    if tree is None:
        return None
    names: set[str] = {"__name__", "__file__", "__doc__", "__path__"}
    stars: list[ast.ImportFrom] = []
    sources: dict[str, tuple[ast.ImportFrom, str]] = {}
    defined: set[str] = set()
    is_open = any(mark in text for mark in ("__getattr__", "globals()", "sys.modules", "exec(", "lazy"))
    exports = None
    for node in _own_level(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            defined.add(node.name)
        elif isinstance(node, ast.Import):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    stars.append(node)
                else:
                    names.add(alias.asname or alias.name)
                    sources[alias.asname or alias.name] = (node, alias.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
            defined.add(node.id)
        elif isinstance(node, ast.Assign) and _is_all(node):
            exports = _strings(node.value)
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Global):
            names.update(inner.names)
    kept = {name: source for name, source in sources.items() if name not in defined}
    return _Surface(frozenset(names), exports, tuple(stars), kept, is_open)


def _own_level(body: list[ast.stmt]) -> Iterator[ast.AST]:
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def _is_all(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)


def _strings(node: ast.expr) -> frozenset[str] | None:
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    found = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return frozenset(found) if len(found) == len(node.elts) else None


__all__ = ["Model", "Service", "State", "Taken", "Target", "parsed"]
