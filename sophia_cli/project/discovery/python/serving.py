"""What a call that serves says: which application, on which port, over which transport."""

from __future__ import annotations

import ast
from collections.abc import Callable

from sophia_cli.project.discovery.python.facts import ServeCall
from sophia_cli.project.discovery.python.values import PortReader, dotted_name

# Where the port stands among the arguments that have no name.
_PORT_AT = {
    "wsgiref": 1,
    "werkzeug": 1,
    "tornado": 0,
    "flask": 1,
    "sanic": 1,
    "quart": 1,
    "asyncio": 2,
    "websockets": 2,
    "aiohttp": 2,
}


def serve_call(node: ast.Call, server: str, owner: str, followed: Callable[[str], str], ports: PortReader) -> ServeCall:
    """Return what a call says. `owner` is the application whose method it is, empty where it is none's; `followed`
    gives a dotted name with the file's imports followed."""
    first: ast.expr | None = node.args[0] if node.args else None
    for keyword in node.keywords:
        if keyword.arg in ("app", "application") and first is None:
            first = keyword.value
    target = ""
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        target = first.value
    elif first is not None:
        # `run(create_app())` serves what the function returns.
        target = followed(dotted_name(first.func if isinstance(first, ast.Call) else first))
    target = target or owner
    if server == "uvicorn" and target and ":" not in target:
        target = ports.config_target(node) or target
    return ServeCall(
        server,
        node.lineno,
        target,
        ports.port_of(node, _PORT_AT.get(server)),
        server == "mcp" and _is_stdio(node),
        ports.workers_of(node),
    )


def _is_stdio(node: ast.Call) -> bool:
    """Whether an MCP server talks over standard input and output, which is what it does when nothing else is said."""
    given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "transport")]
    if not given:
        return True
    return any(isinstance(value, ast.Constant) and value.value == "stdio" for value in given)
