"""What names a module offers to those who import from it, star imports followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.facts import ImportFact, ModuleSurface
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.imports.model import Kind, Located, Outcome, Resolution

ALWAYS = frozenset(
    {"__name__", "__doc__", "__package__", "__loader__", "__spec__", "__file__", "__builtins__", "__cached__"}
    | {"__dict__", "__annotations__", "__path__", "__class__"}
)
"""Names that every module has."""

Resolve = Callable[[str, ImportFact], Resolution]


@dataclass(frozen=True, slots=True)
class Offer:
    """The names of a module; `is_open` tells that it may have others that nobody can read from the text.

    `own` are those that it binds itself, `taken` sets of those that star imports take over, one set for all modules
    that star the same. Names that only type checkers see count: where they stand, something at run time provides them
    as a rule.
    """

    own: frozenset[str]
    taken: tuple[frozenset[str], ...]
    is_open: bool

    @property
    def names(self) -> frozenset[str]:
        """All of them in one set."""
        return self.own.union(*self.taken) if self.taken else self.own

    def has(self, name: str) -> bool:
        """Whether the module surely has the name."""
        return name in self.own or any(name in names for names in self.taken)


class Surfaces:
    """Answers, for every module of the project, whether it offers a name."""

    def __init__(self, files: Mapping[str, FileFacts], resolve: Resolve) -> None:
        self._files = files
        self._resolve = resolve
        self._offers: dict[str, Offer] = {}
        self._starred: dict[str, tuple[frozenset[str], bool]] = {}

    def lacks(self, path: str, name: str) -> bool:
        """Whether the module surely has no such name of its own. Submodules are not looked at."""
        if name in ALWAYS:
            return False
        offer = self.offer(path)
        return not offer.is_open and not offer.has(name)

    def offer(self, path: str) -> Offer:
        """Return what the module offers, without its submodules."""
        known = self._offers.get(path)
        if known is None:
            known = self._offers[path] = self._offer(path)
        return known

    def _offer(self, path: str) -> Offer:
        surface = self._surface(path)
        if surface is None:
            return Offer(frozenset(), (), True)
        places = [at for fact in surface.imports if fact.is_star for at in self._stars(path, fact)]
        starred = dict.fromkeys(None if at is None else at.path for at in places)
        taken = [self._taken(target) for target in starred if target is not None and target != path]
        is_open = surface.is_dynamic or None in starred or any(is_open for _, is_open in taken)
        return Offer(frozenset(_bound(surface)), tuple(names for names, _ in taken), is_open)

    def _taken(self, path: str) -> tuple[frozenset[str], bool]:
        """Return what a star import of the module takes over, and whether that may be more.

        Star imports are followed from one module to the next; each module is looked at once, so cycles end.
        """
        if path in self._starred:
            return self._starred[path]
        names: set[str] = set()
        is_open = False
        pending, seen = [path], {path}
        while pending:
            current = pending.pop()
            surface = self._surface(current)
            if surface is None:
                is_open = True
                continue
            is_open |= surface.is_dynamic
            names.update(_taken_over(surface))
            for fact in surface.imports:
                if fact.is_star:
                    for located in self._stars(current, fact):
                        if located is None:
                            is_open = True
                        elif located.path not in seen:
                            seen.add(located.path)
                            pending.append(located.path)
        self._starred[path] = frozenset(names), is_open
        return self._starred[path]

    def _stars(self, path: str, fact: ImportFact) -> tuple[Located | None, ...]:
        resolution = self._resolve(path, fact)
        if resolution.outcome is not Outcome.MODULE:
            return (None,)
        return tuple(None if located.kind is Kind.NAMESPACE else located for located in resolution.targets)

    def _surface(self, path: str) -> ModuleSurface | None:
        """Return what the module says, None where that is not all: it does not compile, or is not among the files."""
        file = self._files.get(path)
        return file.surface if file is not None and file.compiles else None


def _bound(surface: ModuleSurface) -> set[str]:
    return {binding.name for binding in surface.bindings}


def _taken_over(surface: ModuleSurface) -> set[str]:
    """Return the names that a star import takes: `__all__`, and all public names, since `__all__` may grow later."""
    names = {name for name in _bound(surface) if not name.startswith("_")}
    if surface.exports is not None:
        names.update(surface.exports)
    return names
