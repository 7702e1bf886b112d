"""What a function does as a decorator: whether whoever calls what it gives back calls the decorated function itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from sophia_cli.project.code.calls import Relay

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_CHANGES = frozenset({"pop", "update", "setdefault", "clear", "popitem"})
_MADE = {Relay.SAME: Relay.MAKES_SAME, Relay.WRAPS: Relay.MAKES_WRAPS}
_CLASS_NAMES = frozenset({"cls", "klass", "class_", "kls", "clazz"})
_PASSING = frozenset({Relay.SAME, Relay.WRAPS})
_BLOCKS: Mapping[type[ast.AST], tuple[str, ...]] = {
    **dict.fromkeys((ast.If, ast.For, ast.AsyncFor, ast.While), ("body", "orelse")),
    **dict.fromkeys((ast.With, ast.AsyncWith, ast.ExceptHandler, ast.match_case), ("body",)),
    **dict.fromkeys((ast.Try, ast.TryStar), ("body", "handlers", "orelse", "finalbody")),
    ast.Match: ("cases",),
}


def relay_of(node: FunctionNode, made_inside: Mapping[str, Relay], type_variables: frozenset[str]) -> Relay:
    """Return what the function does as a decorator; `made_inside` tells it of the functions defined in its body."""
    promised = _promised(node, type_variables) if node.returns is not None and type_variables else Relay.NONE
    if promised is not Relay.NONE:
        wrappers = [inner for inner in ast.walk(node) if isinstance(inner, FunctionNode) and inner is not node]
        is_broken = any(_interferes(wrapper) for wrapper in wrappers) or _remakes_a_class(node)
        return Relay.NONE if is_broken else promised
    last = node.body[-1]
    if not isinstance(last, ast.Return) or not (made_inside or _gives_back_its_first(node, last)):
        return Relay.NONE
    parameters = [*node.args.posonlyargs, *node.args.args]
    decorated = parameters[0].arg if parameters else None
    nested = {inner.name: inner for inner in own_nodes(node.body) if isinstance(inner, FunctionNode)}
    relays = {_relayed(returned, decorated, nested, made_inside) for returned in _returned(node)}
    if Relay.SAME in relays and _remakes_a_class(node):
        return Relay.NONE
    if relays == {Relay.SAME, Relay.WRAPS}:
        return Relay.WRAPS
    if Relay.EITHER in relays and relays <= {Relay.EITHER, Relay.MAKES_SAME, Relay.MAKES_WRAPS}:
        return Relay.EITHER
    return relays.pop() if len(relays) == 1 and Relay.EITHER not in relays else Relay.NONE


def _remakes_a_class(node: FunctionNode) -> bool:
    """Whether a function that is given a class may give it another constructor: it sets one, or gives back what another
    function makes of the class. Annotations cannot tell: `type[T] -> type[T]` holds all the same."""
    parameters = [*node.args.posonlyargs, *node.args.args]
    if not parameters:
        return False
    given = parameters[0]
    is_class = given.arg in _CLASS_NAMES or _is_of_class(given.annotation)
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(attr="__init__" | "__new__", ctx=ast.Store()):
                return True
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="__init__" | "__new__"), _]):
                return True
            case ast.Return(value=ast.Call(func=function, args=[ast.Name(id=name), *_])) if is_class:
                if name == given.arg and not (isinstance(function, ast.Name) and function.id in _nested_in(node)):
                    return True
    return False


def _is_of_class(annotation: ast.expr | None) -> bool:
    match annotation:
        case ast.Subscript(value=ast.Name(id="type" | "Type") | ast.Attribute(attr="Type")):
            return True
    return False


def _nested_in(node: FunctionNode) -> set[str]:
    return {inner.name for inner in own_nodes(node.body) if isinstance(inner, FunctionNode)}


def _gives_back_its_first(node: FunctionNode, last: ast.Return) -> bool:
    parameters = node.args.posonlyargs or node.args.args
    return isinstance(last.value, ast.Name) and bool(parameters) and last.value.id == parameters[0].arg


def _relayed(
    returned: ast.expr | None,
    decorated: str | None,
    nested: Mapping[str, FunctionNode],
    made_inside: Mapping[str, Relay],
) -> Relay:
    """Return what one `return` of the function means for it as a decorator."""
    match returned:
        case ast.Call(func=ast.Name(id="cast") | ast.Attribute(attr="cast"), args=[_, inner]):
            return _relayed(inner, decorated, nested, made_inside)
        case ast.Call(func=ast.Name(id="update_wrapper") | ast.Attribute(attr="update_wrapper"), args=[inner, *_]):
            return _relayed(inner, decorated, nested, made_inside)
        case ast.Call(func=ast.Call(func=ast.Name(id="wraps") | ast.Attribute(attr="wraps")), args=[inner]):
            return _relayed(inner, decorated, nested, made_inside)
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=given)], keywords=[]) if given == decorated:
            return Relay.EITHER if made_inside.get(name) in _PASSING else Relay.NONE
        case ast.Name(id=name) if name == decorated:
            return Relay.SAME
        case ast.Name(id=name) if name in nested:
            if decorated is not None and _passes_on(nested[name], decorated):
                return Relay.WRAPS
            return _MADE.get(made_inside.get(name, Relay.NONE), Relay.NONE)
    return Relay.NONE


def _promised(node: FunctionNode, type_variables: frozenset[str]) -> Relay:
    """Return what the annotations promise: `F -> F`, `type[T] -> type[T]`, `Callable[P, A] -> Callable[P, B]`, or a
    callable that does so."""
    if node.returns is None or not type_variables:
        return Relay.NONE
    alternatives = list(_alternatives(node.returns))
    parameters = [*node.args.posonlyargs, *node.args.args]
    first = parameters[0].annotation if parameters else None
    keys = {key for item in _alternatives(first) if (key := _key(item, type_variables))} if first is not None else set()
    is_same = any(_key(item, type_variables) in keys for item in alternatives)
    makes = False
    for item in alternatives:
        match item:
            case ast.Subscript(
                value=ast.Name(id="Callable") | ast.Attribute(attr="Callable"),
                slice=ast.Tuple(elts=[ast.List(elts=[given]), result]),
            ):
                key = _key(given, type_variables)
                makes = makes or (bool(key) and key == _key(result, type_variables))
    if is_same:
        return Relay.EITHER if makes else Relay.SAME
    return Relay.MAKES_SAME if makes else Relay.NONE


def _key(node: ast.expr, type_variables: frozenset[str]) -> str:
    """Return what says which arguments something takes: a type variable, or the parameters of a callable."""
    match node:
        case ast.Constant(value=str(name)) if name in type_variables:
            return name
        case ast.Name(id=name) if name in type_variables:
            return name
        case ast.Subscript(value=ast.Name(id="type" | "Type") | ast.Attribute(attr="Type"), slice=ast.Name(id=name)):
            return f"type[{name}]" if name in type_variables else ""
        case ast.Subscript(
            value=ast.Name(id="Callable") | ast.Attribute(attr="Callable"),
            slice=ast.Tuple(elts=[ast.Name(id=name), _]),
        ) if name in type_variables:
            return f"Callable[{name}]"
    return ""


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _alternatives(left)
            yield from _alternatives(right)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner) if name in (
            "Optional",
            "Union",
        ):
            for item in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _alternatives(item)
        case _:
            yield node


def _returned(node: FunctionNode) -> Iterator[ast.expr | None]:
    """Yield what the function itself returns."""
    for inner in own_nodes(node.body):
        if isinstance(inner, ast.Return):
            yield inner.value


def own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every statement of a body; functions and classes within it, but nothing that is inside them."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        yield node
        for block in _BLOCKS.get(type(node), ()):
            todo.extend(getattr(node, block))


def _passes_on(wrapper: FunctionNode, decorated: str) -> bool:
    """Whether a wrapper takes anything and calls the decorated function with exactly that, wherever it calls it."""
    arguments = wrapper.args
    if arguments.vararg is None or arguments.kwarg is None or arguments.kwonlyargs or arguments.defaults:
        return False
    leading = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    rest, options = arguments.vararg.arg, arguments.kwarg.arg
    if _changes(wrapper, frozenset({*leading, rest, options, decorated})):
        return False
    calls = [node for node in ast.walk(wrapper) if isinstance(node, ast.Call)]
    own = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == decorated]
    return bool(own) and all(_is_the_same(call, leading, rest, options) for call in own)


def _interferes(wrapper: FunctionNode) -> bool:
    """Whether a wrapper takes keywords of its own beside those it passes on, or changes what it got."""
    arguments = wrapper.args
    if arguments.kwarg is None:
        return False
    return bool(arguments.kwonlyargs) or _changes(wrapper, frozenset({arguments.kwarg.arg}))


def _changes(wrapper: FunctionNode, names: frozenset[str]) -> bool:
    for node in ast.walk(wrapper):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if name in names and method in _CHANGES:
                    return True
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in names:
                return True
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in names:
                return True
    return False


def _is_the_same(call: ast.Call, leading: list[str], rest: str, options: str) -> bool:
    given = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
    match call.args[len(leading) :], call.keywords:
        case [ast.Starred(value=ast.Name(id=star))], [ast.keyword(arg=None, value=ast.Name(id=double))]:
            return given == leading and star == rest and double == options
    return False
