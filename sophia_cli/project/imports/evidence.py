"""Where an import that leads nowhere should lead: only what history, the project or a distribution bears out."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from sophia_cli.project.imports.alike import alike
from sophia_cli.project.imports.close_names import close_module
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.habits import Habits
from sophia_cli.project.imports.model import Import, Kind, Outcome, Reason
from sophia_cli.project.imports.names_past import NameFate, fate_of_name
from sophia_cli.project.imports.redirects import Ground, Memory, Redirect, Shipping
from sophia_cli.project.imports.spelling import location_of, spelled
from sophia_cli.project.imports.telling import is_telling, listed, part_above, resembles, shared_tail, tell_together
from sophia_cli.project.imports.test_code import is_test_code
from sophia_cli.project.imports.twins import is_of_a_twin

_VERSIONS_READ = 12


class Evidence:
    """Finds what a missing module was; asks history and builds its tables only when they are needed."""

    def __init__(self, graph: ImportGraph, memory: Memory, shipping: Shipping) -> None:
        self._graph = graph
        self._memory = memory
        self._shipping = shipping
        self._habits = Habits(graph)
        self._fates: dict[tuple[str, str], NameFate | None] = {}

    def redirects(self, item: Import) -> list[Redirect]:
        """Return the modules that may be meant, the best borne out first; none without evidence.

        Two that contradict each other on equal grounds are both returned, neither of them sure, unless a weaker ground
        speaks for one of them alone.
        """
        names = tuple(name.name for name in item.fact.names)
        if "*" in names:
            names = ()
        found: list[Redirect] = []
        grounds: list[list[Redirect]] = []
        for ground in (
            self._moved,
            self._earlier,
            self._same_name,
            self._close,
            self._shipped,
            self._peers,
            self._defining,
        ):
            grounds.append(list(ground(item, names)))
            for redirect in grounds[-1]:
                if all(redirect.written != known.written for known in found):
                    found.append(redirect)
            if any(redirect.is_sure for redirect in found):
                break
        return _settled(sorted(found, key=lambda redirect: (redirect.ground.rank, -redirect.confidence)), grounds)

    def definers(self, name: str) -> tuple[str, ...]:
        """Return the files that define a name themselves, tests left out."""
        return self._graph.definitions.get(name, ())

    def redirects_of_name(self, item: Import, name: str, left_in: str | None = None) -> list[Redirect]:
        """Return the files that define a name which the imported module lacks.

        None for a name that chance repeats, unless the module had it until the commit `left_in`.
        """
        found: list[Redirect] = []
        for path in self.definers(name) if left_in or is_telling(name) else ():
            written = spelled(self._graph, item, path) if self._is_candidate(item, path) else None
            if written is not None:
                is_alone = len(set(self.definers(name)) - {item.importer}) == 1
                told = f"`{path}` is the only file {'' if is_alone else 'within reach '}that defines `{name}`"
                if left_in:
                    told += f", which commit {left_in[:10]} took out of the module"
                found.append(Redirect(written, path, Ground.DEFINES, told, False, 0.8 if left_in else 0.55))
        return found

    def habit(self, item: Import, name: str) -> Redirect | None:
        """Return the file from which others import a name, perhaps under this name only, where they agree on it.

        None for a name that chance repeats, and for a module that git saw deleted: it had a definition of its own.
        """
        if not is_telling(name) or self.removal(item) is not None:
            return None
        paths = {habit.path for habit in self._habits.of(name, item.importer)}
        fitting = [path for path in sorted(paths) if self._is_candidate(item, path)]
        habit = self._habits.chosen(item, name, fitting, self.definers(name)) if fitting else None
        written = spelled(self._graph, item, habit.path) if habit is not None else None
        if habit is None or written is None:
            return None
        what = f"`{habit.name}` as `{name}`" if habit.name != name else f"`{name}`"
        others = f" and {len(habit.importers) - 1} more" if len(habit.importers) > 1 else ""
        told = f"`{habit.importers[0]}`{others} import {what} from `{habit.path}`"
        return Redirect(written, habit.path, Ground.PEERS, told, False, 0.5, habit.name if habit.name != name else "")

    def removal(self, item: Import) -> str | None:
        """Return the commit that deleted the module which an import asks for, None where git knows of none."""
        if item.resolution.outcome is not Outcome.MISSING:
            return None
        paths = self._graph.resolver.expected_paths(item.importer, item.fact.level, item.fact.module)
        return next((commit for path in paths if (commit := self._memory.removed(path)) is not None), None)

    def fate_of(self, path: str, name: str, today: str) -> NameFate | None:
        """Return what became of a name that a module (its text is `today`) had earlier, None where it never had it."""
        key = (path, name)
        if key not in self._fates:
            self._fates[key] = fate_of_name(name, today, self._memory.earlier(path))
        return self._fates[key]

    def moved_submodule(self, item: Import, name: str, uses: frozenset[str]) -> list[Redirect]:
        """Return where a module went that an import takes from its package by name.

        What git records comes first; else the only module of that name that offers all of `uses`, if there are any.
        """
        folder = item.resolution.targets[0].folder
        if folder is None:
            return []
        for path in (f"{folder}/{name}.py", f"{folder}/{name}/__init__.py"):
            move = self._memory.moved(path)
            written = spelled(self._graph, item, move.path) if move and move.path in self._graph.files else None
            if move is not None and written is not None and self._may_offer(move.path, tuple(uses)):
                told = f"commit {move.commit[:10]} moved `{path}` to `{move.path}`"
                return [Redirect(written, move.path, Ground.MOVED, told, False, 0.9)]
        named = [at.path for at in self._graph.modules.named(name) if at.kind is not Kind.NAMESPACE]
        paths = [path for path in named if self._is_candidate(item, path)]
        if len(paths) != 1 or not uses or not self._offers(paths[0], tuple(uses)):
            return []
        written = spelled(self._graph, item, paths[0])
        told = f"`{paths[0]}` is the only module called `{name}` and offers {listed(tuple(sorted(uses)))}"
        return [Redirect(written, paths[0], Ground.SAME_NAME, told, False, 0.6)] if written is not None else []

    def _moved(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        for path in self._graph.resolver.expected_paths(item.importer, item.fact.level, item.fact.module):
            move = self._memory.moved(path)
            if move is None or move.path not in self._graph.files:
                continue
            written = spelled(self._graph, item, move.path)
            if written is not None and self._may_offer(move.path, names):
                told = f"commit {move.commit[:10]} moved `{path}` to `{move.path}`"
                is_sure = self._offers(move.path, names) and not is_of_a_twin(item, move.path, self._graph.modules)
                yield Redirect(written, move.path, Ground.MOVED, told, is_sure, 0.95 if is_sure else 0.7)

    def _earlier(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for the same names in earlier versions of the importing file: a bulk edit may have broken the import."""
        if not names or item.fact.is_call:
            return
        for version in self._memory.earlier(item.importer)[:_VERSIONS_READ]:
            for level, module in _modules_with(version.text, names):
                if (level, module) == (item.fact.level, item.fact.module):
                    continue
                then = self._graph.resolver.resolve_module(item.importer, level, module)
                told = f"commit {version.commit[:10]} changed this import from `{'.' * level}{module}`"
                if then.outcome is Outcome.MODULE and self._offers(then.targets[0].path, names):
                    path = then.targets[0].path
                    yield Redirect("." * level + module, path, Ground.EARLIER, told, True, 0.9)
                    return
                if then.outcome is Outcome.THIRD_PARTY and self._graph.resolver.provides(module):
                    ships = self._shipping.ships(module)
                    if ships is not False:
                        is_sure = bool(ships) and self._graph.resolver.declares(module.partition(".")[0])
                        yield Redirect(module, None, Ground.EARLIER, told, is_sure, 0.9 if is_sure else 0.75)
                        return

    def _same_name(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for the one module of that file name which offers all the names."""
        parts = item.resolution.module.split(".")
        fitting: dict[str, int] = {}
        for located in self._graph.modules.named(parts[-1]):
            if located.kind is not Kind.NAMESPACE and self._is_candidate(item, located.path):
                shared = shared_tail(located.path, parts)
                if self._offers(located.path, names) and (names or shared > 1):
                    fitting[located.path] = shared
        longest = max(fitting.values(), default=0)
        best = [path for path, shared in fitting.items() if shared == longest]
        if len(best) > 1 and len(parts) > longest:
            # A package that was renamed in bulk leaves its own name in what took its place.
            above = [path for path in best if resembles(part_above(path, longest), parts[-longest - 1])]
            best = above if len(above) == 1 else best
        rivals = set(fitting) | {path for name in names for path in self.definers(name)}
        for path in best:
            written = spelled(self._graph, item, path)
            if written is None:
                continue
            others = rivals - {path, item.importer}
            is_alone = len(best) == 1 and not others
            is_firm = self._is_firm(item, written) and not _is_invented(item)
            is_sure = is_alone and is_firm and (longest > 1 or any(map(is_telling, names)))
            what = f"and offers {listed(names)}" if names else "at the same place below another folder"
            told = (
                f"`{path}` is the only module called `{parts[-1]}` {what}"
                if not others
                else (f"`{path}` is called `{parts[-1]}` {what}")
            )
            confidence = (0.85 if is_sure else 0.6) / len(best)
            yield Redirect(written, path, Ground.SAME_NAME, told, is_sure, confidence)

    def _close(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for the one module beside the missing one that has nearly its name and all the names."""
        resolution = item.resolution
        located = location_of(resolution.known_at) if resolution.known_at.endswith(".py") else None
        folder = resolution.known_at if located is None else located.folder
        missing, *below = resolution.module.removeprefix(resolution.known).lstrip(".").split(".")
        if not names or not resolution.known or not folder:
            return
        near = close_module(missing, self._graph.modules.names_in(folder))
        found = self._graph.modules.find(folder, (near, *below)) if near is not None else None
        if found is None or found.kind is Kind.NAMESPACE or not self._is_candidate(item, found.path):
            return
        written = spelled(self._graph, item, found.path)
        if written is not None and self._offers(found.path, names):
            told = f"`{near}` is the only one there with nearly the name of `{missing}`, and offers {listed(names)}"
            yield Redirect(written, found.path, Ground.CLOSE, told, False, 0.7)

    def _shipped(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for a declared distribution that ships the same tail: what a bulk rename of its name leaves behind.

        Its name may also have got others in front of it, where the project has nothing of that name there.
        """
        parts = item.resolution.module.split(".")
        if item.fact.level:
            return
        found: set[str] = set()
        there = max(len(item.resolution.known.split(".")), 1)
        for top in self._shipping.declared_tops():
            for count in range(1, len(parts)):
                module = ".".join((top, *parts[count:]))
                is_prefixed = parts[count - 1] == top and count > there
                if not (is_prefixed or resembles(top, parts[count - 1])) or not self._shipping.ships(module):
                    continue
                if not self._is_copy_of(top, ".".join(parts[:count]), item):
                    found.add(module)
        for module in sorted(found):
            told = f"the declared distribution of `{module.partition('.')[0]}` ships `{module}`"
            yield Redirect(module, None, Ground.SHIPPED, told, False, 0.8 / len(found))

    def _is_copy_of(self, top: str, package: str, item: Import) -> bool:
        """Whether a local package holds what the distribution holds, so that a missing part of it is no slip."""
        found = self._graph.resolver.resolve_module(item.importer, 0, package)
        folder = found.targets[0].folder if found.outcome is Outcome.MODULE else None
        own = () if folder is None else self._graph.modules.names_in(folder)
        shared = sum(bool(self._shipping.ships(f"{top}.{name}")) for name in own)
        return shared > 1 and shared * 2 >= len(own)

    def _peers(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for the one module from which other files import the same names."""
        tail = item.resolution.module.rpartition(".")[2]
        counts: Counter[str] = Counter()
        for name in filter(is_telling, names):
            counts.update(self._sources.get(name, ()))
        modules = [module for module in counts if module.rpartition(".")[2] == tail]
        for module in modules:
            told = f"other files import {listed(names)} from `{module}`"
            then = self._graph.resolver.resolve_module(item.importer, 0, module)
            target = then.targets[0].path if then.outcome is Outcome.MODULE else None
            if then.outcome is Outcome.MISSING or (target is not None and not self._offers(target, names)):
                continue
            yield Redirect(module, target, Ground.PEERS, told, False, 0.75 / len(modules))

    def _defining(self, item: Import, names: tuple[str, ...]) -> Iterator[Redirect]:
        """Look for the one file that defines all the names, whatever it is called."""
        sets = [set(self.definers(name)) - {item.importer} for name in names]
        common = set.intersection(*sets) if sets else set()
        if not any(map(is_telling, names)) and not tell_together(item.resolution.module, names, sets, common):
            return
        if any(len(paths) > 1 and not is_telling(name) for name, paths in zip(names, sets, strict=True)):
            return
        path = min(common) if len(common) == 1 else alike(item.resolution.module, sorted(common))
        written = spelled(self._graph, item, path) if path and self._is_candidate(item, path) else None
        if path is not None and written is not None:
            which = "only file" if len(common) == 1 else "file nearest in name and place"
            told = f"`{path}` is the {which} that defines {listed(names)}"
            yield Redirect(written, path, Ground.DEFINES, told, False, 0.6 if len(common) == 1 else 0.5)

    def _is_firm(self, item: Import, written: str) -> bool:
        """Whether a module is found wherever the program starts: relative, or from a root that is always searched."""
        if written.startswith("."):
            return True
        root = self._graph.resolver.resolve_module(item.importer, 0, written).root
        if root is None or root.reason in (Reason.ABOVE, Reason.WORKING_FOLDER):
            return False
        # A program that starts in a folder of its own need not find what lies below the project root.
        top = written.partition(".")[0]
        starts_here = not self._graph.modules.top_of(item.importer.rpartition("/")[0])
        return root.reason is not Reason.PROJECT or starts_here or top in self._tops

    def _is_candidate(self, item: Import, path: str) -> bool:
        file = self._graph.files.get(path)
        if file is None or not file.is_scanned or not file.compiles or path == item.importer:
            return False
        if is_of_a_twin(item, path, self._graph.modules):
            return False
        return not is_test_code(path) or is_test_code(item.importer)

    def _offers(self, path: str, names: tuple[str, ...]) -> bool:
        """Whether a file surely has all these names."""
        located = location_of(path)
        offer = self._graph.surfaces.offer(path)
        return all(offer.has(name) or self._graph.resolver.submodule(located, name) is not None for name in names)

    def _may_offer(self, path: str, names: tuple[str, ...]) -> bool:
        return self._graph.surfaces.offer(path).is_open or self._offers(path, names)

    @cached_property
    def _tops(self) -> frozenset[str]:
        """What absolute imports that are in order begin with, those of tests left out."""
        return frozenset(
            item.resolution.module.partition(".")[0]
            for item in self._graph.imports
            if item.resolution.outcome is Outcome.MODULE and not item.fact.level and not is_test_code(item.importer)
        )

    @cached_property
    def _sources(self) -> Mapping[str, set[str]]:
        """From which absolute modules names are imported, in imports that are in order."""
        found: dict[str, set[str]] = defaultdict(set)
        for item in self._graph.imports:
            outcome = item.resolution.outcome
            is_known = outcome is Outcome.THIRD_PARTY and self._graph.resolver.provides(item.resolution.module)
            if (is_known or outcome is Outcome.MODULE) and not item.fact.level:
                missing = {name.name for name in item.missing}
                for name in item.fact.names:
                    if name.name not in missing:
                        found[name.name].add(item.resolution.module)
        return found


def _settled(found: list[Redirect], grounds: list[list[Redirect]]) -> list[Redirect]:
    """Return the redirects without those of the best ground that a weaker one leaves out, when it names one alone."""
    tied = [redirect for redirect in found if redirect.ground is found[0].ground]
    if len(tied) < 2:
        return found
    others = [redirect for redirect in found if redirect not in tied]
    for redirects in grounds:
        named = [one for one in redirects if one.ground is not tied[0].ground]
        if len(named) == 1 and any(named[0].written == redirect.written for redirect in tied):
            return [*named, *others]
    return found


def _modules_with(text: str, names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield level and module of the `from` imports of a text that import all these names."""
    if not all(name in text for name in names):
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    wanted = set(names)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and wanted <= {alias.name for alias in node.names}:
            yield node.level, node.module or ""


def _is_invented(item: Import) -> bool:
    """Whether not even the first part of the name exists, so that it is the project's by its rest only."""
    return not item.fact.level and not item.resolution.known
