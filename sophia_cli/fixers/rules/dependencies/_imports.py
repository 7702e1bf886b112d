"""Imports of other people's modules, one for each distribution that a statement needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sophia_cli.core.findings import Region, Severity
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
        """An import for type checkers only breaks nothing that runs; one that is provided for may be meant so."""
        if self.fact.guard is Guard.TYPE_CHECKING:
            return Severity.NOTE
        return Severity.ERROR if self.fact.guard is Guard.NONE else Severity.WARNING


def needed(view: ProjectView) -> Iterator[Needed]:
    """Yield what every scanned file imports of others, each statement and distribution once."""
    for item in view.graph.imports:
        if item.resolution.outcome is not Outcome.THIRD_PARTY or item.fact.level or item.fact.is_call:
            continue
        if not is_standard(item.fact.module):
            yield from _needed(item, view.dependencies)


def _needed(item: Import, dependencies: Dependencies) -> Iterator[Needed]:
    top = item.fact.module.partition(".")[0]
    if top in _ALWAYS_THERE or dependencies.is_own(top):
        return
    seen: set[str] = set()
    for dotted in _dotted(item.fact, dependencies):
        origin = dependencies.distributions_of(dotted)
        key = origin.distribution if origin else dotted
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
