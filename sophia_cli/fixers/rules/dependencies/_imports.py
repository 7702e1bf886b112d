"""Imports of other people's modules, one for each distribution that a statement needs."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Region, Severity
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.project.code.facts import Guard, ImportFact
from sophia_cli.project.dependencies.lookup import Dependencies, Origin
from sophia_cli.project.dependencies.standard_library import is_standard
from sophia_cli.project.imports.model import Import, Outcome

# Modules of Python 2's standard library that Python 3 calls otherwise; they belong to no distribution.
PYTHON_2 = frozenset(
    {
        "BaseHTTPServer", "CGIHTTPServer", "ConfigParser", "Cookie", "HTMLParser", "Queue", "SimpleHTTPServer",
        "SocketServer", "StringIO", "Tkinter", "UserDict", "UserList", "UserString", "__builtin__", "anydbm", "cPickle",
        "cStringIO", "commands", "cookielib", "copy_reg", "dummy_thread", "exceptions", "htmlentitydefs", "httplib",
        "itertools.izip", "md5", "robotparser", "sets", "sha", "thread", "tkMessageBox", "ttk", "urllib2", "urlparse",
        "xmlrpclib",
    }
)  # fmt: skip
_DEVELOPMENT_FOLDERS = frozenset(
    {"tests", "test", "testing", "docs", "doc", "docs_src", "examples", "benchmarks", "benchmark", "scripts"}
)
# Further down, `tools` is what agents use as often as what maintainers do.
_DEVELOPMENT_TOPS = frozenset({"tools"})
_TESTS = frozenset({"tests", "test", "testing"})
_DOCUMENTATION = frozenset({"docs", "doc", "docs_src"})
_TEST_GROUPS = ("test", "tests", "testing")
_DOCUMENTATION_GROUPS = ("docs", "doc", "documentation")
_DEVELOPMENT_GROUPS = ("dev", "develop", "development")
# What every interpreter or type checker brings.
_ALWAYS_THERE = frozenset({"__main__", "_typeshed", "typeshed", "pip", "this"})


@dataclass(frozen=True, slots=True)
class Needed:
    """One distribution that an import statement needs: the dotted name imported, and where it comes from if known."""

    path: str
    fact: ImportFact
    dotted: str
    origin: Origin | None

    @property
    def region(self) -> Region:
        """The whole statement."""
        place = self.fact.place
        return Region(place.line, place.column, place.end_line, place.end_column)

    @property
    def severity(self) -> Severity:
        """An import for type checkers breaks nothing that runs; one that is provided for may be meant so."""
        if self.fact.guard is Guard.TYPE_CHECKING:
            return Severity.NOTE
        is_certain = self.fact.guard is Guard.NONE and not is_for_development(self.path)
        return Severity.ERROR if is_certain else Severity.WARNING


def is_for_development(path: str) -> bool:
    """Return whether a Python file is for tests, documentation or the project's own tools rather than for running."""
    parts = path.lower().split("/")
    if any(part in _DEVELOPMENT_FOLDERS for part in parts[:-1]) or parts[0] in _DEVELOPMENT_TOPS:
        return True
    name = parts[-1]
    return name in ("conftest.py", "noxfile.py", "setup.py") or name.startswith("test_") or name.endswith("_test.py")


def groups_for(path: str) -> tuple[str, ...]:
    """Return the groups and extras in which a project declares what a file of its tests or documentation needs.

    Empty for a file that runs with what the project itself needs, as the scripts beside it do.
    """
    *folders, name = path.lower().split("/")
    if name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py") or _TESTS & set(folders):
        return (*_TEST_GROUPS, *_DEVELOPMENT_GROUPS)
    if _DOCUMENTATION & set(folders):
        return (*_DOCUMENTATION_GROUPS, *_DEVELOPMENT_GROUPS)
    return ("nox", *_DEVELOPMENT_GROUPS) if name == "noxfile.py" else ()


def needed(view: ProjectView) -> Iterator[Needed]:
    """Yield what every scanned file imports of others, each statement and distribution once."""
    for item in view.graph.imports:
        if item.resolution.outcome is not Outcome.THIRD_PARTY or item.fact.level or item.fact.is_call:
            continue
        if item.fact.guard is not Guard.EXPECTED and not is_standard(item.fact.module):
            yield from _needed(item, view.dependencies)


def _needed(item: Import, dependencies: Dependencies) -> Iterator[Needed]:
    top = item.fact.module.partition(".")[0]
    # What Cython compiles imports C declarations from a package that never exists.
    if top in _ALWAYS_THERE or dependencies.is_own(top) or item.fact.module.startswith("cython.cimports"):
        return
    seen: set[str] = set()
    for dotted in _dotted(item.fact, dependencies):
        origin = dependencies.distributions_of(dotted)
        key = origin.distribution if origin else dotted
        # Type checkers bring `typing_extensions` themselves.
        if key == "typing-extensions" and item.fact.guard is Guard.TYPE_CHECKING:
            continue
        if key not in seen:
            seen.add(key)
            yield Needed(item.importer, item.fact, dotted, origin)


def _dotted(fact: ImportFact, dependencies: Dependencies) -> Iterator[str]:
    """Yield the dotted names imported; below a package that several distributions share, the names tell which one."""
    if not fact.names or not dependencies.is_shared(fact.module):
        yield fact.module
        return
    for name in fact.names:
        yield fact.module if name.name == "*" else f"{fact.module}.{name.name}"
