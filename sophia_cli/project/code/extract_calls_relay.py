"""What a function does as a decorator: whether whoever calls what it gives back calls the decorated function itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sophia_cli.project.code.calls import Relay

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_CHANGES = frozenset({"pop", "update", "setdefault", "clear", "popitem"})


def relay_of(node: FunctionNode, made_inside: dict[str, Relay]) -> Relay:
    """Return what the function does as a decorator; `made_inside` tells it of the functions defined in its body."""
    last = node.body[-1]
    if not (isinstance(last, ast.Return) and isinstance(last.value, ast.Name)):
        return Relay.NONE
    parameters = [*node.args.posonlyargs, *node.args.args]
    decorated = parameters[0].arg if parameters else None
    nested = {item.name: item for item in node.body if isinstance(item, FunctionNode)}
    nested |= {
        inner.name: inner
        for item in node.body
        if isinstance(item, ast.If)
        for inner in [*item.body, *item.orelse]
        if isinstance(inner, FunctionNode)
    }
    relays: set[Relay] = set()
    for returned in _returned(node):
        if returned is None:
            return Relay.NONE
        if returned == decorated:
            relays.add(Relay.SAME)
        elif returned not in nested:
            return Relay.NONE
        elif decorated is not None and _passes_on(nested[returned], decorated):
            relays.add(Relay.WRAPS)
        else:
            relays.add(_MADE.get(made_inside.get(returned, Relay.NONE), Relay.NONE))
    if relays == {Relay.SAME, Relay.WRAPS}:
        return Relay.WRAPS
    return relays.pop() if len(relays) == 1 else Relay.NONE


_MADE = {Relay.SAME: Relay.MAKES_SAME, Relay.WRAPS: Relay.MAKES_WRAPS}


def _returned(node: FunctionNode) -> Iterator[str | None]:
    """Yield the names that the function itself returns, None for anything else."""
    for inner in _own_nodes(node.body):
        if isinstance(inner, ast.Return):
            yield inner.value.id if isinstance(inner.value, ast.Name) else None


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node of a body but those of functions and classes within it."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            continue
        yield node
        todo.extend(ast.iter_child_nodes(node))


def _passes_on(wrapper: FunctionNode, decorated: str) -> bool:
    """Whether a wrapper takes anything and calls the decorated function with exactly that, wherever it calls it."""
    arguments = wrapper.args
    if arguments.vararg is None or arguments.kwarg is None or arguments.kwonlyargs or arguments.defaults:
        return False
    leading = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    rest, options = arguments.vararg.arg, arguments.kwarg.arg
    names = {*leading, rest, options}
    calls = 0
    for node in ast.walk(wrapper):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name == decorated:
                calls += 1
                if not _is_the_same(node, leading, rest, options):
                    return False
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if name in names and method in _CHANGES:
                    return False
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in names or name == decorated:
                return False
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in names:
                return False
    return calls > 0


def _is_the_same(call: ast.Call, leading: list[str], rest: str, options: str) -> bool:
    given = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
    match call.args[len(leading) :], call.keywords:
        case [ast.Starred(value=ast.Name(id=star))], [ast.keyword(arg=None, value=ast.Name(id=double))]:
            return given == leading and star == rest and double == options
    return False
