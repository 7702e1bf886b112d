"""Calls that do not fit what they call, over all files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.constructors import Constructors, Signatures
from sophia_cli.project.calls.evaluate import Evaluator
from sophia_cli.project.calls.modules import Imports, Modules
from sophia_cli.project.calls.signatures import Misfit, Signature, misfit_of, signature_of
from sophia_cli.project.calls.values import (
    ClassValue,
    External,
    FunctionValue,
    InstanceValue,
    SuperValue,
    Unknown,
    Value,
)
from sophia_cli.project.code.calls import Call, Keyword
from sophia_cli.project.code.file_facts import FileFacts

_SUPER_INIT = ".__init__"


@dataclass(frozen=True, slots=True)
class Definition:
    """Where what is called takes its arguments: a function, or a method of the class `owner`.

    `__init__` stands for the constructor of the class, also where it is made from fields.
    """

    path: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class WrongCall:
    """A call that does not fit, whatever its callee turns out to be.

    `definition` is what it calls, None where that may be one of several. `open` are the parameters that it leaves to
    their defaults, or to nobody, and that a keyword may fill.
    """

    path: str
    call: Call
    unknown: tuple[Keyword, ...]
    missing: tuple[str, ...]
    open: tuple[str, ...]
    definition: Definition | None


class Calls:
    """The calls of a project, checked when they are asked for the first time."""

    def __init__(self, files: Mapping[str, FileFacts], imports: Imports) -> None:
        self._files = files
        self._imports = imports

    @cached_property
    def wrong(self) -> tuple[WrongCall, ...]:
        """The calls of scanned files that cannot work, ordered by path and place.

        A call counts only when it is clear what is called and when it fits none of the alternatives.
        """
        return _Check(self._files, self._imports).run()


class _Check:
    def __init__(self, files: Mapping[str, FileFacts], imports: Imports) -> None:
        self._files = files
        self._evaluator = Evaluator(Modules(files, imports))
        self._constructors = Constructors(self._evaluator)
        self._known: dict[Value, Signatures | None] = {}

    def run(self) -> tuple[WrongCall, ...]:
        found: list[WrongCall] = []
        for path in sorted(self._files):
            file = self._files[path]
            if file.is_scanned:
                # A file calls the same things again and again.
                callees: dict[str, tuple[tuple[Value, Signatures], ...]] = {}
                for call in file.calls.calls:
                    callee = call.callee
                    if callee[0] == "^" and callee.endswith(_SUPER_INIT):
                        wrong = self._check_super(path, call)
                    else:
                        called = callees.get(callee)
                        if called is None:
                            called = callees[callee] = self._called(path, callee)
                        wrong = self._check(path, call, called) if called else None
                    if wrong is not None:
                        found.append(wrong)
        return tuple(found)

    def _called(self, path: str, callee: str) -> tuple[tuple[Value, Signatures], ...]:
        """Return what a callee may be with what that takes; nothing where one of the alternatives is not known."""
        found: list[tuple[Value, Signatures]] = []
        for value in self._evaluator.evaluate(path, callee):
            signatures = self._signatures(value)
            if signatures is None:
                return ()
            found.append((value, signatures))
        return tuple(found)

    def _check(self, path: str, call: Call, called: tuple[tuple[Value, Signatures], ...]) -> WrongCall | None:
        misfits: list[Misfit] = []
        for value, signatures in called:
            complaints = [misfit_of(signature, call) for signature in signatures]
            wrong = [misfit for misfit in complaints if misfit.is_wrong]
            if not wrong or self._fits_an_heir(value, call) or _lacks_self(value, call, wrong[0]):
                return None
            misfits.append(wrong[0])
        first, *others = misfits
        unknown = tuple(keyword for keyword in first.unknown if all(keyword in other.unknown for other in others))
        missing = tuple(name for name in first.missing if all(name in other.missing for other in others))
        if not unknown and not missing:
            return None
        definition = self._definition(called[0][0]) if len(called) == 1 else None
        return WrongCall(path, call, unknown, missing, first.open, definition)

    def _fits_an_heir(self, value: Value, call: Call) -> bool:
        """Whether a class below the one that is known takes the call, or has a method of this name that does."""
        inheritance, evaluator = self._evaluator.inheritance, self._evaluator
        if isinstance(value, ClassValue):
            if call.callee.endswith(".__class__") and self._definition(value) is None:
                # Who inherits from a class without a constructor has one, be it in another project.
                return True
            return self._may_be_an_heir(value, call) and any(
                self._fits(self._signatures(heir), call) for heir in inheritance.below(value)
            )
        if isinstance(value, InstanceValue):
            receiver, name, is_bound = value.of, "__call__", True
        elif isinstance(value, FunctionValue) and value.receiver is not None and call.callee[0] != "^":
            receiver, name, is_bound = value.receiver, call.callee.rpartition(".")[2], value.bound > 0
        else:
            return False
        for heir in inheritance.below(receiver):
            if inheritance.own(heir, name) is not None:
                owner = InstanceValue(heir) if is_bound else heir
                for found in evaluator.attribute(owner, name, heir.path):
                    if self._fits(self._signatures(found), call):
                        return True
        return False

    def _may_be_an_heir(self, owner: ClassValue, call: Call) -> bool:
        """Whether another class may be called, or made: under another name (`cls`, a parameter), or by a `__new__`."""
        if call.written.rpartition(".")[2] != self._class_name(owner):
            return True
        inheritance = self._evaluator.inheritance
        order = inheritance.order(owner)
        return any(isinstance(base, ClassValue) and inheritance.own(base, "__new__") is not None for base in order)

    def _fits(self, signatures: Signatures | None, call: Call) -> bool:
        return signatures is None or not any(misfit_of(each, call).is_wrong for each in signatures)

    def _check_super(self, path: str, call: Call) -> WrongCall | None:
        """Check `super().__init__(...)`; where no base is the project's own, another base may stand beside it later."""
        above = call.callee.removesuffix(_SUPER_INIT)
        values = self._evaluator.evaluate(path, above)
        if len(values) != 1 or not isinstance(values[0], SuperValue):
            return None
        order = self._evaluator.inheritance.order(values[0].of)[1:]
        if not any(isinstance(base, ClassValue) for base in order):
            return None
        signature = self._constructors.initializer(order)
        misfit = None if signature is None else misfit_of(signature, call)
        if misfit is None or not misfit.is_wrong:
            return None
        maker = self._constructors.maker(order)
        definition = None if maker is None else Definition(maker.path, self._class_name(maker), "__init__")
        return WrongCall(path, call, misfit.unknown, misfit.missing, misfit.open, definition)

    def _definition(self, value: Value) -> Definition | None:
        if isinstance(value, ClassValue):
            maker = self._constructors.maker(self._evaluator.inheritance.order(value))
            return None if maker is None else Definition(maker.path, self._class_name(maker), "__init__")
        if not isinstance(value, FunctionValue):
            return None
        name = self._evaluator.forms.function(value).name
        owner = value.receiver and self._evaluator.inheritance.holder(value.receiver, value.path, value.index)
        return Definition(value.path, self._class_name(owner) if owner else "", name)

    def _class_name(self, owner: ClassValue) -> str:
        return self._evaluator.inheritance.facts(owner).name

    def _signatures(self, value: Value) -> Signatures | None:
        if isinstance(value, External | Unknown):
            return None
        if value not in self._known:
            self._known[value] = self._worked_out(value)
        return self._known[value]

    def _worked_out(self, value: Value) -> Signatures | None:
        if isinstance(value, ClassValue):
            return self._constructors.of(value)
        if isinstance(value, FunctionValue):
            return (self._of_function(value),)
        if isinstance(value, InstanceValue):
            found = self._evaluator.attribute(value, "__call__", value.of.path)
            if len(found) == 1 and isinstance(found[0], FunctionValue):
                return (self._of_function(found[0]),)
        return None

    def _of_function(self, value: FunctionValue) -> Signature:
        return signature_of(self._evaluator.forms.function(value).parameters, value.bound)


def _lacks_self(value: Value, call: Call, misfit: Misfit) -> bool:
    """Whether a method of a class seems to lack its object, and the class is only known from what a call gives: the
    annotation may say the class where it means an object."""
    is_unbound = isinstance(value, FunctionValue) and value.receiver is not None and not value.bound
    return is_unbound and "(" in call.callee and "self" in misfit.missing
