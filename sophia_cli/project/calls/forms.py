"""What decorators make of functions."""

from __future__ import annotations

from collections.abc import Callable

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.known import CONTEXTS, OF_CLASS, PROPERTIES, STATIC, TRANSPARENT
from sophia_cli.project.calls.modules import Modules
from sophia_cli.project.calls.values import External, FunctionValue, Values
from sophia_cli.project.code.calls import Function, Made, Relay

Evaluate = Callable[[str, str], Values]
_PLAIN = frozenset({Relay.SAME, Relay.WRAPS, Relay.EITHER})
_CALLED = frozenset({Relay.MAKES_SAME, Relay.MAKES_WRAPS, Relay.EITHER})
_OF_CLASS_ALWAYS = frozenset({"__init_subclass__", "__class_getitem__"})


@dataclass(frozen=True, slots=True)
class Form:
    """How a function is reached: with or without its first parameter filled, as a property, as a context manager."""

    is_static: bool = False
    is_of_class: bool = False
    is_property: bool = False
    is_context: bool = False


class Forms:
    """The forms of functions, each worked out once."""

    def __init__(self, modules: Modules, evaluate: Evaluate) -> None:
        self._modules = modules
        self._evaluate = evaluate
        self._known: dict[tuple[str, int], Form | None] = {}

    def function(self, value: FunctionValue) -> Function:
        """Return the facts of a function."""
        return self._modules.surface(value.path).functions[value.index]

    def of(self, value: FunctionValue) -> Form | None:
        """Return the form, None where a decorator may make anything of the function."""
        key = (value.path, value.index)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._formed(value)
        return self._known[key]

    def keeps_signature(self, path: str, decorator: Made, externals: frozenset[str]) -> bool:
        """Whether what is decorated takes what it took: a known decorator of others, or one that passes on."""
        values = self._evaluate(path, decorator.callee)
        return bool(values) and all(self._keeps(value, decorator, externals) for value in values)

    def _keeps(self, value: object, decorator: Made, externals: frozenset[str]) -> bool:
        if isinstance(value, External):
            return value.name in externals
        if not isinstance(value, FunctionValue):
            return False
        return self.function(value).relay in (_CALLED if decorator.is_called else _PLAIN)

    def _formed(self, value: FunctionValue) -> Form | None:
        function = self.function(value)
        names: set[str] = set()
        for decorator in function.decorators:
            if not self.keeps_signature(value.path, decorator, TRANSPARENT | PROPERTIES):
                return None
            found = self._evaluate(value.path, decorator.callee)
            names.update([item.name for item in found if isinstance(item, External)])
        return Form(
            is_static=bool(names & STATIC) or function.name == "__new__",
            is_of_class=bool(names & OF_CLASS) or function.name in _OF_CLASS_ALWAYS,
            is_property=bool(names & PROPERTIES),
            is_context=bool(names & CONTEXTS),
        )
