"""What one Python file says that other files care about, as values. Nothing here knows any other file."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Scope(Enum):
    """When a statement runs: on import, when a function is called, or only as a script."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    MAIN = "main"


class Guard(Enum):
    """What stands around a statement so that its failure, or its absence, is provided for.

    TRY: the body of a `try` that catches ImportError or more. FALLBACK: a handler of such a `try`. TYPE_CHECKING: only
    for type checkers. CONDITION: under a test of the Python version, the platform or the implementation. EXPECTED: a
    test asserts that it fails.
    """

    NONE = "none"
    TRY = "try"
    FALLBACK = "fallback"
    TYPE_CHECKING = "type-checking"
    CONDITION = "condition"
    EXPECTED = "expected"


@dataclass(frozen=True, slots=True)
class Place:
    """A range of the text: lines and columns from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class ImportedName:
    """One name of a `from` import as it is written; `place` is where the name itself stands (without `as ...`)."""

    name: str
    asname: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class ImportFact:
    """One imported module: `from module import names`, or one item of `import module as asname`.

    `level` counts leading dots, which `module` does not have. `names` is empty for a plain import and holds `*` for a
    star import. `place` is the whole statement, `module_place` the module as written, dots included. `is_certain` is
    false where the text does not compile and the surroundings could not be read. `is_call` tells of a module that a
    call loads by a literal name, such as `importlib.import_module("module")`: it binds nothing, and `module_place` is
    the text between the quotes. `is_fatal` tells that what catches its failure raises again or ends the program.
    """

    module: str
    level: int
    names: tuple[ImportedName, ...]
    asname: str | None
    is_from: bool
    place: Place
    module_place: Place
    scope: Scope
    guard: Guard
    is_certain: bool = True
    is_call: bool = False
    is_fatal: bool = False

    @property
    def written(self) -> str:
        """The module as written, with its dots."""
        return "." * self.level + self.module

    @property
    def is_star(self) -> bool:
        """Whether it takes over every public name."""
        return self.is_from and any(name.name == "*" for name in self.names)


@dataclass(frozen=True, slots=True)
class Binding:
    """A name that the module's own level binds, and the line where it first does.

    `is_for_types` tells of one that only type checkers see (`if TYPE_CHECKING:`): no importer gets it at run time.
    """

    name: str
    line: int
    is_for_types: bool = False


@dataclass(frozen=True, slots=True)
class PathEdit:
    """A change of `sys.path` that can be read from the text.

    `parts` leads to the folder that is put on the path: relative to the file's own folder when `from_file`, else to the
    folder in which the program is started. `..` parts climb.
    """

    parts: tuple[str, ...]
    from_file: bool
    line: int


@dataclass(frozen=True, slots=True)
class NameUse:
    """A use of an imported module while the file is imported: `module.name` at the module's own level.

    `dotted` names the module as its import does, whatever the file calls it: `a.b.Name` after `import a.b as c` and
    `c.Name`, `.sub.Name` after `from . import sub` and `sub.Name`. `line` is where it is first used.
    """

    dotted: str
    line: int


@dataclass(frozen=True, slots=True)
class ModuleSurface:
    """What a module offers to others and asks of them.

    `bindings` are the names bound at its own level when it is imported, imports included: what only runs as a script
    (`if __name__ == "__main__":`) is left out. `exports` is a literal `__all__`, None without one. `is_dynamic` tells
    that names may exist that nobody can read from the text: a module `__getattr__`, writes to `globals()`, a replaced
    `sys.modules` entry, `exec`. `early_uses` are attributes of imported modules that are used while the module is
    imported. `has_main` tells of an `if __name__ == "__main__"`. `strings` are dotted names in string literals that may
    name a module to whoever loads it (`"package.module:app"`, `"package.module.Class"`), each once; one that ends in
    `.*` stands for whatever modules a name built at run time may reach (`import_module(f"plugins.{name}")`).
    """

    imports: tuple[ImportFact, ...] = ()
    bindings: tuple[Binding, ...] = ()
    exports: tuple[str, ...] | None = None
    is_dynamic: bool = False
    path_edits: tuple[PathEdit, ...] = ()
    early_uses: tuple[NameUse, ...] = ()
    has_main: bool = False
    strings: tuple[str, ...] = ()
