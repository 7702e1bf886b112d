"""What an expression or an annotation in the text means, as far as it can be told."""

from __future__ import annotations

import ast
from typing import TypeGuard

from sophia_cli.project.code.calls import UNKNOWN, Expression
from sophia_cli.project.code.extract_calls_scope import Meaning, Scope, means_own_super

_TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "InitVar", "Required", "NotRequired"})
_YIELDS = frozenset({"Iterator", "Generator", "Iterable", "AsyncIterator", "AsyncGenerator", "AsyncIterable"})
_LONGEST_ANNOTATION = 500


def root_of(node: ast.expr) -> str | None:
    """Return the name that a callee such as `a.b().c` begins with, None where it begins with something else."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Await | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.args[0] if is_type_of(node) else node.func
        else:
            return None
    return node.id


def steps_of(node: ast.expr) -> str:
    """Return the steps of such an expression, behind its root; the parentheses of `super()` belong to the root."""
    steps: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            steps.append("." + node.attr)
            node = node.value
        elif isinstance(node, ast.Await):
            steps.append("~")
            node = node.value
        elif isinstance(node, ast.Subscript):
            steps.append("[]")
            node = node.value
        elif isinstance(node, ast.Call) and is_type_of(node):
            steps.append(".__class__")
            node = node.args[0]
        elif isinstance(node, ast.Call):
            if not is_super(node):
                steps.append("()")
            node = node.func
        else:
            raise ValueError("an expression without a name at its root")
    steps.reverse()
    return "".join(steps)


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


def is_super(node: ast.expr) -> TypeGuard[ast.Call]:
    """Whether it is a call of `super`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


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


def meanings_of(node: ast.expr | None, scope: Scope) -> list[Meaning]:
    """Return what a value may be: nothing for None, `?` where it cannot be told."""
    match node:
        case None | ast.Constant(value=None):
            return []
        case ast.Name(id=name):
            return [scope.ask(name, "")]
        case ast.Call() | ast.Attribute() | ast.Await():
            root = root_of(node)
            if root is None:
                return [UNKNOWN]
            if root != "super":
                return [scope.ask(root, steps_of(node))]
            if scope.class_index is None or not means_own_super(node, scope.class_name):
                return [UNKNOWN]
            return [Expression(f"^{scope.class_index}{steps_of(node)}")]
        case ast.IfExp(body=body, orelse=other):
            return meanings_of(body, scope) + meanings_of(other, scope)
        case ast.BoolOp(op=ast.Or(), values=values):
            return [meaning for value in values for meaning in meanings_of(value, scope)]
        case ast.NamedExpr(value=value):
            return meanings_of(value, scope)
    return [UNKNOWN]


def annotated(node: ast.expr, scope: Scope) -> list[Meaning]:
    """Return what an annotated object may be: `Foo | None` is a Foo; nothing for None."""
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
    root = root_of(node) if isinstance(node, ast.Name | ast.Attribute) else None
    return [UNKNOWN] if root is None else [scope.ask(root, steps_of(node) + step)]


def _parsed(text: str) -> ast.expr | None:
    if len(text) > _LONGEST_ANNOTATION:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
