"""Import cycles that bite: each circle of files is imported in thought, name by name, from wherever it can begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.code.facts import Guard, Place, Scope
from sophia_cli.project.imports.components import circles
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Import, Kind, When

# Circles larger than this are looked at from so many beginnings at most: the cost is their product.
_BEGINNINGS = 60
# Files at which programs start, tried for a circle that fails by itself; each may load the whole project.
_STARTS = 20


@dataclass(frozen=True, slots=True)
class Link:
    """One import on a circle: `source` imports `target` at `place`; `names` are what it takes from it."""

    source: str
    target: str
    place: Place
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycle:
    """A circle of imports that fails.

    `links` lead from the file that is imported first (`links[0].source`) round to it again; the last link is the import
    that fails, since `name` is not there yet. `component` holds all files of the circle.
    """

    links: tuple[Link, ...]
    name: str
    component: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """An attribute of a module that is read while the file is imported."""

    target: str
    name: str
    line: int


_Event = Import | _Use


@dataclass(slots=True)
class _Frame:
    """A file that is being imported: what is left to run of it, and what is to be imported before that goes on."""

    path: str
    events: list[_Event]
    link: Link | None
    position: int = 0
    pending: list[str] = field(default_factory=list)
    is_entered: bool = False
    line: int = 0


def biting_cycles(graph: ImportGraph) -> Iterator[Cycle]:
    """Yield the cycles that fail when a program starts, at most one for each circle of files.

    A circle is first imported from each of its own files. What fails there is tried again from the files at which
    programs start: many circles only fail in an order that no program imports them in.
    """
    eager = {path: [edge.target for edge in edges if edge.when is When.IMPORT] for path, edges in graph.edges.items()}
    for path in graph.files:
        if any(path == item.resolution.targets[0].path for item in _running(graph.imports_of(path))):
            eager[path].append(path)
    events: dict[str, list[_Event]] = {}
    for component in circles(eager):
        cycle = _within(graph, component, events)
        if cycle is not None and len(component) > 1:
            cycle = _from_starts(graph, component, cycle, events)
        if cycle is not None:
            yield cycle


def _within(graph: ImportGraph, component: tuple[str, ...], events: dict[str, list[_Event]]) -> Cycle | None:
    """Import every file of the circle first; those below one package share what its `__init__` already did."""
    members = frozenset(component)
    done_by: dict[str, frozenset[str]] = {}
    for entry in [path for path in component if graph.files[path].compiles][:_BEGINNINGS]:
        chain = [path for path in graph.packages_above(entry) if path in members]
        if chain and entry in done_by.get(chain[0], ()):
            continue
        run = _Run(graph, members, component, events)
        for path in (*chain, entry):
            cycle = run.start(path)
            if cycle is not None:
                return cycle
            if chain and path == chain[0]:
                done_by.setdefault(path, frozenset(run.done))
    return None


def _from_starts(
    graph: ImportGraph, component: tuple[str, ...], cycle: Cycle, events: dict[str, list[_Event]]
) -> Cycle | None:
    """Import what the files at which programs start import; `cycle` itself where no such file leads to the circle."""
    members = frozenset(component)
    starts = _starts(graph, members)
    for start in starts[:_STARTS]:
        run = _Run(graph, None, component, events)
        for path in (*graph.packages_above(start), start):
            found = run.start(path)
            if found is not None:
                if members.issuperset(link.source for link in found.links):
                    return found
                break
    return None if starts else cycle


def _starts(graph: ImportGraph, members: frozenset[str]) -> list[str]:
    """Return the files that lead to a circle and that nothing imports, or that are scripts: those outside it first."""
    seen = set(members)
    pending = list(members)
    starts: list[str] = []
    while pending:
        path = pending.pop()
        sources = [edge.source for edge in graph.importers_of(path) if edge.when is When.IMPORT]
        outside = [source for source in sources if source != path]
        if (not outside or graph.files[path].surface.has_main) and graph.files[path].compiles:
            starts.append(path)
        for source in outside:
            if source not in seen:
                seen.add(source)
                pending.append(source)
    return sorted(starts, key=lambda path: (path in members, path))


class _Run:
    """One import in thought: which files of the circle are done, under way, and what they have bound so far."""

    def __init__(
        self,
        graph: ImportGraph,
        members: frozenset[str] | None,
        component: tuple[str, ...],
        events: dict[str, list[_Event]],
    ) -> None:
        self._graph = graph
        self._members = members
        self._component = component
        self._events = events
        self.done: set[str] = set()
        self._stack: list[_Frame] = []
        self._under_way: set[str] = set()

    def start(self, path: str) -> Cycle | None:
        """Import one file; return the cycle that makes it fail."""
        self._enter(path, None)
        while self._stack:
            frame = self._stack[-1]
            if frame.pending:
                wanted = frame.pending.pop(0)
                self._enter(wanted, self._link(frame, wanted))
                continue
            cycle = self._check(frame) if frame.is_entered else None
            if cycle is not None and not self._caught():
                return cycle
            if cycle is None:
                self._advance(frame)
        return None

    def _enter(self, path: str, link: Link | None) -> None:
        if self._counts(path) and path not in self.done and path not in self._under_way:
            if path not in self._events:
                self._events[path] = list(_events_of(self._graph, path))
            self._under_way.add(path)
            self._stack.append(_Frame(path, self._events[path], link))

    def _counts(self, path: str) -> bool:
        if self._members is not None:
            return path in self._members
        return path in self._graph.files and self._graph.files[path].compiles

    def _advance(self, frame: _Frame) -> None:
        """Go to the next event of the file on top, or end it."""
        if frame.is_entered:
            frame.position += 1
            frame.is_entered = False
        if frame.position >= len(frame.events):
            self.done.add(frame.path)
            self._under_way.discard(frame.path)
            self._stack.pop()
            return
        event = frame.events[frame.position]
        frame.is_entered = True
        frame.line = _line(event)
        if isinstance(event, Import):
            for path in _needed(self._graph, event):
                if self._counts(path):
                    frame.pending.append(path)

    def _check(self, frame: _Frame) -> Cycle | None:
        """Return the cycle when what the current event needs of a file under way is not bound yet."""
        event = frame.events[frame.position]
        if isinstance(event, _Use):
            return self._missing(frame, event.target, event.name, _line_place(event.line))
        target = event.resolution.targets[0]
        if target.path not in self._under_way:
            return None
        resolver = self._graph.resolver
        for name in event.fact.names if event.fact.is_from else ():
            is_module = resolver.submodule(target, name.name) is not None or resolver.may_hold(target, name.name)
            if name.name != "*" and not is_module:
                cycle = self._missing(frame, target.path, name.name, event.fact.place)
                if cycle is not None:
                    return cycle
        return None

    def _missing(self, frame: _Frame, target: str, name: str, place: Place) -> Cycle | None:
        if target not in self._under_way:
            return None
        index = next(index for index, held in enumerate(self._stack) if held.path == target)
        surface = self._graph.files[target].surface
        if surface.is_dynamic or any(fact.is_star for fact in surface.imports):
            return None
        line = self._stack[index].line
        lines = [binding.line for binding in surface.bindings if binding.name == name]
        is_self = target == frame.path
        if any(bound < line for bound in lines) or (not lines and not is_self):
            return None
        links = [held.link for held in self._stack[index + 1 :] if held.link is not None]
        last = Link(frame.path, target, place, (name,))
        return Cycle((*links, last), name, self._component)

    def _caught(self) -> bool:
        """Let the failure run up to the nearest import that provides for it; False where there is none."""
        position = len(self._stack) - 1
        while position >= 0 and not self._is_guarded(self._stack[position]):
            position -= 1
        if position < 0:
            return False
        self._under_way.difference_update(failed.path for failed in self._stack[position + 1 :])
        del self._stack[position + 1 :]
        frame = self._stack[position]
        frame.pending.clear()
        self._advance(frame)
        return True

    def _is_guarded(self, frame: _Frame) -> bool:
        event = frame.events[frame.position] if frame.position < len(frame.events) else None
        return isinstance(event, Import) and event.fact.guard is Guard.TRY

    def _link(self, frame: _Frame, wanted: str) -> Link:
        event = frame.events[frame.position]
        if isinstance(event, Import):
            names = tuple(name.name for name in event.fact.names)
            return Link(frame.path, wanted, event.fact.place, names)
        return Link(frame.path, wanted, _line_place(event.line))


def _events_of(graph: ImportGraph, path: str) -> Iterable[_Event]:
    """Return what a file does while it is imported that needs others, in the order of its lines."""
    found: list[_Event] = list(_running(graph.imports_of(path)))
    for use in graph.files[path].surface.early_uses:
        level = len(use.dotted) - len(use.dotted.lstrip("."))
        parts = use.dotted[level:].split(".")
        for count in range(len(parts) - 1, 0, -1):
            target = graph.locate(path, level, ".".join(parts[:count]))
            if target is not None:
                if graph.resolver.submodule(target, parts[count]) is None:
                    found.append(_Use(target.path, parts[count], use.line))
                break
    return sorted(found, key=_line)


def _running(imports: Iterable[Import]) -> Iterator[Import]:
    """Yield the imports that surely run when the file is imported and lead to a file of the project."""
    for item in imports:
        fact = item.fact
        if (
            fact.scope in (Scope.MODULE, Scope.CLASS)
            and fact.guard in (Guard.NONE, Guard.TRY)
            and fact.is_certain
            and item.resolution.targets
            and item.resolution.targets[0].kind is not Kind.NAMESPACE
        ):
            yield item


def _needed(graph: ImportGraph, item: Import) -> list[str]:
    """Return the files that an import loads, in Python's order: packages from the top, the module, its submodules."""
    paths: dict[str, None] = {}
    for located in (item.resolution.targets[0], *item.submodules):
        if located.kind is not Kind.NAMESPACE:
            for path in (*graph.packages_above(located.path), located.path):
                paths[path] = None
    return list(paths)


def _line(event: _Event) -> int:
    return event.fact.place.line if isinstance(event, Import) else event.line


def _line_place(line: int) -> Place:
    return Place(line, 1, line, 1)
