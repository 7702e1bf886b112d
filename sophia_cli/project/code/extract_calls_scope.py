"""The names of one scope while a file's calls are read: what is bound to them, and who asks for them.

A name may be bound after it is used, so questions wait until their scope ends.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum

from sophia_cli.project.code.calls import UNKNOWN, Expression, Relay

_MOST_ALTERNATIVES = 6
_NO_NAMES: frozenset[str] = frozenset()


class Kind(Enum):
    """What a scope belongs to."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"


class Reference:
    """An expression whose root is a name that is not settled yet; `settled` is what the name turned out to be."""

    __slots__ = ("root", "settled", "steps", "text")

    def __init__(self, root: str, steps: str) -> None:
        self.root = root
        self.steps = steps
        self.settled: Reference | Expression | None = None
        self.text: Expression | None = None

    def expression(self) -> Expression:
        """Return the whole expression once every scope around it has ended, `?` for one that goes round in a circle."""
        if self.text is not None:
            return self.text
        self.text = UNKNOWN
        settled = self.settled
        if settled is None:
            self.text = Expression(self.root + self.steps)
        else:
            root = settled.expression() if isinstance(settled, Reference) else settled
            self.text = UNKNOWN if root == UNKNOWN else Expression(root + self.steps)
        return self.text


Meaning = Reference | Expression


def expression_of(meaning: Meaning) -> Expression:
    """Return the expression of what is settled."""
    return meaning.expression() if isinstance(meaning, Reference) else meaning


def distinct(meanings: list[Meaning]) -> tuple[Expression, ...]:
    """Return the settled expressions, each once; only `?` where it is among them or where they are too many."""
    if len(meanings) == 1:
        return (expression_of(meanings[0]),)
    found = tuple(dict.fromkeys([expression_of(meaning) for meaning in meanings]))
    return (UNKNOWN,) if UNKNOWN in found or len(found) > _MOST_ALTERNATIVES else found


class Scope:
    """One scope. `class_index` and `self_name` say whose method the code is in, also for functions within methods."""

    __slots__ = (
        *("bindings", "calls", "class_index", "class_name", "gives_value", "globals", "has_yield", "infers_returns"),
        *("is_async", "kind", "nonlocals", "parent", "pending", "relays", "returns", "self_name"),
    )

    def __init__(
        self,
        kind: Kind,
        parent: Scope | None,
        class_index: int | None = None,
        self_name: str | None = None,
        class_name: str = "",
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.class_index = class_index
        self.self_name = self_name
        self.class_name = class_name
        self.bindings: dict[str, list[Meaning]] = {}
        self.globals = self.nonlocals = _NO_NAMES
        self.pending: list[Reference] = []
        self.calls: list[tuple[str, ast.Call]] = []
        self.returns: list[Meaning] = []
        self.relays: dict[str, Relay] = {}
        self.gives_value = self.has_yield = self.is_async = self.infers_returns = False

    def bind(self, name: str, meanings: Sequence[Meaning]) -> None:
        """Note that the name is bound; with no meanings (a plain None) it is bound all the same."""
        if name in self.globals:
            bindings = self.module().bindings
        elif name in self.nonlocals and self.parent is not None:
            self.parent.bind(name, meanings)
            return
        else:
            bindings = self.bindings
        known = bindings.get(name)
        if known is None:
            bindings[name] = [*meanings]
        else:
            known += meanings

    def module(self) -> Scope:
        """Return the outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def enclosing(self) -> Scope:
        """Return the scope in which functions within this one look names up: a class body is passed over."""
        scope = self
        while scope.kind is Kind.CLASS and scope.parent is not None:
            scope = scope.parent
        return scope

    def step(self, meaning: Meaning, step: str) -> Meaning:
        """Return one step further from what is not settled yet."""
        if isinstance(meaning, str):
            return Expression(meaning + step)
        return self.ask(meaning.root, meaning.steps + step)

    def ask(self, root: str, steps: str) -> Reference:
        """Return a reference that is settled when the scope ends; in a class body, where order counts, at once."""
        if self.kind is Kind.CLASS:
            if root not in self.bindings and self.parent is not None:
                return self.parent.enclosing().ask(root, steps)
            reference = Reference(root, steps)
            reference.settled = Expression(f"${self.class_index}.{root}")
            return reference
        reference = Reference(root, steps)
        self.pending.append(reference)
        return reference


class Locals:
    """The alternatives of names within functions, numbered as they are asked for."""

    def __init__(self) -> None:
        self.meanings: list[list[Meaning]] = []

    def settle(self, scope: Scope) -> list[tuple[Meaning, ast.Call]]:
        """End a scope other than the module's: settle what was asked and its names answer, hand the rest on.

        Return the calls that were settled, with what their root is.
        """
        bindings = scope.bindings
        outer = scope.parent
        if outer is None:
            raise ValueError("the module's own scope has no scope around it")
        outer = outer.enclosing()
        known: dict[str, Meaning] = {}
        for reference in scope.pending:
            root = reference.root
            if root in bindings:
                reference.settled = known.get(root) or known.setdefault(root, self._meaning(scope, root))
            else:
                outer.pending.append(reference)
        found: list[tuple[Meaning, ast.Call]] = []
        for root, call in scope.calls:
            if root in bindings:
                meaning = known.get(root) or known.setdefault(root, self._meaning(scope, root))
                if meaning != UNKNOWN:
                    found.append((meaning, call))
            elif root != "super":
                outer.calls.append((root, call))
            elif scope.class_index is not None and means_own_super(call, scope.class_name):
                found.append((Expression(f"^{scope.class_index}"), call))
        return found

    def _meaning(self, scope: Scope, name: str) -> Meaning:
        if scope.kind is Kind.CLASS:
            return Expression(f"${scope.class_index}.{name}")
        meanings = scope.bindings[name]
        if not meanings or UNKNOWN in meanings:
            return UNKNOWN
        if len(meanings) == 1:
            return meanings[0]
        self.meanings.append(meanings)
        return Expression(f":{len(self.meanings) - 1}")


def means_own_super(node: ast.expr, class_name: str) -> bool:
    """Whether the `super` at the root of an expression is that of the class around it: plain, or naming this class."""
    while not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute | ast.Await | ast.Subscript):
            node = node.value
        else:
            return False
    return not node.args or (isinstance(node.args[0], ast.Name) and node.args[0].id == class_name)
