"""Applications that no framework builds: functions and classes with the very signature of ASGI or WSGI."""

from __future__ import annotations

import ast
import re

from sophia_cli.project.discovery.python.frameworks import RAW_ASGI, RAW_WSGI, Framework
from sophia_cli.project.discovery.python.shapes import Function

# Middleware and parts of libraries have these signatures too; what is meant to be served is called so.
_NAME = re.compile(r"(?:\w+_)?(?:app|application|asgi|wsgi|api|server|service)", re.IGNORECASE)
_WRAPPED = frozenset({"app", "application", "inner", "next", "wrapped", "get_response", "wsgi_app", "asgi_app"})


def raw_interface(function: Function, is_method: bool = False) -> Framework | None:
    """Return the interface whose signature a function has: `(scope, receive, send)` or `(environ, start_response)`."""
    arguments = function.args
    if arguments.kwonlyargs or arguments.vararg:
        return None
    names = [argument.arg.strip("_") for argument in (*arguments.posonlyargs, *arguments.args)][int(is_method) :]
    if names == ["scope", "receive", "send"] and isinstance(function, ast.AsyncFunctionDef):
        return RAW_ASGI
    if len(names) == 2 and names[0].startswith("env") and names[1].startswith(("start", "respond")):
        return RAW_WSGI if isinstance(function, ast.FunctionDef) else None
    return None


def raw_class(node: ast.ClassDef) -> Framework | None:
    """Return the interface of a class whose instances are applications; middleware, which is given one, is none."""
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    call, init = methods.get("__call__"), methods.get("__init__")
    if call is None:
        return None
    given = {argument.arg for argument in (*init.args.args, *init.args.kwonlyargs)} if init is not None else set()
    return None if given & _WRAPPED else raw_interface(call, is_method=True)


def is_served_name(name: str) -> bool:
    """Whether a variable or function of this name is meant to be served."""
    return _NAME.fullmatch(name) is not None
