"""What an expression turns out to be once all files are known."""

from __future__ import annotations

from sophia_cli.core.values import dataclass
from sophia_cli.project.imports.model import Located


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that nobody can tell from the text."""


@dataclass(frozen=True, slots=True)
class External:
    """Something of another distribution or the standard library, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module, package or plain folder of the project."""

    located: Located


@dataclass(frozen=True, slots=True)
class ClassValue:
    """`files[path].calls.classes[index]`."""

    path: str
    index: int


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """An object of a class of the project."""

    of: ClassValue


@dataclass(frozen=True, slots=True)
class SuperValue:
    """What `super()` gives in a method of the class."""

    of: ClassValue


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """`files[path].calls.functions[index]`, as it is called.

    `bound` counts leading parameters that are filled already (`self`); `receiver` is the class that it was asked of.
    """

    path: str
    index: int
    bound: int = 0
    receiver: ClassValue | None = None


@dataclass(frozen=True, slots=True)
class Awaitable:
    """What a coroutine function gives; awaiting it gives one of `results`."""

    results: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a context manager function gives; entering it gives one of `results`."""

    results: tuple[Value, ...]


Value = Unknown | External | ModuleValue | ClassValue | InstanceValue | SuperValue | FunctionValue | Awaitable | Context
Values = tuple[Value, ...]
"""The alternatives of what a name may be."""

UNKNOWN_VALUE: Value = Unknown()
NOBODY_KNOWS: Values = (UNKNOWN_VALUE,)

_MOST = 12


def union(found: list[Values]) -> Values:
    """Return all alternatives, each once; nobody knows where one of them is unknown or where they are too many."""
    if len(found) == 1 and len(found[0]) < 2:
        # So it is nearly always, and comparing values takes longer than finding them.
        return found[0]
    flat = [value for values in found for value in values]
    if any(isinstance(value, Unknown) for value in flat):
        return NOBODY_KNOWS
    values = tuple(dict.fromkeys(flat))
    return NOBODY_KNOWS if len(values) > _MOST else values
