"""Stubs of missing modules as fixes: proposed only where somebody asked for them, and only where nothing better is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sophia_cli.core.findings import Edit, Finding, Fix, Safety
from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.fixers.mending.together import FindingsByPath
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.project.imports.model import Import, Outcome
from sophia_cli.project.imports.stubs import package_text, stub_text, stubs_for

RULE_NAME = "missing-module"
EVIDENCE = "asked for with --stub"
# Nobody writes such a module by hand: it says how unlikely it is that this is what is meant.
_CONFIDENCE = 0.05
_GROUP = "stub:"
_INIT = "/__init__.py"


def is_stub(finding: Finding) -> bool:
    """Tell whether what a finding proposes is a stub."""
    return finding.fix is not None and finding.fix.evidence == (EVIDENCE,)


def with_stubs(
    found: FindingsByPath, view: ProjectView, allowed: Callable[[Finding, Iterable[str]], bool]
) -> FindingsByPath:
    """Return the findings, with a stub as the fix of every missing module for which there is no evidence.

    All importers of a module share one stub, with the names that any of them takes. `allowed` says whether a finding
    may have the stub that these files make up. A file that does not compile waits until it does.
    """
    lacking = {
        _place(finding): finding
        for path, findings in found.items()
        if path not in view.files or view.files[path].compiles
        for finding in findings
        if finding.name == RULE_NAME and finding.fix is None
    }
    imports = [item for item in view.graph.imports if item.resolution.outcome is Outcome.MISSING] if lacking else []
    modules: dict[str, _Module] = {}
    wanted: dict[tuple[str, int, int, str], str] = {}
    for item in imports:
        for stub in stubs_for(view.graph, [item]):
            modules.setdefault(stub.path, _Module(stub.module)).take(item)
            wanted[_import_place(item)] = stub.path
    needed = {wanted[place] for place in lacking if place in wanted}
    files = _Files({path: module for path, module in modules.items() if path in needed}, _folders(view.files))
    fixes: dict[int, Fix] = {}
    for place, finding in lacking.items():
        if place in wanted:
            edits = tuple(files.edits_for(wanted[place]))
            group = files.group_of(wanted[place])
            if allowed(finding, files.paths_in(group)):
                title = f"write a stub of `{modules[wanted[place]].name}`"
                fixes[id(finding)] = Fix(title, Safety.UNSAFE, edits, (EVIDENCE,), _CONFIDENCE, group=_GROUP + group)
    return {
        path: tuple(replace(f, fix=fixes[id(f)]) if id(f) in fixes else f for f in findings)
        for path, findings in found.items()
    }


@dataclass(slots=True)
class _Module:
    """A missing module: the names that are taken from it, and whether any other may be asked for."""

    name: str
    names: dict[str, None] = field(default_factory=dict)
    is_open: bool = False

    def take(self, item: Import) -> None:
        names = [name.name for name in item.fact.names]
        self.names.update((name, None) for name in names if name != "*")
        self.is_open = self.is_open or not names or "*" in names


class _Files:
    """The files that make up the stubs: a module that others lie in is a package, and missing packages come along."""

    def __init__(self, modules: Mapping[str, _Module], folders: frozenset[str]) -> None:
        self._folders = folders
        self._texts: dict[str, str] = {}
        self._packages = {folder for path in modules for folder in _above(path)} - folders
        for path, module in modules.items():
            for folder in self._missing_above(path):
                depth = path.count("/") - folder.count("/")
                self._texts[folder + _INIT] = package_text(module.name.rsplit(".", depth)[0])
        for path, module in modules.items():
            # A submodule is found by its file; a function of its name would hide it.
            names = [
                name for name in module.names if not self._is_module(f"{path.removesuffix('.py')}/{name}", modules)
            ]
            is_bare = not names and not module.is_open
            text = package_text(module.name) if is_bare else stub_text(module.name, names, is_open=module.is_open)
            self._texts[self._place(path)] = text

    def edits_for(self, path: str) -> Iterator[Edit]:
        """Yield what creates the module that would lie at `path`, packages above it first."""
        for place in (*(folder + _INIT for folder in self._missing_above(path)), self._place(path)):
            yield Edit(place, 0, 0, self._texts[place].encode())

    def group_of(self, path: str) -> str:
        """Return what all stubs share that stand or fall together: the outermost name that is not there."""
        missing = self._missing_above(path)
        return missing[0] if missing else path.removesuffix(".py")

    def paths_in(self, group: str) -> tuple[str, ...]:
        """Return the files of one group."""
        return tuple(path for path in self._texts if path == group + ".py" or path.startswith(group + "/"))

    def _place(self, path: str) -> str:
        folder = path.removesuffix(".py")
        return folder + _INIT if folder in self._packages else path

    def _is_module(self, place: str, modules: Mapping[str, _Module]) -> bool:
        return place in self._packages or place + ".py" in modules

    def _missing_above(self, path: str) -> list[str]:
        return [folder for folder in _above(path) if folder not in self._folders]


def _above(path: str) -> list[str]:
    """Return the folders on the way to a file, outer ones first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _folders(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(folder for path in paths for folder in _above(path))


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.path, finding.region.line, finding.region.column, str(finding.data.get("module"))


def _import_place(item: Import) -> tuple[str, int, int, str]:
    return item.importer, item.fact.place.line, item.fact.place.column, item.resolution.module
