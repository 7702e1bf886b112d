"""What an expression or an annotation in the text means, as far as it can be told."""

from __future__ import annotations

import ast
from typing import Any

from sophia_cli.project.code.calls import UNKNOWN, Expression
from sophia_cli.project.code.extract_calls_scope import Meaning, Scope, means_own_super

_TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "InitVar", "Required", "NotRequired"})
_YIELDS = frozenset({"Iterator", "Generator", "Iterable", "AsyncIterator", "AsyncGenerator", "AsyncIterable"})
_LONGEST_ANNOTATION = 500
_Attribute, _Await, _Call, _Name, _Subscript = ast.Attribute, ast.Await, ast.Call, ast.Name, ast.Subscript


def chain_of(callee: ast.expr) -> tuple[str, str] | None:
    """Return the name that an expression such as `a.b().c` begins with and its steps behind that; None for others.

    The parentheses of `super()` belong to the root.
    """
    steps = ""
    node: Any = callee  # exact types are compared: a tree has no others
    while (kind := type(node)) is not _Name:
        if kind is _Attribute:
            steps = f".{node.attr}{steps}"
            node = node.value
        elif kind is _Call:
            function = node.func
            if type(function) is _Name and is_type_of(node):
                steps = f".__class__{steps}"
                node = node.args[0]
            else:
                if type(function) is not _Name or function.id != "super":
                    steps = f"(){steps}"
                node = function
        elif kind is _Subscript:
            steps = f"[]{steps}"
            node = node.value
        elif kind is _Await:
            steps = f"~{steps}"
            node = node.value
        else:
            return None
    return node.id, steps


def written_of(node: ast.expr) -> str:
    """Return a callee as it is written, arguments left out: `super().__init__`."""
    if isinstance(node, ast.Attribute):
        return f"{written_of(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{written_of(node.func)}()"
    if isinstance(node, ast.Subscript):
        return f"{written_of(node.value)}[]"
    if isinstance(node, ast.Await):
        return f"(await {written_of(node.value)})"
    return node.id if isinstance(node, ast.Name) else ""


def is_type_of(node: ast.Call) -> bool:
    """Whether it is `type(x)` of something with a name, which is the same as `x.__class__`."""
    function = node.func
    return (
        isinstance(function, ast.Name)
        and function.id == "type"
        and len(node.args) == 1
        and not node.keywords
        and isinstance(node.args[0], ast.Name)
    )


def meanings_of(value: ast.expr | None, scope: Scope) -> list[Meaning]:
    """Return what a value may be: nothing for None, `?` where it cannot be told."""
    node: Any = value
    kind = type(node)
    if kind is _Name:
        return [scope.ask(node.id, "")]
    if kind is _Call or kind is _Attribute or kind is _Await:
        chain = chain_of(node)
        if chain is None:
            return [UNKNOWN]
        root, steps = chain
        if root != "super":
            return [scope.ask(root, steps)]
        if scope.class_index is None or not means_own_super(node, scope.class_name):
            return [UNKNOWN]
        return [Expression(f"^{scope.class_index}{steps}")]
    if value is None or (kind is ast.Constant and node.value is None):
        return []
    if kind is ast.IfExp:
        return meanings_of(node.body, scope) + meanings_of(node.orelse, scope)
    if kind is ast.BoolOp and type(node.op) is ast.Or:
        return [meaning for each in node.values for meaning in meanings_of(each, scope)]
    if kind is ast.NamedExpr:
        return meanings_of(node.value, scope)
    return [UNKNOWN]


def annotated(node: ast.expr, scope: Scope) -> list[Meaning]:
    """Return what an annotated object may be: `Foo | None` is a Foo; nothing for None."""
    if type(node) is _Name and node.id != "Self":
        return [scope.ask(node.id, "!")]
    match node:
        case ast.Constant(value=None):
            return []
        case ast.Constant(value=str(text)):
            parsed = _parsed(text)
            return [UNKNOWN] if parsed is None else annotated(parsed, scope)
        case ast.Name(id="Self") if scope.class_index is not None:
            return [Expression(f"@{scope.class_index}")]
        case ast.Name() | ast.Attribute():
            return _class_named(node, scope, "!")
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return annotated(left, scope) + annotated(right, scope)
        case ast.Subscript(value=ast.Name() | ast.Attribute() as value, slice=inner):
            name = value.id if isinstance(value, ast.Name) else value.attr
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if name in ("Type", "type"):
                return _class_named(items[0], scope, "")
            if name not in _TRANSPARENT:
                return _class_named(value, scope, "!")
            return [meaning for item in (items if name == "Union" else items[:1]) for meaning in annotated(item, scope)]
    return [UNKNOWN]


def yielded(node: ast.expr, scope: Scope) -> list[Meaning]:
    """Return what a generator with this return annotation yields."""
    match node:
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner) if name in _YIELDS:
            return annotated(inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner, scope)
    return [UNKNOWN]


def special_form(node: ast.expr) -> str:
    """Return `ClassVar`, `InitVar` or `KW_ONLY` for an annotation that is one, else an empty text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parsed = _parsed(node.value)
        return "" if parsed is None else special_form(parsed)
    target = node.value if isinstance(node, ast.Subscript) else node
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    return name if name in ("ClassVar", "InitVar", "KW_ONLY") else ""


def _class_named(node: ast.expr, scope: Scope, step: str) -> list[Meaning]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parsed = _parsed(node.value)
        return [UNKNOWN] if parsed is None else _class_named(parsed, scope, step)
    if isinstance(node, ast.Name):
        return [scope.ask(node.id, step)]
    chain = chain_of(node) if isinstance(node, ast.Attribute) else None
    return [UNKNOWN] if chain is None else [scope.ask(chain[0], chain[1] + step)]


def _parsed(text: str) -> ast.expr | None:
    if len(text) > _LONGEST_ANNOTATION:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
