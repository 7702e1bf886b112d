"""The words of imports: where modules are looked for, and what one import statement leads to."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.facts import Guard, ImportedName, ImportFact, Scope


class Reason(Enum):
    """Why Python looks for modules in a folder."""

    PATH_EDIT = "sys.path is changed"
    PACKAGE = "a package lies in it"
    PACKAGING = "packaging settings name it"
    TOOL = "a tool's settings name it"
    PYTHONPATH = "PYTHONPATH names it"
    CONTAINER = "a container image starts there"
    WORKING_FOLDER = "a command starts there"
    PROJECT = "the project root"
    ABOVE = "a folder above the file, and no package"
    INSIDE_PACKAGE = "a folder of the package that the file is in"


@dataclass(frozen=True, slots=True)
class SourceRoot:
    """A folder whose modules can be imported by their names.

    `path` is relative to the project root, empty for the root itself. `evidence` is where it was seen (`file:line`, or
    a file). `applies_to` is the folder, or the one file, whose imports it holds for; empty for all. `package` is the
    dotted name under which the folder itself is imported, empty where what lies in it is at the top.
    """

    path: str
    reason: Reason
    evidence: str = ""
    applies_to: str = ""
    package: str = ""


class Kind(Enum):
    """What lies where a module's name leads."""

    MODULE = "module"
    PACKAGE = "package"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Located:
    """What a name leads to: a module's file, the `__init__.py` of a package, or a plain folder of modules."""

    path: str
    kind: Kind

    @property
    def folder(self) -> str | None:
        """The folder in which its submodules are, None for a module that has none."""
        if self.kind is Kind.NAMESPACE:
            return self.path
        return self.path.rpartition("/")[0] if self.kind is Kind.PACKAGE else None


class Outcome(Enum):
    """What an import leads to.

    UNREADABLE: something that exists and that nobody can read as Python text (a compiled module, a stub, an ignored
    file, what a build step writes). OTHER_ROOT: a module that can be imported from another root only. LUCKY: found only
    when the program is started inside the package. RENAMED: a folder or file whose name is no identifier. BEYOND_TOP:
    more dots than folders.
    """

    MODULE = "module"
    NAMESPACE = "namespace"
    STANDARD = "standard"
    THIRD_PARTY = "third-party"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    OTHER_ROOT = "other-root"
    LUCKY = "lucky"
    RENAMED = "renamed"
    BEYOND_TOP = "beyond-top"

    @property
    def is_first_party(self) -> bool:
        """Whether the name belongs to the project, be it there or not."""
        return self not in (Outcome.STANDARD, Outcome.THIRD_PARTY)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one imported module leads to, seen from one file.

    `module` is the absolute dotted name. `targets` are the places it may lead to, the likeliest first, one for each
    root that has it. For OTHER_ROOT, LUCKY and RENAMED `targets` is what was found there and `root` the folder. `known`
    is the longest part of the name that exists, and `known_at` where.
    """

    module: str
    outcome: Outcome
    targets: tuple[Located, ...] = ()
    root: SourceRoot | None = None
    known: str = ""
    known_at: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one file with what it leads to.

    `submodules` are the names that are modules themselves, with their places; `missing` the names that the module
    neither defines, imports nor holds; `broken` what does not compile: the target, or else submodules.
    """

    importer: str
    fact: ImportFact
    resolution: Resolution
    submodules: tuple[Located, ...] = ()
    missing: tuple[ImportedName, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def is_guarded(self) -> bool:
        """Whether the file provides for the failure of this import."""
        return self.fact.guard is not Guard.NONE

    @property
    def is_lazy(self) -> bool:
        """Whether it runs only when a function is called."""
        return self.fact.scope is Scope.FUNCTION


class When(Enum):
    """When an import runs."""

    IMPORT = "import"
    LATER = "later"
    TYPE_CHECKING = "type-checking"
    NAMED = "named"

    @property
    def rank(self) -> int:
        """Order from the moment that always comes (0) to that which no program may reach."""
        return (When.IMPORT, When.LATER, When.NAMED, When.TYPE_CHECKING).index(self)


@dataclass(frozen=True, slots=True)
class Edge:
    """One file needs another. `line` is the importing statement's, 0 where only a string names the target."""

    source: str
    target: str
    when: When
    line: int
