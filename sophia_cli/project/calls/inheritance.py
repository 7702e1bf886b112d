"""The order in which Python looks through a class and its bases, and what it finds."""

from __future__ import annotations

from collections.abc import Callable

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.modules import Modules, table_of
from sophia_cli.project.calls.values import ClassValue, External, Unknown, Values
from sophia_cli.project.code.calls import Class, Expression

Base = ClassValue | External | Unknown
Evaluate = Callable[[str, str], Values]


@dataclass(frozen=True, slots=True)
class Member:
    """What a class binds to a name: in its body (`values`), and on its instances (`set_later`)."""

    owner: ClassValue
    values: tuple[Expression, ...]
    set_later: tuple[Expression, ...]


class Inheritance:
    """Classes of the project with their bases, each worked out once."""

    def __init__(self, modules: Modules, evaluate: Evaluate) -> None:
        self._modules = modules
        self._evaluate = evaluate
        self._below: dict[ClassValue, tuple[ClassValue, ...]] | None = None
        self._orders: dict[ClassValue, tuple[Base, ...]] = {}
        self._tables: dict[ClassValue, tuple[dict[str, tuple[Expression, ...]], dict[str, tuple[Expression, ...]]]] = {}

    def facts(self, owner: ClassValue) -> Class:
        """Return what the file says about a class."""
        return self._modules.surface(owner.path).classes[owner.index]

    def order(self, owner: ClassValue) -> tuple[Base, ...]:
        """Return the class and everything above it in the order of lookup, `object` left out.

        `Unknown` stands where a base is not known, or where the classes cannot be put in order.
        """
        known = self._orders.get(owner)
        if known is None:
            self._orders[owner] = (owner, Unknown())
            known = self._orders[owner] = self._linearized(owner)
        return known

    def member(self, owner: ClassValue, name: str, skip: int = 0) -> Member | None:
        """Return what the class or a base binds to the name; None when none does, or an unknown base comes first.

        `skip` leaves out that many classes at the front, as `super()` does with one.
        """
        for base in self.order(owner)[skip:]:
            if not isinstance(base, ClassValue):
                if isinstance(base, External) and not self.may_hold(base, name):
                    continue
                return None
            members, attributes = self._names_of(base)
            values, later = members.get(name), attributes.get(name)
            if values or later or (values is not None and later is not None):
                return Member(base, values or (), later or ())
            if name == "__init__" and self.facts(base).decorators:
                return None
        return None

    def may_be_set(self, owner: ClassValue, name: str) -> bool:
        """Whether some class above sets the name on instances, or one may that is not the project's."""
        for base in self.order(owner):
            if isinstance(base, ClassValue):
                if name in self._names_of(base)[1]:
                    return True
            elif not isinstance(base, External) or self.may_hold(base, name):
                return True
        return False

    def below(self, owner: ClassValue) -> tuple[ClassValue, ...]:
        """Return the classes of the project that inherit from this one."""
        if self._below is None:
            below: dict[ClassValue, list[ClassValue]] = {}
            for path in self._modules.paths():
                for index in range(len(self._modules.surface(path).classes)):
                    heir = ClassValue(path, index)
                    for base in self.order(heir)[1:]:
                        if isinstance(base, ClassValue):
                            below.setdefault(base, []).append(heir)
            self._below = {base: tuple(heirs) for base, heirs in below.items()}
        return self._below.get(owner, ())

    def holder(self, owner: ClassValue, path: str, index: int) -> ClassValue | None:
        """Return the class, of this one and those above, whose body defines a function of the file."""
        expression = Expression(f"&{index}")
        for base in self.order(owner):
            if (
                isinstance(base, ClassValue)
                and base.path == path
                and any(expression in member.values for member in self.facts(base).members)
            ):
                return base
        return None

    def own(self, owner: ClassValue, name: str) -> tuple[Expression, ...] | None:
        """Return what the body of this very class binds to the name, None when it does not."""
        return self._names_of(owner)[0].get(name)

    def may_hold(self, base: External, name: str) -> bool:
        """Whether a class that is not the project's may define the name."""
        return base.name not in _WITHOUT_MEMBERS

    def _names_of(
        self, owner: ClassValue
    ) -> tuple[dict[str, tuple[Expression, ...]], dict[str, tuple[Expression, ...]]]:
        found = self._tables.get(owner)
        if found is None:
            facts = self.facts(owner)
            found = self._tables[owner] = (table_of(facts.members), table_of(facts.attributes))
        return found

    def _linearized(self, owner: ClassValue) -> tuple[Base, ...]:
        """Merge the orders of the bases as Python does (C3)."""
        bases = [self._base(owner, expression) for expression in self.facts(owner).bases]
        orders: list[tuple[Base, ...]] = [
            self.order(base) if isinstance(base, ClassValue) else (base,) for base in bases
        ]
        todo = [list(order) for order in [*orders, tuple(bases)] if order]
        merged: list[Base] = [owner]
        while todo:
            head = next((order[0] for order in todo if not any(order[0] in other[1:] for other in todo)), None)
            if head is None:
                return (*merged, Unknown())
            merged.append(head)
            todo = [rest for order in todo if (rest := [base for base in order if base != head])]
        return tuple(merged)

    def _base(self, owner: ClassValue, expression: Expression) -> Base:
        values = self._evaluate(owner.path, expression)
        if len(values) == 1 and isinstance(value := values[0], ClassValue | External) and value != owner:
            return value
        return Unknown()


_WITHOUT_MEMBERS = frozenset(
    {"builtins.object", "abc.ABC"}
    | {f"{package}.{name}" for package in ("typing", "typing_extensions") for name in ("Generic", "Protocol")}
)
