"""Routes that tell whether a service is well, where no decorator declares them."""

from __future__ import annotations

import ast
from collections.abc import Container

from sophia_cli.project.discovery.python.values import dotted_name

PROBES = frozenset({"/health", "/healthz", "/health/", "/ready", "/readyz", "/livez", "/health/ready", "/ping"})
MOUNT = "starlette.routing.Mount"
_ROUTES = frozenset({"starlette.routing.Route", "fastapi.routing.APIRoute"})
_ADDERS = frozenset({"add_get", "add_route", "add_api_route", "add_url_rule"})


def probed_path(node: ast.Call, followed: str, built: Container[str]) -> str | None:
    """Return the path of a probe that a call adds to an application, None for every other call.

    `followed` is the full dotted name of what is called, `built` the names of the file's applications.
    """
    is_added = False
    if isinstance(node.func, ast.Attribute) and node.func.attr in _ADDERS:
        is_added = dotted_name(node.func.value).partition(".")[0] in built
    if not (is_added or followed in _ROUTES) or not _answers_get(node):
        return None
    paths = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
    return next((str(path) for path in paths if path in PROBES), None)


def _answers_get(node: ast.Call) -> bool:
    for keyword in node.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            return any(isinstance(one, ast.Constant) and one.value == "GET" for one in keyword.value.elts)
    return True
