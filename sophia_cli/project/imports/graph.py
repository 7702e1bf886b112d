"""The import graph: what every import leads to, who needs whom, and everything that an entry point pulls in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from sophia_cli.core.values import replace
from sophia_cli.project.code.facts import Guard, ImportedName, ImportFact, Scope
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.imports.invented import is_meant_without_prefix
from sophia_cli.project.imports.known import Distributions, NoDistributions, standard_modules
from sophia_cli.project.imports.model import (
    Edge,
    Import,
    Kind,
    Located,
    Outcome,
    Reason,
    Resolution,
    SourceRoot,
    When,
)
from sophia_cli.project.imports.modules import Listing, ModuleMap
from sophia_cli.project.imports.resolve import Resolver
from sophia_cli.project.imports.search_path import SearchPath
from sophia_cli.project.imports.surfaces import Surfaces
from sophia_cli.project.imports.test_code import is_test_code


class ImportGraph:
    """Every import of every file, resolved. Made by `build_graph`; nothing in it changes afterwards."""

    def __init__(
        self, files: Mapping[str, FileFacts], modules: ModuleMap, roots: tuple[SourceRoot, ...], resolver: Resolver
    ) -> None:
        self.files = files
        self.modules = modules
        self.roots = roots
        self.resolver = resolver
        self.surfaces = Surfaces(files, resolver.resolve)
        self._imports: dict[str, tuple[Import, ...]] = {}

    def imports_of(self, path: str) -> tuple[Import, ...]:
        """Return the imports of one file in the order of its text; empty for a file that is not known."""
        known = self._imports.get(path)
        if known is None:
            file = self.files.get(path)
            facts = () if file is None else file.surface.imports
            known = self._imports[path] = tuple(self._import(path, fact) for fact in facts)
        return known

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports of the files that are scanned, by path."""
        return tuple(
            item for path in sorted(self.files) if self.files[path].is_scanned for item in self.imports_of(path)
        )

    @cached_property
    def definitions(self) -> Mapping[str, tuple[str, ...]]:
        """The files that define each name at their own level; tests, and files that are not scanned, are left out."""
        found: dict[str, list[str]] = defaultdict(list)
        for path, file in sorted(self.files.items()):
            if not file.is_scanned or not file.compiles or is_test_code(path):
                continue
            imported = {name.asname or name.name for fact in file.surface.imports for name in fact.names}
            imported.update(fact.asname or fact.module.partition(".")[0] for fact in file.surface.imports)
            for binding in file.surface.bindings:
                if binding.name not in imported and not binding.is_for_types:
                    found[binding.name].append(path)
        return {name: tuple(paths) for name, paths in found.items()}

    @cached_property
    def edges(self) -> Mapping[str, tuple[Edge, ...]]:
        """For every file, the files that it needs, packages above them included."""
        return {path: tuple(self._edges_of(path)) for path in sorted(self.files)}

    @cached_property
    def _importers(self) -> Mapping[str, tuple[Edge, ...]]:
        found: dict[str, list[Edge]] = defaultdict(list)
        for edges in self.edges.values():
            for edge in edges:
                found[edge.target].append(edge)
        return {path: tuple(edges) for path, edges in found.items()}

    def importers_of(self, path: str) -> tuple[Edge, ...]:
        """Return the edges that lead to a file."""
        return self._importers.get(path, ())

    def closure(self, entries: str | Iterable[str]) -> frozenset[str]:
        """Return the files that these entry points need, themselves included: at import, later, or named in a string.

        Complete rather than small: every root that has a module counts, and imports for type checkers count too.
        """
        starts = [path for path in ([entries] if isinstance(entries, str) else entries) if path in self.files]
        seen = {path for start in starts for path in (start, *self.packages_above(start))}
        pending = list(seen)
        while pending:
            path = pending.pop()
            for edge in self.edges.get(path, ()):
                if edge.target not in seen:
                    seen.add(edge.target)
                    pending.append(edge.target)
        return frozenset(seen)

    def packages_above(self, path: str) -> list[str]:
        """Return the `__init__.py` files that run before a module does, the outermost first."""
        found: list[str] = []
        folder = path.rpartition("/")[0]
        while folder:
            package = folder + "/__init__.py"
            if package in self.modules.files and package != path:
                found.append(package)
            folder = folder.rpartition("/")[0]
        return found[::-1]

    def locate(self, path: str, level: int, module: str) -> Located | None:
        """Return the file that a module's name means in the file `path`, None where that is none of the project's."""
        resolution = self.resolver.resolve_module(path, level, module)
        is_file = resolution.outcome is Outcome.MODULE and resolution.targets[0].kind is not Kind.NAMESPACE
        return resolution.targets[0] if is_file else None

    def _import(self, path: str, fact: ImportFact) -> Import:
        resolution = self.resolver.resolve(path, fact)
        if resolution.outcome in (Outcome.OTHER_ROOT, Outcome.LUCKY) and not self._is_meant(path, fact, resolution):
            resolution = Resolution(resolution.module, Outcome.THIRD_PARTY)
        if resolution.outcome is Outcome.THIRD_PARTY and is_meant_without_prefix(
            path, fact, self.modules, self.resolver, self._surely_offers
        ):
            resolution = Resolution(resolution.module, Outcome.MISSING)
        if resolution.outcome not in (Outcome.MODULE, Outcome.NAMESPACE):
            return Import(path, fact, resolution)
        broken = self._broken(path, resolution.targets)
        below: dict[str, None] = {}
        submodules: list[Located] = []
        missing: list[ImportedName] = []
        for name in fact.names if fact.is_from else ():
            if name.name == "*":
                continue
            held = [at for target in resolution.targets if (at := self.resolver.submodule(target, name.name))]
            submodules.extend(held)
            below.update(dict.fromkeys(self._broken(path, held)))
            if not held and all(self._lacks(target, name.name) for target in resolution.targets):
                missing.append(name)
        if missing and self._are_others(resolution, missing):
            if not submodules:
                return Import(path, fact, Resolution(resolution.module, Outcome.THIRD_PARTY))
            missing.clear()
        if missing and not self.resolver.is_own(path, resolution):
            missing.clear()
        return Import(path, fact, resolution, tuple(submodules), tuple(missing), broken or tuple(below))

    def _are_others(self, resolution: Resolution, names: Sequence[ImportedName]) -> bool:
        """Whether names that a plain folder does not hold are what distributions put beside it (`google.cloud`)."""
        return all(target.kind is Kind.NAMESPACE for target in resolution.targets) and all(
            self.resolver.provides(f"{resolution.module}.{name.name}") for name in names
        )

    def _is_meant(self, path: str, fact: ImportFact, resolution: Resolution) -> bool:
        """Whether a module found in an unexpected place is what the import means, and not a distribution of that name.

        It must offer the imported names; one that is imported whole must be a plain module with a name of its own.
        """
        targets = [target for target in resolution.targets if target.path != path]
        if not targets:
            return False
        if fact.is_from:
            return any(
                all(name.name == "*" or self._offers(target, name.name) for name in fact.names) for target in targets
            )
        if "." in resolution.module:
            return True
        return resolution.outcome is Outcome.LUCKY and any(target.kind is Kind.MODULE for target in targets)

    def _offers(self, target: Located, name: str) -> bool:
        return self.resolver.submodule(target, name) is not None or not self._lacks(target, name)

    def _surely_offers(self, target: Located, name: str) -> bool:
        return self.resolver.submodule(target, name) is not None or self.surfaces.offer(target.path).has(name)

    def _lacks(self, target: Located, name: str) -> bool:
        if self.resolver.may_hold(target, name):
            return False
        return target.kind is Kind.NAMESPACE or self.surfaces.lacks(target.path, name)

    def _broken(self, importer: str, targets: Sequence[Located]) -> tuple[str, ...]:
        """Return the target when it does not compile; with several places, only when none of them does."""
        paths = [target.path for target in targets if target.kind is not Kind.NAMESPACE]
        if paths and paths[0] != importer and all(self._is_broken(path) for path in paths):
            return (paths[0],)
        return ()

    def _is_broken(self, path: str) -> bool:
        file = self.files.get(path)
        return file is not None and file.is_scanned and not file.compiles

    def _edges_of(self, path: str) -> Iterable[Edge]:
        """Return an edge for every file needed, with the earliest moment at which it is."""
        found: dict[str, Edge] = {}
        for item in self.imports_of(path):
            when = _when(item.fact)
            for target in self._reached(item):
                self._add(found, path, target, when, item.fact.place.line)
        for dotted in self.files[path].surface.strings:
            for target in self._named(path, dotted):
                self._add(found, path, target, When.NAMED, 0)
        return found.values()

    def _add(self, found: dict[str, Edge], path: str, target: str, when: When, line: int) -> None:
        for needed in (*self.packages_above(target), target):
            known = found.get(needed)
            if needed != path and (known is None or when.rank < known.when.rank):
                found[needed] = Edge(path, needed, when, line)

    def _reached(self, item: Import) -> Iterable[str]:
        for located in (*item.resolution.targets, *item.submodules):
            if located.kind is not Kind.NAMESPACE:
                yield located.path

    def _named(self, path: str, dotted: str) -> Iterable[str]:
        """Return the files that a string of dotted names may mean: the whole of it, or all but its last part.

        One that ends in `.*` means every module below a package.
        """
        module = dotted.partition(":")[0]
        if module.endswith(".*"):
            return self._below(path, module[:-2])
        for name in (module, module.rpartition(".")[0]):
            if name:
                found = self.resolver.resolve_module(path, 0, name)
                places = [at.path for at in found.targets if at.kind is not Kind.NAMESPACE]
                if places and found.outcome in (Outcome.MODULE, Outcome.LUCKY):
                    return places
        return ()

    def _below(self, path: str, package: str) -> list[str]:
        found = self.resolver.resolve_module(path, 0, package)
        folders = [at.folder + "/" for at in found.targets if at.folder]
        return [file for file in sorted(self.modules.files) if any(map(file.startswith, folders))]


def build_graph(
    files: Mapping[str, FileFacts],
    roots: tuple[SourceRoot, ...] = (),
    *,
    listing: Listing | None = None,
    distributions: Distributions | None = None,
    standard: frozenset[str] | None = None,
    built: frozenset[str] = frozenset(),
) -> ImportGraph:
    """Return the import graph of these files.

    `roots` come from `infer_roots`. `listing` gives the names in a folder of the disk; without it nothing beside
    `files` is known to exist. `distributions` tells which modules are other people's. `built` are modules that a build
    step writes.
    """
    modules = ModuleMap(files, listing)
    known = distributions or NoDistributions()
    open_packages = frozenset(
        path.removesuffix("/__init__.py")
        for path, file in files.items()
        if _has_hidden_modules(path, file) and not (_extends_path(file) and _is_alone(path, modules, known))
    )

    def resolver(more: tuple[SourceRoot, ...]) -> Resolver:
        return Resolver(
            modules,
            SearchPath((*roots, *more), modules),
            known,
            standard_modules() if standard is None else standard,
            built,
            open_packages,
        )

    graph = ImportGraph(files, modules, roots, resolver(()))
    more = tuple(_handed_on(graph))
    return ImportGraph(files, modules, (*roots, *more), resolver(more)) if more else graph


def _has_hidden_modules(path: str, file: FileFacts) -> bool:
    """Whether a module may have submodules that lie elsewhere: one that changes its `__path__`, or a plain module whose
    `__getattr__` answers for that name too."""
    wanted = {"__path__"} if path.endswith("/__init__.py") else {"__path__", "__getattr__"}
    return any(binding.name in wanted for binding in file.surface.bindings)


def _extends_path(file: FileFacts) -> bool:
    """Whether a package looks for folders of its own name on `sys.path`, as `pkgutil.extend_path` does, and no more."""
    return any(fact.module == "pkgutil" for fact in file.surface.imports)


def _is_alone(path: str, modules: ModuleMap, distributions: Distributions) -> bool:
    """Whether no distribution may have put modules beside those of a package."""
    folder = path.rpartition("/")[0]
    top = modules.top_of(folder)
    dotted = (folder[len(top) + 1 :] if top else folder).replace("/", ".")
    return not distributions.may_offer(dotted, path)


def _handed_on(graph: ImportGraph) -> Iterator[SourceRoot]:
    """Yield roots for files that find a module only since a program that imports them changed `sys.path`.

    The same where a file that they import changes it (`import bootstrap`).
    """
    lost: dict[str, list[str]] = defaultdict(list)
    for item in graph.imports:
        if item.resolution.outcome is Outcome.OTHER_ROOT:
            lost[item.importer] += [target.path for target in item.resolution.targets]
    closures = {path: graph.closure(path) for path in sorted(lost)}
    for root in graph.roots if lost else ():
        if root.reason is Reason.PATH_EDIT and root.applies_to in graph.files:
            prefix = root.path + "/" if root.path else ""
            reached = graph.closure(root.applies_to)
            for path, closure in closures.items():
                is_near = path in reached or root.applies_to in closure
                if is_near and any(target.startswith(prefix) for target in lost[path]):
                    yield replace(root, applies_to=path)


def _when(fact: ImportFact) -> When:
    if fact.guard is Guard.TYPE_CHECKING:
        return When.TYPE_CHECKING
    return When.LATER if fact.scope in (Scope.FUNCTION, Scope.MAIN) else When.IMPORT
