"""Works expressions out over all files: what a callee is, as far as the text tells."""

from __future__ import annotations

from sophia_cli.project.calls.forms import Forms
from sophia_cli.project.calls.inheritance import Inheritance
from sophia_cli.project.calls.known import is_builtin
from sophia_cli.project.calls.modules import Modules
from sophia_cli.project.calls.stars import Stars
from sophia_cli.project.calls.values import (
    NOBODY_KNOWS,
    UNKNOWN_VALUE,
    Awaitable,
    ClassValue,
    Context,
    External,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    SuperValue,
    Value,
    Values,
    union,
)
from sophia_cli.project.code.calls import Expression
from sophia_cli.project.imports.model import Kind

_LONGEST = 300


class Evaluator:
    """Works out expressions of any file, each once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.inheritance = Inheritance(modules, self.evaluate)
        self.forms = Forms(modules, self.evaluate)
        self._known: dict[tuple[str, str], Values] = {}
        self._stars: dict[tuple[str, str], Values | None] = {}
        self._stars_of: dict[str, Stars] = {}
        self._replaced: dict[str, frozenset[str]] = {}
        self._choosing: dict[ClassValue, bool] = {}

    def evaluate(self, path: str, expression: str) -> Values:
        """Return what the expression may be in a file: alternatives, none of them for what is only ever None."""
        key = (path, expression)
        known = self._known.get(key)
        if known is None:
            # Whoever asks for this again while it is worked out goes round in a circle.
            self._known[key] = NOBODY_KNOWS
            known = NOBODY_KNOWS if len(expression) > _LONGEST else self._evaluated(path, expression)
            self._known[key] = known
        return known

    def attribute(self, value: Value, name: str, path: str) -> Values:
        """Return an attribute of a value, as code in the file `path` sees it: unknown when that file replaces it."""
        if isinstance(value, External):
            return (External(f"{value.name}.{name}"),)
        if name == "__class__":
            return (value.of,) if isinstance(value, InstanceValue) else NOBODY_KNOWS
        if name in self._replaced_in(path):
            return NOBODY_KNOWS
        if isinstance(value, ModuleValue):
            return self._of_module(value, name)
        if isinstance(value, ClassValue):
            return self._of_class(value, name)
        if isinstance(value, InstanceValue):
            return self._of_instance(value.of, name, skip=0)
        if isinstance(value, SuperValue):
            return self._of_instance(value.of, name, skip=1)
        return NOBODY_KNOWS

    def called(self, value: Value) -> Values:
        """Return what calling the value gives."""
        if isinstance(value, ClassValue):
            return NOBODY_KNOWS if self._chooses(value) else (InstanceValue(value),)
        if isinstance(value, FunctionValue):
            return self._result(value)
        if isinstance(value, InstanceValue):
            found = self._of_instance(value.of, "__call__", skip=0)
            return union([self._result(item) for item in found if isinstance(item, FunctionValue)]) or NOBODY_KNOWS
        return NOBODY_KNOWS

    def _chooses(self, owner: ClassValue) -> bool:
        """Whether calling the class may give an object of another one: its `__new__` looks at the arguments."""
        known = self._choosing.get(owner)
        if known is None:
            known = self._choosing[owner] = any(
                self.forms.function(value).parameters.partition(",")[2].strip(",")[:1] not in ("", "*")
                for base in self.inheritance.order(owner)
                if isinstance(base, ClassValue)
                for expression in self.inheritance.own(base, "__new__") or ()
                for value in self.evaluate(base.path, expression)
                if isinstance(value, FunctionValue)
            )
        return known

    def _evaluated(self, path: str, expression: str) -> Values:
        last = expression[-1]
        if last == ")":
            return union([self.called(value) for value in self.evaluate(path, expression[:-2])])
        if last == "]":
            values = self.evaluate(path, expression[:-2])
            return values if all(isinstance(value, ClassValue) for value in values) else NOBODY_KNOWS
        if last in "!~%":
            return union([self._step(value, last) for value in self.evaluate(path, expression[:-1])])
        if last != ">":
            before, dot, name = expression.rpartition(".")
            if dot:
                # What is imported by name was taken before anybody could replace it in the module.
                seen_from = "" if before[-1] == ">" else path
                return union([self.attribute(value, name, seen_from) for value in self.evaluate(path, before)])
        return self._root(path, expression)

    def _root(self, path: str, root: str) -> Values:
        rest = root[1:]
        match root[0]:
            case "?":
                return NOBODY_KNOWS
            case "<":
                return self.modules.imported(path, rest[:-1])
            case "&":
                value = FunctionValue(path, int(rest))
                return NOBODY_KNOWS if self.forms.of(value) is None else (value,)
            case "$":
                return (ClassValue(path, int(rest)),)
            case "@":
                return (InstanceValue(ClassValue(path, int(rest))),)
            case "^":
                return (SuperValue(ClassValue(path, int(rest))),)
            case ":":
                return self._any_of(path, self.modules.surface(path).locals[int(rest)])
        return self._global(path, root)

    def _step(self, value: Value, step: str) -> Values:
        if step == "!":
            return (InstanceValue(value),) if isinstance(value, ClassValue) else NOBODY_KNOWS
        if step == "~":
            return value.results if isinstance(value, Awaitable) else NOBODY_KNOWS
        if isinstance(value, Context):
            return value.results
        if isinstance(value, InstanceValue):
            for name in ("__enter__", "__aenter__"):
                found = [item for item in self._of_instance(value.of, name, 0) if isinstance(item, FunctionValue)]
                if found:
                    entered = union([self._result(item) for item in found])
                    return union([item.results if isinstance(item, Awaitable) else (item,) for item in entered])
        return NOBODY_KNOWS

    def _global(self, path: str, name: str) -> Values:
        bound = self.modules.bound(path, name)
        if bound is not None:
            return self._any_of(path, bound)
        starred = self._starred(path, name)
        if starred is not None:
            return starred
        return (External(f"builtins.{name}"),) if is_builtin(name) else NOBODY_KNOWS

    def _starred(self, path: str, name: str) -> Values | None:
        """Return what star imports give for a name, None when none of them has it."""
        key = (path, name)
        if key not in self._stars:
            # Modules may star each other.
            self._stars[key] = None
            self._stars[key] = self._found_by_star(path, name)
        return self._stars[key]

    def _found_by_star(self, path: str, name: str) -> Values | None:
        stars = self._stars_of.get(path)
        if stars is None:
            stars = self._stars_of[path] = Stars(self.modules, path)
        for source in stars.likely(name):
            if self.modules.exports(source, name) and self._has(source, name):
                return self.evaluate(source, name)
        return NOBODY_KNOWS if stars.is_open else None

    def _has(self, path: str, name: str) -> bool:
        return self.modules.bound(path, name) is not None or self._starred(path, name) is not None

    def _any_of(self, path: str, expressions: tuple[Expression, ...]) -> Values:
        return union([self.evaluate(path, expression) for expression in expressions])

    def _of_module(self, value: ModuleValue, name: str) -> Values:
        located = value.located
        if located.kind is not Kind.NAMESPACE and self._has(located.path, name):
            return self.evaluate(located.path, name)
        submodule = self.modules.submodule(located, name)
        return NOBODY_KNOWS if submodule is None else (ModuleValue(submodule),)

    def _of_class(self, owner: ClassValue, name: str) -> Values:
        member = self.inheritance.member(owner, name)
        if member is None or not member.values or member.set_later:
            return NOBODY_KNOWS
        found = self._any_of(member.owner.path, member.values)
        return tuple(self._bound(value, owner, through_class=True) for value in found)

    def _of_instance(self, owner: ClassValue, name: str, skip: int) -> Values:
        member = self.inheritance.member(owner, name, skip)
        if member is None:
            return NOBODY_KNOWS
        if member.set_later:
            return NOBODY_KNOWS if member.values else self._any_of(member.owner.path, member.set_later) or NOBODY_KNOWS
        found = self._any_of(member.owner.path, member.values)
        is_method = all(isinstance(value, FunctionValue) for value in found)
        if not is_method and self.inheritance.may_be_set(owner, name):
            return NOBODY_KNOWS
        return union([self._read(value, owner) for value in found]) or NOBODY_KNOWS

    def _read(self, value: Value, owner: ClassValue) -> Values:
        """Return what reading a member from an instance gives: a bound method, or what a property returns."""
        if isinstance(value, FunctionValue) and value.receiver is None:
            form = self.forms.of(value)
            if form is not None and form.is_property:
                return self._result(FunctionValue(value.path, value.index, 1, owner))
        return (self._bound(value, owner, through_class=False),)

    def _bound(self, value: Value, owner: ClassValue, through_class: bool) -> Value:
        if not isinstance(value, FunctionValue) or value.bound:
            return value
        if value.receiver is not None:
            # A plain function that the class body took from another class: it becomes a method like any other.
            return FunctionValue(value.path, value.index, int(not through_class), owner)
        form = self.forms.of(value)
        if form is None or form.is_property:
            return UNKNOWN_VALUE
        is_bound = not form.is_static and (form.is_of_class or not through_class)
        return FunctionValue(value.path, value.index, int(is_bound), owner)

    def _result(self, value: FunctionValue) -> Values:
        function = self.forms.function(value)
        form = self.forms.of(value)
        results = union([self._returned(value, expression) for expression in function.returns]) or NOBODY_KNOWS
        if form is None or results == NOBODY_KNOWS:
            return NOBODY_KNOWS
        if function.is_generator:
            return (Context(results),) if form.is_context else NOBODY_KNOWS
        return (Awaitable(results),) if function.is_async else results

    def _returned(self, value: FunctionValue, expression: Expression) -> Values:
        """Return what a function gives; `self` and `cls` are of the class that it was asked of."""
        if value.receiver is not None and expression[0] in "@$":
            digits = len(expression[1:]) - len(expression[1:].lstrip("0123456789"))
            index = int(expression[1 : digits + 1])
            if any(base == ClassValue(value.path, index) for base in self.inheritance.order(value.receiver)):
                steps = expression[digits + 1 :]
                if value.receiver.path == value.path or not steps:
                    root = f"{expression[0]}{value.receiver.index}{steps}"
                    return self.evaluate(value.receiver.path, root)
        return self.evaluate(value.path, expression)

    def _replaced_in(self, path: str) -> frozenset[str]:
        found = self._replaced.get(path)
        if found is None:
            found = self._replaced[path] = frozenset(self.modules.surface(path).replaced)
        return found
