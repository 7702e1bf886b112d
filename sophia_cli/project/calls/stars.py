"""The star imports of one module: which of them may bring a name, found without asking each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sophia_cli.project.calls.modules import Modules
from sophia_cli.project.calls.values import ModuleValue
from sophia_cli.project.imports.model import Kind


class Stars:
    """The modules that a file stars, the last one first: it is the one that counts.

    `is_open` tells that one of them is unknown. It may have any name, so those before it are never asked.
    """

    def __init__(self, modules: Modules, path: str) -> None:
        self.is_open = False
        self._paths: list[str] = []
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._asked_always: list[int] = []
        for value in (
            value for star in reversed(modules.surface(path).stars) for value in modules.imported(path, star)
        ):
            if not isinstance(value, ModuleValue) or value.located.kind is Kind.NAMESPACE:
                self.is_open = True
                break
            self._add(modules, value.located.path)

    def _add(self, modules: Modules, path: str) -> None:
        if path in self._paths[-1:]:
            return
        place = len(self._paths)
        self._paths.append(path)
        surface = modules.surface(path)
        if surface.stars:
            self._asked_always.append(place)
        else:
            for name in surface.names:
                self._by_name[name.name].append(place)

    def likely(self, name: str) -> Iterator[str]:
        """Yield the files that may bring the name, in the order in which they count."""
        places = self._by_name.get(name, ())
        for place in sorted((*places, *self._asked_always)) if self._asked_always else places:
            yield self._paths[place]
