"""Shapes of code that tell about services: the main block, a loop without end, what a function returns."""

from __future__ import annotations

import ast
from collections.abc import Iterable

Function = ast.FunctionDef | ast.AsyncFunctionDef
_WAITING = frozenset(
    {"sleep", "wait", "get", "recv", "receive", "accept", "pull", "poll", "read", "xread", "blpop", "brpop"}
    | {"xreadgroup", "receive_message", "receive_messages", "run_pending", "get_message", "recvfrom", "recv_json"}
    | {"recv_string", "recv_multipart", "wait_for", "consume", "brpoplpush"}
)


def own_nodes(function: Function) -> Iterable[ast.AST]:
    """Return the nodes of a function without those of functions and classes inside of it."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def returns(function: Function | None, name: str) -> bool:
    """Whether a function returns a variable of its own by this name."""
    return function is not None and any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == name
        for node in own_nodes(function)
    )


def is_main(test: ast.expr) -> bool:
    """Whether a test asks if the file runs as a script."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )


def is_endless(node: ast.While) -> bool:
    """Whether a loop goes on until it is stopped: its test is true or a flag, and it waits for something."""
    test = node.test.operand if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not) else node.test
    is_flag = isinstance(test, ast.Name | ast.Attribute | ast.Call) or (
        isinstance(test, ast.Constant) and bool(test.value)
    )
    if not is_flag:
        return False
    calls = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return any(isinstance(call.func, ast.Attribute | ast.Name) and last_name(call.func) in _WAITING for call in calls)


def last_name(node: ast.Attribute | ast.Name) -> str:
    """Return the last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id
