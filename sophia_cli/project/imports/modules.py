"""Where modules lie: an index of the project's Python files by folder and name, built once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from sophia_cli.project.imports.model import Kind, Located

Listing = Callable[[str], frozenset[str]]
"""Gives the names in a folder of the disk (empty where there is none), to find what is no readable Python file."""

_COMPILED = (".so", ".pyd", ".pyx", ".pyi", ".pyc", ".dll")
_DESCRIPTIONS = ("proto", "protos", "protobuf", "protobufs")
_NOT_IN_NAMES = re.compile(r"\W")


class ModuleMap:
    """The project's modules. `paths` are its Python files, relative to the root and with `/`."""

    def __init__(self, paths: Iterable[str], listing: Listing | None = None) -> None:
        self.files = frozenset(path for path in paths if path.endswith(".py"))
        self.folders = _folders(self.files)
        self._listing = listing
        self._listed: dict[str, frozenset[str]] = {}
        self._compiled: dict[str, frozenset[str]] = {}

    def find(self, folder: str, parts: Sequence[str]) -> Located | None:
        """Return what `parts` lead to below a folder, in Python's order: package, module, plain folder."""
        base = "/".join((folder, *parts)) if folder else "/".join(parts)
        if not base:
            return Located("", Kind.NAMESPACE)
        package = base + "/__init__.py"
        if package in self.files:
            return Located(package, Kind.PACKAGE)
        module = base + ".py"
        if module in self.files and parts:
            return Located(module, Kind.MODULE)
        return Located(base, Kind.NAMESPACE) if base in self.folders else None

    def longest(self, folder: str, parts: Sequence[str]) -> tuple[int, Located | None]:
        """Return how many of the parts exist below a folder, and what the last of these leads to."""
        for count in range(len(parts), 0, -1):
            located = self.find(folder, parts[:count])
            if located is not None:
                return count, located
        return 0, None

    def is_package(self, folder: str) -> bool:
        """Whether the folder holds an `__init__.py`."""
        return (folder + "/__init__.py" if folder else "__init__.py") in self.files

    def top_of(self, folder: str) -> str:
        """Return the folder above the outermost package that a folder lies in; itself when it is in none."""
        top = folder
        while folder:
            above = folder.rpartition("/")[0]
            if self.is_package(folder):
                top = above
            folder = above
        return top

    def name_of(self, path: str, root: str) -> tuple[str, ...]:
        """Return the parts of the name under which a file is imported from a root."""
        inside = path[len(root) + 1 :] if root else path
        parts = inside.removesuffix(".py").split("/")
        return tuple(parts[:-1] if parts[-1] == "__init__" else parts)

    def dotted(self, path: str) -> str:
        """Return the dotted name of a file, from the project root or the nearest folder that no name can hold."""
        parts = self.name_of(path, "")
        start = len(parts)
        while start and parts[start - 1].isidentifier():
            start -= 1
        return ".".join(parts[start:])

    def ending_in(self, parts: Sequence[str]) -> list[Located]:
        """Return every module of the project whose path ends in these parts, wherever it lies."""
        tail = "/".join(parts)
        return [
            located for base, located in self._by_name.get(parts[-1], ()) if base == tail or base.endswith("/" + tail)
        ]

    def named(self, name: str) -> list[Located]:
        """Return the modules and packages of this name, wherever they lie."""
        return [located for _, located in self._by_name.get(name, ())]

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the names of the modules and packages that lie directly in a folder."""
        return tuple(self._names.get(folder, ()))

    def has_modules(self, folder: str) -> bool:
        """Whether a Python file lies directly in the folder."""
        return folder in self._filled

    def packages_in(self, folder: str) -> tuple[str, ...]:
        """Return the names of the packages that lie directly in a folder."""
        return tuple(self._packages.get(folder, ()))

    def respelled(self, folder: str, part: str) -> str | None:
        """Return the name in a folder that is no identifier and would be `part` if it were (`my-app` for `my_app`)."""
        return self._respellings.get((folder, part))

    def respelled_anywhere(self, part: str) -> tuple[str, ...]:
        """Return the folders of the project, wherever they lie, whose name would be `part` if it were an identifier."""
        return self._respelled_folders.get(part, ())

    def exists_unread(self, folder: str, parts: Sequence[str]) -> bool:
        """Whether the disk holds something of this name that is not among the files: compiled, ignored, a stub."""
        if self._listing is None or not parts:
            return False
        above = "/".join((folder, *parts[:-1])) if folder else "/".join(parts[:-1])
        name = parts[-1]
        names = self._names_in(above)
        if name in names and self._is_source_folder(f"{above}/{name}" if above else name):
            return True
        return f"{name}.py" in names or name in self._compiled_in(above) or self._is_generated(above, name)

    def has_files(self, folder: str, name: str) -> bool:
        """Whether a folder of this name on the disk holds more than byte code that was left behind."""
        if name not in self._names_in(folder):
            return False
        return not self._names_in(f"{folder}/{name}" if folder else name) <= {"__pycache__"}

    def _is_source_folder(self, folder: str) -> bool:
        return any(name.endswith((".py", *_COMPILED)) for name in self._names_in(folder))

    def _is_generated(self, folder: str, name: str) -> bool:
        """Whether a description from which the module is generated lies beside it or above: `x.proto` for `x_pb2`."""
        stem = name.removesuffix("_grpc").removesuffix("_pb2")
        if stem == name:
            return False
        description = f"{stem}.proto"
        while True:
            inner = (f"{folder}/{below}" if folder else below for below in _DESCRIPTIONS)
            if any(description in self._names_in(place) for place in (folder, *inner)):
                return True
            if not folder:
                return False
            folder = folder.rpartition("/")[0]

    def _names_in(self, folder: str) -> frozenset[str]:
        if folder not in self._listed:
            self._listed[folder] = frozenset() if self._listing is None else self._listing(folder)
        return self._listed[folder]

    def _compiled_in(self, folder: str) -> frozenset[str]:
        """Return the names of modules in a folder that are there in a form which is no text."""
        if folder not in self._compiled:
            names = self._names_in(folder)
            self._compiled[folder] = frozenset(name.partition(".")[0] for name in names if name.endswith(_COMPILED))
        return self._compiled[folder]

    @cached_property
    def _filled(self) -> frozenset[str]:
        return frozenset(path.rpartition("/")[0] for path in self.files)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for base in sorted({path.removesuffix(".py") for path in self.files} | self.folders):
            above, _, name = base.rpartition("/")
            if name.isidentifier() and name != "__init__":
                found[above].append(name)
        return dict(found)

    @cached_property
    def _packages(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.files):
            if path.endswith("/__init__.py"):
                above, _, name = path.removesuffix("/__init__.py").rpartition("/")
                found[above].append(name)
        return dict(found)

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, Located]]]:
        found: dict[str, list[tuple[str, Located]]] = defaultdict(list)
        for path in sorted(self.files):
            if path.endswith("/__init__.py"):
                base, kind = path.removesuffix("/__init__.py"), Kind.PACKAGE
            elif path != "__init__.py":
                base, kind = path.removesuffix(".py"), Kind.MODULE
            else:
                continue
            found[base.rpartition("/")[2]].append((base, Located(path, kind)))
        for folder in sorted(self.folders):
            if folder and not self.is_package(folder):
                found[folder.rpartition("/")[2]].append((folder, Located(folder, Kind.NAMESPACE)))
        return dict(found)

    @cached_property
    def _respelled_folders(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for (folder, plain), name in self._respellings.items():
            at = f"{folder}/{name}" if folder else name
            if at in self.folders:
                found[plain].append(at)
        return {plain: tuple(folders) for plain, folders in found.items()}

    @cached_property
    def _respellings(self) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for base in sorted({path.removesuffix(".py") for path in self.files} | self.folders):
            folder, _, name = base.rpartition("/")
            plain = _NOT_IN_NAMES.sub("_", name)
            if plain != name and plain.isidentifier():
                found.setdefault((folder, plain), name)
        return found


def normal_folder(base: str, parts: Iterable[str]) -> str | None:
    """Return the folder that `parts` lead to from `base`, both below the project root; None where they leave it."""
    path = [part for part in base.split("/") if part]
    for part in parts:
        if part == "..":
            if not path:
                return None
            path.pop()
        elif part not in ("", "."):
            path.append(part)
    return "/".join(path)


def _folders(paths: Iterable[str]) -> frozenset[str]:
    """Return every folder that has a Python file in it or below, the root as the empty string."""
    found = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)
