"""What an import leads to: a file of the project, another distribution, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from sophia_cli.project.code.facts import ImportFact
from sophia_cli.project.imports.known import Distributions
from sophia_cli.project.imports.model import Kind, Located, Outcome, Reason, Resolution, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap
from sophia_cli.project.imports.search_path import SearchPath

# The only submodules of standard modules that are no packages and can be imported by name.
_STANDARD_SUBMODULES = frozenset({"os.path"})


class Resolver:
    """Resolves imports, each module once for all files of a folder.

    `built` are the paths of modules that a build step writes; `open_packages` the folders of packages, and the files of
    modules, whose submodules may lie anywhere, since the code extends their `__path__`.
    """

    def __init__(
        self,
        modules: ModuleMap,
        search_path: SearchPath,
        distributions: Distributions,
        standard: frozenset[str],
        built: frozenset[str] = frozenset(),
        open_packages: frozenset[str] = frozenset(),
    ) -> None:
        self._modules = modules
        self._search_path = search_path
        self._distributions = distributions
        self.standard = standard
        self._built = built
        self._open = open_packages
        self._known: dict[tuple[str, int, str], Resolution] = {}
        self._provided: dict[str, bool] = {}

    def resolve(self, importer: str, fact: ImportFact) -> Resolution:
        """Return what `fact` in the file `importer` leads to."""
        return self.resolve_module(importer, fact.level, fact.module)

    def resolve_module(self, importer: str, level: int, module: str) -> Resolution:
        """Return what a module's name, after `level` dots, leads to from the file `importer`."""
        place = importer if self._search_path.has_own(importer) else importer.rpartition("/")[0]
        key = (place, level, module)
        known = self._known.get(key)
        if known is None:
            known = self._relative(importer, level, module) if level else self._absolute(importer, module)
            self._known[key] = known
        return known

    def submodule(self, package: Located, name: str) -> Located | None:
        """Return the submodule `name` of a package or plain folder, None where there is none."""
        folder = package.folder
        return None if folder is None else self._modules.find(folder, (name,))

    def may_hold(self, package: Located, name: str) -> bool:
        """Whether a package may have a submodule of this name that is no readable file: a folder of data is one."""
        folder = package.folder
        if folder is None:
            return False
        return folder in self._open or self._is_unread(folder, (name,)) or self._modules.has_files(folder, name)

    def _relative(self, importer: str, level: int, module: str) -> Resolution:
        parts = module.split(".") if module else []
        folder = importer.rpartition("/")[0]
        for _ in range(level - 1):
            if not folder:
                return Resolution(module, Outcome.BEYOND_TOP)
            folder = folder.rpartition("/")[0]
        name = ".".join((*self._dotted(folder), *parts))
        located = self._modules.find(folder, parts)
        if located is not None:
            return _found(name, (located,), None)
        return self._absent(folder, parts, name, prefix=self._dotted(folder))

    def _dotted(self, folder: str) -> tuple[str, ...]:
        """Return the dotted name of a folder, from the root of its build or else the project root.

        It begins behind the nearest folder that cannot be in a name.
        """
        root = self._search_path.built_root(folder)
        inside = folder[len(root) + 1 :] if root else folder
        parts = tuple(inside.split("/")) if inside else ()
        start = len(parts)
        while start and parts[start - 1].isidentifier():
            start -= 1
        return parts[start:]

    def _absolute(self, importer: str, module: str) -> Resolution:
        parts = module.split(".")
        top = parts[0]
        roots = self._search_path.of(importer)
        if not all(map(_is_name, parts)):
            return self._unnameable(module, parts, roots)
        found: list[Located] = []
        first: SourceRoot | None = None
        for root in roots:
            located = self._in_root(root, parts)
            if (
                located is not None
                and located not in found
                and not (len(parts) == 1 and self._is_chance(root, located, parts))
            ):
                found.append(located)
                first = first or root
        if top in self.standard and (not found or len(parts) == 1 or all(at.kind is Kind.NAMESPACE for at in found)):
            return self._standard_or_missing(module, parts, roots)
        if found and all(at.kind is Kind.NAMESPACE for at in found) and self.provides(module):
            return Resolution(module, Outcome.THIRD_PARTY)
        if found:
            return _found(module, tuple(sorted(found, key=_is_plain_folder)), first)
        return self._not_found(importer, module, parts, roots)

    def _unnameable(self, module: str, parts: list[str], roots: Sequence[SourceRoot]) -> Resolution:
        """Return where a module lies whose name as written is no name: only text that does not compile has such."""
        for root in roots:
            located = self._in_root(root, parts)
            if located is not None:
                bad = next(index for index, part in enumerate(parts) if not _is_name(part))
                at = "/".join((*filter(None, [root.path]), *parts[: bad + 1]))
                return Resolution(module, Outcome.RENAMED, (located,), root, known_at=at)
        return Resolution(module, Outcome.THIRD_PARTY)

    def _standard_or_missing(self, module: str, parts: list[str], roots: Sequence[SourceRoot]) -> Resolution:
        if len(parts) > 1 and module not in _STANDARD_SUBMODULES:
            for root in roots:
                top = self._in_root(root, parts[:1])
                if top is not None and top.kind is Kind.PACKAGE and parts[0] == "test":
                    return self._absent_below(root, parts, module)
        return Resolution(module, Outcome.STANDARD)

    def _in_root(self, root: SourceRoot, parts: list[str]) -> Located | None:
        if not root.package:
            return self._modules.find(root.path, parts)
        prefix = root.package.split(".")
        if parts[: len(prefix)] == prefix:
            return self._modules.find(root.path, parts[len(prefix) :])
        if prefix[: len(parts)] == parts:
            return Located(root.path, Kind.NAMESPACE)
        return None

    def _not_found(self, importer: str, module: str, parts: list[str], roots: Sequence[SourceRoot]) -> Resolution:
        holders = [(root, top) for root in roots if (top := self._in_root(root, parts[:1])) is not None]
        if any(not root.package and self._is_unread(root.path, parts[:1]) for root in roots if not holders):
            return Resolution(module, Outcome.UNREADABLE)
        provided = self.provides(module)
        own = [root for root, top in holders if self._is_own(importer, root, top, parts[0])]
        if provided and not own and not self.is_only_named(parts[0]):
            return Resolution(module, Outcome.THIRD_PARTY)
        lucky = self._lucky(importer, module, parts)
        if lucky is not None:
            return lucky
        renamed = self._renamed(roots, module, parts)
        if renamed is not None:
            return renamed
        elsewhere = self._elsewhere(module, parts, only_inferred=bool(holders))
        if elsewhere is not None:
            return elsewhere
        holders = [(root, top) for root, top in holders if not self._is_chance(root, top, parts)]
        if not holders:
            return self._renamed_anywhere(module, parts) or Resolution(module, Outcome.THIRD_PARTY)
        counts = [self._modules.longest(root.path, parts)[0] if not root.package else 1 for root, _ in holders]
        root = holders[counts.index(max(counts))][0]
        return self._absent_below(root, parts, module)

    def roots_of(self, importer: str) -> tuple[SourceRoot, ...]:
        """Return the folders that are searched for imports of this file, the likeliest first."""
        return self._search_path.of(importer)

    def expected_paths(self, importer: str, level: int, module: str) -> list[str]:
        """Return where the file of a missing module would lie, for every folder that is searched for it."""
        if level:
            folder = importer.rpartition("/")[0]
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            folders = [folder]
        else:
            folders = [root.path for root in self._search_path.of(importer) if not root.package]
        tail = module.replace(".", "/")
        bases = [f"{folder}/{tail}" if folder else tail for folder in folders if tail or folder]
        return [path for base in bases for path in (f"{base}.py", f"{base}/__init__.py")]

    def provides(self, module: str) -> bool:
        """Return whether a distribution is known to offer the module."""
        if module not in self._provided:
            self._provided[module] = self._distributions.provides(module)
        return self._provided[module]

    def declares(self, name: str) -> bool:
        """Whether the project declares a distribution, not its own, that offers this top-level name."""
        return self._distributions.declares(name) and not self._distributions.is_own(name)

    def is_name_only(self, name: str) -> bool:
        """Whether only a declaration of this very name tells of a distribution that offers it."""
        return self._distributions.is_name_only(name)

    def may_be_others(self, importer: str, fact: ImportFact) -> bool:
        """Whether a distribution, or the project itself under that name, may offer an absolute import."""
        top = fact.module.partition(".")[0]
        return self._distributions.is_own(top) or self._distributions.may_offer(fact.module, importer)

    def is_own(self, importer: str, resolution: Resolution) -> bool:
        """Whether the target is surely meant, and not what a distribution of the same name offers."""
        name = resolution.module.partition(".")[0]
        if resolution.root is None or not self.provides(resolution.module):
            return True
        top = self._in_root(resolution.root, [name])
        return top is not None and self._is_own(importer, resolution.root, top, name)

    def _is_own(self, importer: str, root: SourceRoot, top: Located, name: str) -> bool:
        """Whether a local package is surely meant although a distribution has its name.

        It is distributed under this name itself, or the importer lies in it and it lies where a program surely looks.
        """
        if top.kind is Kind.NAMESPACE:
            # Several distributions share such a folder: what is not here may come from one of the others.
            return False
        if self._distributions.is_own(name):
            return True
        is_searched = root.reason is not Reason.ABOVE or root.path == importer.rpartition("/")[0]
        if is_searched and self._distributions.is_name_only(name):
            # A package hides whatever distribution of that name there may be.
            return True
        if top.folder is None or not importer.startswith(top.folder + "/"):
            return False
        return not root.path or self._search_path.inferred(root.path) is not None

    def is_only_named(self, top: str) -> bool:
        """Whether a declaration that names a package of the project, and nothing else, speaks for a distribution.

        A module further down in another package is no such package, whatever it is called.
        """
        if not self._distributions.is_name_only(top) or self._distributions.is_own(top):
            return False
        return any(
            located.kind is not Kind.NAMESPACE
            and not self._modules.is_package(located.path.removesuffix("/__init__.py").rpartition("/")[0])
            for located in self._modules.ending_in([top])
        )

    def _is_chance(self, root: SourceRoot, top: Located, parts: list[str]) -> bool:
        """Whether a folder may have the name of an unknown distribution by chance: somewhere deep, no module in it."""
        if top.kind is not Kind.NAMESPACE or root.package or not root.path or self._search_path.inferred(root.path):
            return False
        return self._modules.longest(root.path, parts)[0] == 1 and not self._modules.has_modules(top.path)

    def _lucky(self, importer: str, module: str, parts: list[str]) -> Resolution | None:
        for root in self._search_path.inside_package(importer):
            located = self._modules.find(root.path, parts)
            if located is not None and located.kind is not Kind.NAMESPACE:
                return Resolution(module, Outcome.LUCKY, (located,), root)
        return None

    def _renamed(self, roots: Sequence[SourceRoot], module: str, parts: list[str]) -> Resolution | None:
        """Look for a folder or file whose name would be a part of the module if it were an identifier."""
        for root in roots:
            if root.package:
                continue
            count, located = self._modules.longest(root.path, parts)
            folder = root.path if located is None else located.folder
            if folder is None or count == len(parts):
                continue
            spelled = self._modules.respelled(folder, parts[count])
            if spelled is not None:
                at = f"{folder}/{spelled}" if folder else spelled
                target = self._modules.find(at, parts[count + 1 :]) if count + 1 < len(parts) else None
                target = target or self._modules.find(folder, (spelled,))
                return Resolution(module, Outcome.RENAMED, (target,) if target else (), root, known_at=at)
        return None

    def _renamed_anywhere(self, module: str, parts: list[str]) -> Resolution | None:
        """Look for the only folder whose name would be the first part if it were an identifier, and that has the rest.

        For a single part it must be a package: other folders may have the name of a distribution.
        """
        found: list[tuple[str, Located]] = []
        for at in self._modules.respelled_anywhere(parts[0]):
            target = self._modules.find(at, parts[1:])
            if target is not None and (target.kind is not Kind.NAMESPACE or self._modules.is_package(at)):
                found.append((at, target))
        if len(found) != 1:
            return None
        at, target = found[0]
        return Resolution(
            module, Outcome.RENAMED, (target,), SourceRoot(at.rpartition("/")[0], Reason.ABOVE), known_at=at
        )

    def _elsewhere(self, module: str, parts: list[str], only_inferred: bool) -> Resolution | None:
        """Look for the module below a folder that is not searched for this file, but could be for others.

        A single name that lies within a package is no sign: `openai.py` in a package is not what `import openai` means.
        """
        fitting: list[tuple[SourceRoot, Located]] = []
        for located in self._modules.ending_in(parts):
            base = located.path.removesuffix("/__init__.py").removesuffix(".py")
            folder = base.removesuffix("/".join(parts)).rstrip("/")
            inferred = self._search_path.inferred(folder)
            if located.kind is Kind.NAMESPACE or (only_inferred and inferred is None):
                continue
            if len(parts) > 1 or inferred is not None or not self._modules.is_package(folder):
                fitting.append((inferred or SourceRoot(folder, Reason.ABOVE), located))
        if not fitting:
            return None
        return Resolution(module, Outcome.OTHER_ROOT, tuple(at for _, at in fitting), fitting[0][0])

    def _absent_below(self, root: SourceRoot, parts: list[str], module: str) -> Resolution:
        if root.package:
            return Resolution(module, Outcome.MISSING, root=root, known=root.package, known_at=root.path)
        return self._absent(root.path, parts, module, prefix=())

    def _absent(self, folder: str, parts: list[str], module: str, prefix: tuple[str, ...]) -> Resolution:
        """Return why the module is not below the folder: missing, unless something there cannot be read."""
        count, located = self._modules.longest(folder, parts)
        known = ".".join((*prefix, *parts[:count]))
        if self._is_unread(folder, parts[: count + 1]):
            return Resolution(module, Outcome.UNREADABLE, known=known)
        if located is None:
            return Resolution(module, Outcome.MISSING, known=known, known_at=folder)
        if located.folder in self._open or located.path in self._open:
            return Resolution(module, Outcome.UNREADABLE, known=known)
        return Resolution(module, Outcome.MISSING, known=known, known_at=located.path)

    def _is_unread(self, folder: str, parts: Sequence[str]) -> bool:
        base = "/".join((folder, *parts)) if folder else "/".join(parts)
        return f"{base}.py" in self._built or self._modules.exists_unread(folder, parts)


def _found(module: str, located: tuple[Located, ...], root: SourceRoot | None) -> Resolution:
    outcome = Outcome.NAMESPACE if located[0].kind is Kind.NAMESPACE else Outcome.MODULE
    return Resolution(module, outcome, located, root, known=module, known_at=located[0].path)


def _is_name(part: str) -> bool:
    return part.isidentifier() and not iskeyword(part)


def _is_plain_folder(located: Located) -> bool:
    return located.kind is Kind.NAMESPACE
