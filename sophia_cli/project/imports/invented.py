"""Imports that put a name which nothing bears before a module of the project: `backend.shop.rates` for `shop.rates`."""

from __future__ import annotations

from collections.abc import Callable

from sophia_cli.project.code.facts import Guard, ImportFact
from sophia_cli.project.imports.model import Kind, Located, Outcome
from sophia_cli.project.imports.modules import ModuleMap
from sophia_cli.project.imports.resolve import Resolver
from sophia_cli.project.imports.test_code import is_test_code

Offers = Callable[[Located, str], bool]
"""Tells whether a place surely holds a name, be it bound there or a submodule."""


def is_meant_without_prefix(
    importer: str, fact: ImportFact, modules: ModuleMap, resolver: Resolver, offers: Offers
) -> bool:
    """Whether an import of which nothing is known means a module of the project by the rest of its name.

    The rest must be of two parts or more and lead to the only place that ends so, or of one part when that module is
    the only one of its name; it must offer all that is imported. Never where the file provides for the failure, or
    where a distribution may well offer the name.
    """
    parts = fact.module.split(".")
    if fact.level or fact.is_call or not fact.is_certain or fact.guard is not Guard.NONE or len(parts) < 2:
        return False
    names = [name.name for name in fact.names if name.name != "*"]
    for start in range(1, len(parts)):
        rest = parts[start:]
        places = [at for at in modules.ending_in(rest) if at.kind is not Kind.NAMESPACE and at.path != importer]
        if not places:
            continue
        if len(rest) == 1 and not names:
            return False
        if not is_test_code(importer):
            places = [at for at in places if not is_test_code(at.path)]
        found = resolver.resolve_module(importer, 0, ".".join(rest))
        is_it = found.outcome is Outcome.MODULE and len(places) == 1 and found.targets == tuple(places)
        return is_it and all(offers(places[0], name) for name in names) and not resolver.may_be_others(importer, fact)
    return False
