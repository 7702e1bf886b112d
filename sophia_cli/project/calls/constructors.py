"""What calling a class takes."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.calls.evaluate import Evaluator
from sophia_cli.project.calls.fields import Generator, constructor_of, tuple_constructor
from sophia_cli.project.calls.inheritance import Base
from sophia_cli.project.calls.known import (
    ATTRS,
    DATACLASS,
    NAMED_TUPLES,
    PLAIN_METACLASSES,
    TRANSPARENT_FOR_CLASSES,
    calls_differently,
    is_plain_base,
    is_plain_exception,
)
from sophia_cli.project.calls.models import is_model, model_constructor
from sophia_cli.project.calls.signatures import Signature, signature_of
from sophia_cli.project.calls.values import ClassValue, External, FunctionValue
from sophia_cli.project.code.calls import Made

Signatures = tuple[Signature, ...]
"""A call must fit all of them."""

_NOTHING = Signature()
_ANY_POSITIONAL = Signature(takes_more=True)
_CONSTRUCTORS = frozenset({"__new__", "__init__", "__call__"})
_GENERATING = ATTRS | {DATACLASS}


def _eased(signature: Signature) -> Signature:
    """Return what is left of a signature behind a class decorator that nobody knows: it may pass arguments itself, as
    those that inject dependencies do, but a constructor that is written out takes no further keyword."""
    return replace(signature, required=frozenset())


class Constructors:
    """The constructors of classes, each worked out once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._inheritance = evaluator.inheritance
        self._known: dict[ClassValue, Signatures | None] = {}

    def of(self, owner: ClassValue) -> Signatures | None:
        """Return what the class takes when it is called, None where nobody knows."""
        if owner not in self._known:
            self._known[owner] = self._worked_out(owner)
        return self._known[owner]

    def initializer(self, order: Sequence[Base]) -> Signature | None:
        """Return what the `__init__` takes that Python finds in these classes; None where nobody knows.

        Where none has one, it takes nothing.
        """
        for index, base in enumerate(order):
            if isinstance(base, External):
                if is_plain_exception(base.name):
                    return _ANY_POSITIONAL
                if not is_plain_base(base.name):
                    return None
            elif not isinstance(base, ClassValue):
                return None
            else:
                generator = self._generator(base)
                is_kept = generator is not None or self._keeps_constructor(base)
                written = self._method(base, "__init__")
                if written is not None:
                    return written[0] if is_kept or written[0] is None else _eased(written[0])
                if not is_kept:
                    return None
                if generator is not None and not generator.decorator.says("init", "False"):
                    return self._generated(order[index:])
                if self._is_named_tuple(base):
                    return tuple_constructor(self._inheritance.facts(base))
        return _NOTHING

    def maker(self, order: Sequence[Base]) -> ClassValue | None:
        """Return the first of these classes that says what constructing takes."""
        for base in order:
            if isinstance(base, ClassValue) and (
                self._inheritance.own(base, "__init__") is not None
                or self._inheritance.own(base, "__new__") is not None
                or self._generator(base) is not None
                or self._is_named_tuple(base)
            ):
                return base
        return None

    def _worked_out(self, owner: ClassValue) -> Signatures | None:
        order = self._inheritance.order(owner)
        for base in order:
            if isinstance(base, External) and calls_differently(base.name):
                return None
            if isinstance(base, ClassValue) and not self._has_plain_metaclass(base):
                return None
        init = self.initializer(order)
        if init is None:
            return self._of_model(order)
        for base in order:
            if not isinstance(base, ClassValue):
                if isinstance(base, External) and is_plain_base(base.name):
                    continue
                break
            new = self._method(base, "__new__")
            if new is not None:
                if new[0] is None:
                    return None
                return (new[0],) if init is _NOTHING or self._is_made_by_new(order) else (new[0], init)
        return (init,)

    def _of_model(self, order: Sequence[Base]) -> Signatures | None:
        """Return what a model of pydantic needs; None for any other class."""
        owners: list[ClassValue] = []
        for base in order:
            if isinstance(base, ClassValue) and not self._inheritance.facts(base).decorators:
                owners.append(base)
            elif isinstance(base, External) and is_model(base.name):
                model = model_constructor(owners, self._evaluator.modules, self._evaluator.evaluate)
                return None if model is None else (model,)
            elif not isinstance(base, External) or not is_plain_base(base.name):
                return None
        return None

    def _is_made_by_new(self, order: Sequence[Base]) -> bool:
        """Whether nothing but `__new__` takes the arguments: a named tuple has no initializer of its own."""
        classes = [base for base in order if isinstance(base, ClassValue)]
        has_initializer = any(self._inheritance.own(base, "__init__") is not None for base in classes)
        return not has_initializer and any(map(self._is_named_tuple, classes))

    def _method(self, owner: ClassValue, name: str) -> tuple[Signature | None] | None:
        """Return what a method of this very class takes behind `self`, in brackets; None where it has none."""
        member = self._inheritance.own(owner, name)
        if member is None:
            return None
        values = [value for expression in member for value in self._evaluator.evaluate(owner.path, expression)]
        if len(values) != 1 or not isinstance(values[0], FunctionValue):
            return (None,)
        return (signature_of(self._evaluator.forms.function(values[0]).parameters, 1),)

    def _generator(self, owner: ClassValue) -> Generator | None:
        """Return the class as one whose constructor is made from fields, None for any other."""
        facts = self._inheritance.facts(owner)
        for decorator in facts.decorators:
            values = self._evaluator.evaluate(owner.path, decorator.callee)
            if len(values) == 1 and isinstance(values[0], External) and values[0].name in _GENERATING:
                functions = self._evaluator.modules.surface(owner.path).functions
                prefix, suffix = f"${owner.index}.", ".default"
                defaults = [
                    made.callee.removeprefix(prefix).removesuffix(suffix)
                    for function in (functions if values[0].name != DATACLASS else ())
                    for made in function.decorators
                    if made.callee.startswith(prefix) and made.callee.endswith(suffix)
                ]
                others = [other for other in facts.decorators if other is not decorator]
                if not all(self._keeps(owner, other) for other in others):
                    return None
                return Generator(owner.path, facts, decorator, values[0].name, frozenset(defaults))
        return None

    def _generated(self, order: Sequence[Base]) -> Signature | None:
        generators: list[Generator] = []
        for base in reversed(order):
            if isinstance(base, ClassValue):
                generator = self._generator(base)
                if generator is not None:
                    generators.append(generator)
                elif not self._keeps_constructor(base):
                    return None
            elif not (isinstance(base, External) and (is_plain_base(base.name) or is_plain_exception(base.name))):
                return None
        return constructor_of(generators, self._evaluator.evaluate)

    def _keeps_constructor(self, owner: ClassValue) -> bool:
        return all(self._keeps(owner, decorator) for decorator in self._inheritance.facts(owner).decorators)

    def _keeps(self, owner: ClassValue, decorator: Made) -> bool:
        return self._evaluator.forms.keeps_signature(owner.path, decorator, TRANSPARENT_FOR_CLASSES)

    def _is_named_tuple(self, owner: ClassValue) -> bool:
        bases = self._inheritance.facts(owner).bases
        values = [value for base in bases for value in self._evaluator.evaluate(owner.path, base)]
        return any(isinstance(value, External) and value.name in NAMED_TUPLES for value in values)

    def _has_plain_metaclass(self, owner: ClassValue) -> bool:
        metaclass = self._inheritance.facts(owner).metaclass
        if metaclass is None:
            return True
        values = self._evaluator.evaluate(owner.path, metaclass)
        if len(values) != 1:
            return False
        value = values[0]
        if isinstance(value, External):
            return value.name in PLAIN_METACLASSES
        if not isinstance(value, ClassValue):
            return False
        order = self._inheritance.order(value)
        return all(
            base.name in PLAIN_METACLASSES
            if isinstance(base, External)
            else isinstance(base, ClassValue) and not self._makes_constructors(base)
            for base in order
        )

    def _makes_constructors(self, metaclass: ClassValue) -> bool:
        """Whether a metaclass decides what its classes take: by `__call__`, or by a constructor that it sets."""
        is_called = self._inheritance.own(metaclass, "__call__") is not None
        set_later = {name.name for name in self._inheritance.facts(metaclass).attributes}
        return is_called or not set_later.isdisjoint(_CONSTRUCTORS)
