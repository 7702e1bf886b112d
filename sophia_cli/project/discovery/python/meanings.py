"""What the names of one Python file stand for: imports, applications, factories, classes of frameworks, servers."""

from __future__ import annotations

import ast

from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.project.discovery.python.frameworks import (
    RUNNABLE,
    SERVING_METHODS,
    Framework,
    Interface,
    builder_of,
    server_of,
)
from sophia_cli.project.discovery.python.values import dotted_name

_APP_METHODS = frozenset({"get_app", "http_app", "sse_app", "streamable_http_app", "asgi_app", "make_wsgi_app"})


@dataclass(slots=True)
class Meanings:
    """What is known so far. `imported` leads from a name to what it was imported from, relative imports with dots.

    `built` are variables that hold an application (`self.x` for those of an object), `factories` functions that return
    one, `subclasses` classes whose instances are one, `servers` classes that serve once they are called.
    """

    imported: dict[str, str] = field(default_factory=dict)
    built: dict[str, Framework] = field(default_factory=dict)
    factories: dict[str, Framework] = field(default_factory=dict)
    subclasses: dict[str, Framework] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)

    def bind(self, node: ast.Import | ast.ImportFrom, item: ast.alias) -> None:
        """Take in a name that an import binds."""
        if isinstance(node, ast.ImportFrom):
            origin = "." * node.level + f"{node.module or ''}.{item.name}".lstrip(".")
            self.imported[item.asname or item.name] = origin
        elif item.asname:
            self.imported[item.asname] = item.name
        else:
            top = item.name.partition(".")[0]
            self.imported[top] = top

    def extend(self, node: ast.ClassDef) -> None:
        """Take in a class that extends one of a framework, or a server."""
        for base in node.bases:
            framework = self.builder(dotted_name(base))
            if framework is not None:
                self.subclasses[node.name] = framework
            server = self.server(dotted_name(base))
            if server is not None:
                self.servers[node.name] = server

    def followed(self, dotted: str) -> str:
        """Return a dotted name with what its first part was imported from."""
        first, dot, rest = dotted.partition(".")
        return self.imported.get(first, first) + dot + rest

    def framework_of(self, value: ast.expr) -> Framework | None:
        """Return the framework of the application that an expression builds."""
        call = value.value if isinstance(value, ast.Await) else value
        if not isinstance(call, ast.Call):
            return None
        dotted = dotted_name(call.func)
        if dotted in self.factories:
            return self.factories[dotted]
        framework = self.builder(dotted)
        if framework is not None:
            return framework
        if isinstance(call.func, ast.Attribute) and call.func.attr in _APP_METHODS:
            inner = call.func.value
            built = self.built.get(dotted_name(inner)) or self.framework_of(inner)
            if built is not None and built.name == "mcp":
                return replace(built, interface=Interface.ASGI)
            return built
        return None

    def builder(self, dotted: str) -> Framework | None:
        """Return the framework whose application a call of this name builds."""
        if dotted in self.subclasses:
            return self.subclasses[dotted]
        return builder_of(self.followed(dotted), dotted.partition(".")[0] in self.imported) if dotted else None

    def server(self, dotted: str) -> str | None:
        """Return the word for what serves when this is called: a class of the file that extends a server, too."""
        return self.servers.get(dotted) or (server_of(self.followed(dotted)) if dotted else None)

    def server_of_call(self, node: ast.Call, dotted: str) -> str | None:
        """Return the word for what serves by this call: a server, or an application that is run."""
        server = self.server(dotted)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if server is not None or method not in SERVING_METHODS:
            return server
        framework = self.built.get(dotted.rpartition(".")[0])
        # `run(read, write, ...)` of an MCP server gets its streams from the transport that serves.
        has_streams = framework is not None and framework.name == "mcp" and len(node.args) > 1
        if framework is not None and framework.name in RUNNABLE and not has_streams:
            return framework.name
        app = self.built.get(dotted_name(node.args[0])) if node.args else None
        if method == "run" and app is not None and "." in dotted:
            return app.name
        if method == "launch" and "gradio" in self.imported.values():
            return "gradio"
        if method == "listen" and framework is not None and framework.name == "tornado":
            return "tornado"
        return None
