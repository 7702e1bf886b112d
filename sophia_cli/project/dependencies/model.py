"""Declared distributions as values: what a file asks for, where it stands, and what in it could not be read."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Format(Enum):
    """The kind of file that declares or locks distributions."""

    REQUIREMENTS = "requirements"
    PIP_LIST = "pip-list"
    PYPROJECT = "pyproject"
    SETUP_CFG = "setup-cfg"
    SETUP_PY = "setup-py"
    PIPFILE = "pipfile"
    CONDA = "conda"
    PIXI = "pixi"
    LOCK = "lock"
    TOX = "tox"
    NOX = "nox"


class Role(Enum):
    """What a distribution is asked for: to run, as an extra, to develop, to build; or a mere pin or bound."""

    MAIN = "main"
    OPTIONAL = "optional"
    DEV = "dev"
    BUILD = "build"
    LOCK = "lock"
    CONSTRAINT = "constraint"


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open byte range of the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """One distribution that a file names.

    `name` is normalised (PEP 503), `written` as in the file. `specifier` is a PEP 440 set (Poetry's `^1.2` is written
    out), empty when any version will do; `specifier_written` as in the file. `url` is a direct, VCS or local
    reference. `group` is the extra or group that it belongs to, empty for none. `span` is what to cut to remove the
    entry, separators and line end included, empty where cutting will not do; `value` the words that say which versions.
    `is_table_entry` tells that it is a key of a TOML table (Poetry, Pipenv), whose value is the version alone,
    `is_conda` that it is a Conda package, whose name need not be that of a distribution.
    """

    name: str
    written: str
    extras: tuple[str, ...]
    specifier: str
    specifier_written: str
    marker: str
    url: str | None
    role: Role
    group: str
    line: int
    column: int
    span: Span
    value: Span
    is_editable: bool = False
    has_hashes: bool = False
    is_table_entry: bool = False
    is_conda: bool = False

    @property
    def pinned(self) -> str | None:
        """The one version that it admits, None when it admits several or none is named."""
        text = self.specifier.strip()
        if text.startswith("===") or not text.startswith("==") or "," in text or "*" in text:
            return None
        return text[2:].strip() or None


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a declaration that could not be read: what and where."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Include:
    """Another file that a declaration takes in (`-r`, `-c`, `file =`), its path relative to the project root.

    `path` is None when it leads out of the project or names something that is no local file.
    """

    written: str
    path: str | None
    role: Role
    line: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """One file's declarations, alone: what it includes is named, not read.

    `distribution` is the name of the distribution that the file itself makes, empty for none. `dynamic` names fields
    that are computed elsewhere, so that the file does not tell all. `declares_main` is true for a file that has a place
    for what the code needs to run (a `[project]` table, a requirements file), though it may be empty. `is_compiled`
    tells that a resolver wrote it, so that it also holds what nobody asked for by name, `is_unmerged` that it
    holds both sides of a merge that was not finished.
    """

    path: str
    format: Format
    requirements: tuple[Requirement, ...]
    includes: tuple[Include, ...] = ()
    problems: tuple[Problem, ...] = ()
    distribution: str = ""
    dynamic: tuple[str, ...] = ()
    declares_main: bool = False
    is_compiled: bool = False
    is_unmerged: bool = False

    @property
    def folder(self) -> str:
        """The folder the file lies in, empty for the root."""
        return self.path.rpartition("/")[0]
