"""What pieces of syntax are, for reading calls: functions of nodes alone."""

from __future__ import annotations

import ast

from sophia_cli.project.code.calls import FieldKind
from sophia_cli.project.code.extract_calls_relay import FunctionNode

_EXPECTING = ("raises", "assertRaises", "assert_raises")
_ACCESSORS = frozenset({"getter", "setter", "deleter"})


def called_name(call: ast.expr) -> str:
    """Return the last name of what is called, empty for what is no call or has no name."""
    callee = call.func if isinstance(call, ast.Call) else None
    return callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""


def is_question(call: ast.Call) -> bool:
    """Whether the function's name asks something (`is_list(x)`), so that it may tell the class of its argument."""
    return called_name(call).lstrip("_").startswith(("is_", "has_"))


def makes_a_type_variable(value: ast.expr) -> bool:
    """Whether a value is a `TypeVar(...)` or `ParamSpec(...)`."""
    return called_name(value) in ("TypeVar", "ParamSpec")


def expects_a_failure(value: ast.expr) -> bool:
    """Whether what is entered by `with` says that its body fails: `pytest.raises(...)`, `suppress(TypeError)`."""
    name = called_name(value)
    if name == "suppress" and isinstance(value, ast.Call):
        return any(names_type_error(item) or isinstance(item, ast.Starred) for item in value.args)
    return name.startswith(_EXPECTING)


def is_expected_to_fail(decorators: list[ast.expr]) -> bool:
    """Whether a test is marked as one that fails: `pytest.mark.xfail`, `unittest.expectedFailure`."""
    for decorator in decorators:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
        if name.lower() in ("xfail", "expectedfailure"):
            return True
    return False


def names_type_error(node: ast.expr) -> bool:
    """Whether a handler catches TypeError by name."""
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(name, ast.Name) and name.id == "TypeError" for name in names)


def tuple_fields(value: ast.expr) -> list[tuple[str, bool]] | None:
    """Return the fields of `namedtuple("Point", "x y")` and whether each has a default; None for anything else."""
    if not isinstance(value, ast.Call) or len(value.args) != 2:
        return None
    name, given = called_name(value), value.args[1]
    options = {keyword.arg for keyword in value.keywords}
    if name not in ("namedtuple", "NamedTuple") or not options <= {"defaults", "module"}:
        return None
    names: list[str] = []
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        names = given.value.replace(",", " ").split()
    elif isinstance(given, ast.List | ast.Tuple):
        for item in given.elts:
            first = item.elts[0] if isinstance(item, ast.Tuple) and item.elts else item
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                return None
            names.append(first.value)
    else:
        return None
    defaults = next((keyword.value for keyword in value.keywords if keyword.arg == "defaults"), None)
    if defaults is None:
        count = 0
    else:
        count = len(defaults.elts) if isinstance(defaults, ast.List | ast.Tuple) else len(names)
    return [(field, index >= len(names) - count) for index, field in enumerate(names)]


def kind_of_value(annotation: ast.expr) -> FieldKind:
    """Return what kind of value an annotation in a class body tells of."""
    if "Annotated" in _words(annotation):
        return FieldKind.DESCRIBED
    return FieldKind.OPTIONAL if _may_be_none(annotation) else FieldKind.VALUE


def _words(annotation: ast.expr) -> str:
    """Return the text of an annotation that is one, else the name that stands in front of its brackets."""
    match annotation:
        case ast.Constant(value=str(text)):
            return text
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""


def _may_be_none(annotation: ast.expr) -> bool:
    """Whether an annotation says None or anything."""
    match annotation:
        case ast.Constant(value=str(text)):
            return any(word in text for word in ("None", "Optional", "Any", "object"))
        case ast.Constant(value=value):
            return value is None
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in ("Any", "object")
        case ast.BinOp(left=left, right=right):
            return _may_be_none(left) or _may_be_none(right)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            if name == "Union":
                return any(_may_be_none(item) for item in (inner.elts if isinstance(inner, ast.Tuple) else [inner]))
            return name in ("Optional", "Annotated")
    return False


def adds_to_another(node: FunctionNode) -> bool:
    """Whether it is an overload, or the setter of a property, so that its name means another function."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Attribute):
            if decorator.attr == "overload":
                return True
            owner = decorator.value
            if isinstance(owner, ast.Name) and owner.id == node.name and decorator.attr in _ACCESSORS:
                return True
        elif isinstance(decorator, ast.Name) and decorator.id == "overload":
            return True
    return False


def argument_names(arguments: ast.arguments) -> list[str]:
    """Return the names of all parameters."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [rest for rest in (arguments.vararg, arguments.kwarg) if rest is not None]
    return [argument.arg for argument in found]


def default_values(arguments: ast.arguments) -> list[ast.expr]:
    """Return the defaults that may hold a call."""
    found = [*arguments.defaults, *[default for default in arguments.kw_defaults if default is not None]]
    return [default for default in found if not isinstance(default, ast.Constant | ast.Name)]
