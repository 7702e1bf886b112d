"""Which folders hold for the imports of one file, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sophia_cli.project.files.classify import is_test_folder
from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap
from sophia_cli.project.imports.test_code import is_test_code

_FIRST = (Reason.PATH_EDIT,)
_PROJECT = SourceRoot("", Reason.PROJECT)


class SearchPath:
    """The roots for every file: those that were inferred, and those that follow from where the file lies."""

    def __init__(self, roots: Sequence[SourceRoot], modules: ModuleMap) -> None:
        self._modules = modules
        self._everywhere = [root for root in roots if not root.applies_to and root.reason not in _FIRST]
        # A conftest of the whole project: its folder has no name, and only tests run with it.
        self._for_tests = [root for root in roots if not root.applies_to and root.reason in _FIRST]
        self._somewhere: dict[str, list[SourceRoot]] = {}
        for root in roots:
            if root.applies_to:
                self._somewhere.setdefault(root.applies_to, []).append(root)
        self._inferred = {root.path: root for root in roots if root.path and not root.package}
        # What lies below a root of a build is its packages, also where a folder has no init file.
        self._built = {
            root.path
            for root in roots
            if root.path and root.reason is Reason.PACKAGING and not root.package
            if not root.applies_to
        }
        self._by_folder: dict[str, tuple[SourceRoot, ...]] = {}

    def of(self, path: str) -> tuple[SourceRoot, ...]:
        """Return the roots that hold for this file, the likeliest first."""
        folder = path.rpartition("/")[0]
        known = self._by_folder.get(folder)
        if known is None:
            known = self._by_folder[folder] = self._of_folder(folder)
        own = self._somewhere.get(path, [])
        if self._is_run_with_conftest(path):
            own = [*own, *self._for_tests]
        return _unique((*own, *known)) if own else known

    def has_own(self, path: str) -> bool:
        """Whether this very file has roots that others in its folder do not have."""
        return path in self._somewhere or self._is_run_with_conftest(path)

    def _is_run_with_conftest(self, path: str) -> bool:
        return bool(self._for_tests) and is_test_code(path)

    def inferred(self, folder: str) -> SourceRoot | None:
        """Return the root that something in the project says this folder is, for whatever files."""
        return self._inferred.get(folder)

    def inside_package(self, path: str) -> tuple[SourceRoot, ...]:
        """Return the folders of the file's own package, from which its modules must not be imported; nearest first."""
        folder = path.rpartition("/")[0]
        top = self._top_of(folder)
        return tuple(SourceRoot(name, Reason.INSIDE_PACKAGE, applies_to=name) for name in _below(top, folder))

    def built_root(self, folder: str) -> str:
        """Return the root of a build that holds a folder (`src`), empty where there is none."""
        return next((name for name in _upwards(folder) if name in self._built), "")

    def _top_of(self, folder: str) -> str:
        """Return the folder above everything that is in the names of the modules in a folder."""
        return self.built_root(folder) or self._modules.top_of(folder)

    def _of_folder(self, folder: str) -> tuple[SourceRoot, ...]:
        below = [root for above in _upwards(folder) for root in self._somewhere.get(above, ())]
        edited = [root for root in below if root.reason in _FIRST]
        top = self._top_of(folder)
        own = [SourceRoot(top, Reason.PACKAGE if top != folder else Reason.ABOVE)] if top != folder or top else []
        above = [SourceRoot(name, Reason.ABOVE) for name in _upwards(top)[1:]]
        if top != folder and any(is_test_folder(part) for part in folder.split("/")):
            # pytest puts the first folder upwards that is no package on the path, also within a package of tests.
            gaps = [
                name for name in _upwards(folder) if not self._modules.is_package(name) and name not in _upwards(top)
            ]
            own = [*(SourceRoot(name, Reason.ABOVE) for name in gaps), *own]
        inferred = [root for root in (*below, *self._everywhere) if root.reason not in _FIRST]
        return _unique((*edited, *own, *inferred, _PROJECT, *above))


def _upwards(folder: str) -> list[str]:
    """Return the folder and those above it, without the project root."""
    found: list[str] = []
    while folder:
        found.append(folder)
        folder = folder.rpartition("/")[0]
    return found


def _below(top: str, folder: str) -> list[str]:
    """Return the folder and those above it up to, without, `top`; nearest first."""
    return [name for name in _upwards(folder) if name != top and not (top + "/").startswith(name + "/")]


def _unique(roots: Iterable[SourceRoot]) -> tuple[SourceRoot, ...]:
    """Return the roots without those that repeat the folder and the package of an earlier one."""
    kept: dict[tuple[str, str], SourceRoot] = {}
    for root in roots:
        kept.setdefault((root.path, root.package), root)
    return tuple(kept.values())
