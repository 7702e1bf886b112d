"""What the declared distributions ship, asked of the environment's metadata and of the tables that travel along."""

from __future__ import annotations

from functools import cached_property

from sophia_cli.project.dependencies.lookup import Dependencies
from sophia_cli.project.dependencies.shipped import modules_of


class DeclaredShipping:
    """Answers `evidence.Shipping` from what is known of a project's dependencies."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def ships(self, module: str) -> bool | None:
        """Return whether a distribution that offers the top of `module` holds it; None when its files are not known."""
        origin = self._dependencies.distributions_of(module)
        if origin is None:
            return None
        known = [modules for name in origin.distributions if (modules := modules_of(name))]
        return any(module in modules for modules in known) if known else None

    def declared_tops(self) -> tuple[str, ...]:
        """Return the top-level names that declared distributions offer, sorted."""
        return self._tops

    @cached_property
    def _tops(self) -> tuple[str, ...]:
        tops: set[str] = set()
        for name in self._dependencies.everywhere:
            installed = self._dependencies.environment.distributions.get(name)
            imports = installed.imports if installed is not None else self._dependencies.names.imports_of(name)
            tops.update(dotted.partition(".")[0] for dotted in (*imports, *modules_of(name)))
        return tuple(sorted(tops))
