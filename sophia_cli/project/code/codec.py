"""Facts of a file as plain values for the cache, and back: short lists without keys, since scans read them all."""

from __future__ import annotations

from typing import Any

from sophia_cli.project.cache_file import Values
from sophia_cli.project.code.calls_codec import calls_from_values, calls_to_values
from sophia_cli.project.code.facts import (
    Binding,
    Guard,
    ImportedName,
    ImportFact,
    ModuleSurface,
    NameUse,
    PathEdit,
    Place,
    Scope,
)
from sophia_cli.project.code.file_facts import FileFacts

_SCOPES = tuple(Scope)
_GUARDS = tuple(Guard)
_IS_FROM, _IS_CERTAIN, _IS_CALL, _IS_FATAL = 1, 2, 4, 8
_IS_DYNAMIC, _HAS_MAIN = 1, 2


def facts_to_values(facts: FileFacts) -> Values:
    """Return the facts as values that JSON holds; `facts_from_values` with the same path is the inverse."""
    surface = facts.surface
    return [
        facts.compiles,
        facts.is_scanned,
        [_import_to_values(fact) for fact in surface.imports],
        [part for binding in surface.bindings for part in (binding.name, _line_to_value(binding))],
        None if surface.exports is None else list(surface.exports),
        _IS_DYNAMIC * surface.is_dynamic + _HAS_MAIN * surface.has_main,
        [[list(edit.parts), edit.from_file, edit.line] for edit in surface.path_edits],
        [part for use in surface.early_uses for part in (use.dotted, use.line)],
        list(surface.strings),
        calls_to_values(facts.calls),
    ]


def facts_from_values(path: str, values: Values) -> FileFacts | None:
    """Return the facts that `facts_to_values` made of a file, None when the values are not such."""
    try:
        # The shape is not checked piece by piece, since every file's is read in every scan; values of another shape
        # fail to unpack. Whoever stores them seals them.
        whole: Any = values  # its shape is what unpacking checks
        compiles, is_scanned, imports, bindings, exports, flags, edits, uses, strings, calls = whole
        surface = ModuleSurface(
            tuple([_import_from_values(item) for item in imports]),
            tuple(
                [
                    Binding(name, line) if line > 0 else Binding(name, -line, True)
                    for name, line in zip(bindings[::2], bindings[1::2], strict=True)
                ]
            ),
            None if exports is None else tuple(exports),
            bool(flags & _IS_DYNAMIC),
            tuple([PathEdit(tuple(parts), from_file, line) for parts, from_file, line in edits]),
            tuple([NameUse(dotted, line) for dotted, line in zip(uses[::2], uses[1::2], strict=True)]),
            bool(flags & _HAS_MAIN),
            tuple(strings),
        )
        return FileFacts(path, surface, calls_from_values(calls), bool(compiles), bool(is_scanned))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError):
        return None


def _line_to_value(binding: Binding) -> int:
    return -binding.line if binding.is_for_types else binding.line


def _import_to_values(fact: ImportFact) -> Values:
    """Return an import; where it stands is told by numbers, names of a `from` import follow at the end."""
    names: list[Values] = []
    for name in fact.names:
        place = name.place
        names += [name.name, name.asname, place.line, place.column, place.end_line, place.end_column]
    place, module = fact.place, fact.module_place
    return [
        *(fact.module, fact.level, fact.asname),
        _IS_FROM * fact.is_from + _IS_CERTAIN * fact.is_certain + _IS_CALL * fact.is_call + _IS_FATAL * fact.is_fatal,
        *(_SCOPES.index(fact.scope), _GUARDS.index(fact.guard)),
        *(place.line, place.column, place.end_line, place.end_column),
        *(module.line, module.column, module.end_line, module.end_column),
        *names,
    ]


def _import_from_values(item: list[Any]) -> ImportFact:  # Any: what unpacking fails on is no import
    module, level, asname, flags, scope, guard, a, b, c, d, e, f, g, h, *rest = item
    names = iter(rest)
    return ImportFact(
        module,
        level,
        tuple(
            [
                ImportedName(name, given, Place(line, column, end_line, end_column))
                for name, given, line, column, end_line, end_column in zip(
                    names, names, names, names, names, names, strict=True
                )
            ]
        ),
        asname,
        bool(flags & _IS_FROM),
        Place(a, b, c, d),
        Place(e, f, g, h),
        _SCOPES[scope],
        _GUARDS[guard],
        bool(flags & _IS_CERTAIN),
        bool(flags & _IS_CALL),
        bool(flags & _IS_FATAL),
    )
