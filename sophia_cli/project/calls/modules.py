"""Modules as calls need them: what an import leads to, and what a module's own level binds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sophia_cli.project.calls.values import NOBODY_KNOWS, External, ModuleValue, Values
from sophia_cli.project.code.calls import CallSurface, Expression, Name
from sophia_cli.project.code.facts import Guard, ImportFact, Place, Scope
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.imports.model import Located, Outcome, Resolution

_NOWHERE = Place(1, 1, 1, 1)
_FOUND = frozenset({Outcome.MODULE, Outcome.NAMESPACE, Outcome.LUCKY, Outcome.RENAMED})
_OTHERS = frozenset({Outcome.STANDARD, Outcome.THIRD_PARTY})
_EMPTY = CallSurface()


class Imports(Protocol):
    """Tells what an import leads to (`project.imports.resolve.Resolver`)."""

    def resolve(self, importer: str, fact: ImportFact, /) -> Resolution: ...

    def submodule(self, package: Located, name: str, /) -> Located | None: ...


class Modules:
    """The modules of the project. Nothing is read ahead; what was asked once is remembered."""

    def __init__(self, files: Mapping[str, FileFacts], imports: Imports) -> None:
        self._files = files
        self._imports = imports
        self._found: dict[tuple[str, str], Values] = {}
        self._exports: dict[str, frozenset[str]] = {}
        self._tables: dict[str, dict[str, tuple[Expression, ...]]] = {}

    def paths(self) -> list[str]:
        """Return every file, in order."""
        return sorted(self._files)

    def surface(self, path: str) -> CallSurface:
        """Return what a file says about calls; nothing for one that is not known."""
        file = self._files.get(path)
        return _EMPTY if file is None else file.calls

    def imported(self, importer: str, written: str) -> Values:
        """Return the module that an import in a file leads to; `written` has its dots in front."""
        folder = importer.rpartition("/")[0]
        known = self._found.get((folder, written))
        if known is None:
            known = self._found[(folder, written)] = self._resolved(importer, written)
        return known

    def bound(self, path: str, name: str) -> tuple[Expression, ...] | None:
        """Return what a module's own level binds to a name, None when it does not."""
        table = self._tables.get(path)
        if table is None:
            table = self._tables[path] = table_of(self.surface(path).names)
        return table.get(name)

    def exports(self, path: str, name: str) -> bool:
        """Whether a star import takes the name over, if the module has it."""
        file = self._files.get(path)
        if file is None:
            return False
        if file.surface.exports is None:
            return not name.startswith("_")
        if path not in self._exports:
            self._exports[path] = frozenset(file.surface.exports)
        return name in self._exports[path]

    def submodule(self, package: Located, name: str) -> Located | None:
        """Return the submodule of a package or plain folder, None where there is none."""
        return self._imports.submodule(package, name)

    def _resolved(self, importer: str, written: str) -> Values:
        module = written.lstrip(".")
        level = len(written) - len(module)
        fact = ImportFact(module, level, (), None, False, _NOWHERE, _NOWHERE, Scope.MODULE, Guard.NONE)
        resolution = self._imports.resolve(importer, fact)
        if resolution.outcome in _FOUND and resolution.targets:
            return tuple(ModuleValue(target) for target in resolution.targets)
        return (External(module),) if resolution.outcome in _OTHERS else NOBODY_KNOWS


def table_of(names: tuple[Name, ...]) -> dict[str, tuple[Expression, ...]]:
    """Return names with their values."""
    return {name.name: name.values for name in names}
