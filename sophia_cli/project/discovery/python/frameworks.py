"""The libraries that services are made with: what builds an application, what serves one, what marks a worker."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Interface(Enum):
    """How an application is served: by uvicorn (ASGI, or WSGI through an adapter), or only by its own means."""

    ASGI = "asgi"
    WSGI = "wsgi"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Framework:
    """A library that builds applications. `is_worker`: they take jobs instead of requests."""

    name: str
    interface: Interface
    is_worker: bool = False


_ASGI, _WSGI, _OWN = Interface.ASGI, Interface.WSGI, Interface.OWN
RAW_ASGI, RAW_WSGI = Framework("asgi", _ASGI), Framework("wsgi", _WSGI)

# Top-level package and name of what is called. Names that say enough alone stand in _TELLING too.
_BUILDERS: dict[tuple[str, str], Framework] = {
    ("fastapi", "FastAPI"): Framework("fastapi", _ASGI),
    ("fastapi_offline", "FastAPIOffline"): Framework("fastapi", _ASGI),
    ("starlette", "Starlette"): Framework("starlette", _ASGI),
    ("litestar", "Litestar"): Framework("litestar", _ASGI),
    ("starlite", "Starlite"): Framework("litestar", _ASGI),
    ("quart", "Quart"): Framework("quart", _ASGI),
    ("blacksheep", "Application"): Framework("blacksheep", _ASGI),
    ("django", "get_asgi_application"): Framework("django", _ASGI),
    ("django", "get_wsgi_application"): Framework("django", _WSGI),
    ("channels", "ProtocolTypeRouter"): Framework("django", _ASGI),
    ("connexion", "AsyncApp"): Framework("connexion", _ASGI),
    ("connexion", "FlaskApp"): Framework("connexion", _ASGI),
    ("socketio", "ASGIApp"): Framework("socketio", _ASGI),
    ("ariadne", "GraphQL"): Framework("ariadne", _ASGI),
    ("strawberry", "GraphQL"): Framework("strawberry", _ASGI),
    ("phi", "Playground"): Framework("phidata", _ASGI),
    ("agno", "Playground"): Framework("agno", _ASGI),
    ("flask", "Flask"): Framework("flask", _WSGI),
    ("apiflask", "APIFlask"): Framework("flask", _WSGI),
    ("bottle", "Bottle"): Framework("bottle", _WSGI),
    ("falcon", "App"): Framework("falcon", _WSGI),
    ("falcon", "API"): Framework("falcon", _WSGI),
    ("pyramid", "Configurator"): Framework("pyramid", _OWN),
    ("sanic", "Sanic"): Framework("sanic", _OWN),
    ("robyn", "Robyn"): Framework("robyn", _OWN),
    ("dash", "Dash"): Framework("dash", _OWN),
    ("nicegui", "App"): Framework("nicegui", _OWN),
    ("aiohttp", "Application"): Framework("aiohttp", _OWN),
    ("tornado", "Application"): Framework("tornado", _OWN),
    ("mcp", "FastMCP"): Framework("mcp", _OWN),
    ("fastmcp", "FastMCP"): Framework("mcp", _OWN),
    ("mcp", "Server"): Framework("mcp", _OWN),
    ("mcp", "MCPServer"): Framework("mcp", _OWN),
    ("celery", "Celery"): Framework("celery", _OWN, is_worker=True),
    ("faust", "App"): Framework("faust", _OWN, is_worker=True),
    ("huey", "RedisHuey"): Framework("huey", _OWN, is_worker=True),
    ("faststream", "FastStream"): Framework("faststream", _OWN, is_worker=True),
}
_TELLING = {
    name: framework
    for (_, name), framework in _BUILDERS.items()
    if name not in ("Application", "App", "API", "Server", "Configurator", "AsyncApp", "GraphQL")
}

# The last part of what serves, by the top-level package it belongs to; the value is the word for it.
_SERVERS = {
    ("uvicorn", "run"): "uvicorn",
    ("uvicorn", "Server"): "uvicorn",
    ("hypercorn", "serve"): "hypercorn",
    ("hypercorn", "run"): "hypercorn",
    ("granian", "Granian"): "granian",
    ("waitress", "serve"): "waitress",
    ("werkzeug", "run_simple"): "werkzeug",
    ("cheroot", "Server"): "cheroot",
    ("wsgiref", "make_server"): "wsgiref",
    ("gevent", "WSGIServer"): "gevent",
    ("eventlet", "server"): "eventlet",
    ("aiohttp", "run_app"): "aiohttp",
    ("aiohttp", "TCPSite"): "aiohttp",
    ("grpc", "server"): "grpc",
    ("websockets", "serve"): "websockets",
    ("mcp", "stdio_server"): "mcp",
    ("django", "execute_from_command_line"): "django",
    ("http", "HTTPServer"): "http",
    ("http", "ThreadingHTTPServer"): "http",
    ("socketserver", "TCPServer"): "socketserver",
    ("socketserver", "ThreadingTCPServer"): "socketserver",
    ("socketserver", "ForkingTCPServer"): "socketserver",
    ("socketserver", "UDPServer"): "socketserver",
    ("socketserver", "ThreadingUDPServer"): "socketserver",
    ("socketserver", "UnixStreamServer"): "socketserver",
    ("socketserver", "ThreadingUnixStreamServer"): "socketserver",
    ("xmlrpc", "SimpleXMLRPCServer"): "xmlrpc",
    ("xmlrpc", "DocXMLRPCServer"): "xmlrpc",
    ("wsgiref", "WSGIServer"): "wsgiref",
    ("asyncio", "start_server"): "asyncio",
    ("pywebio", "start_server"): "pywebio",
    ("arq", "run_worker"): "arq",
    ("rq", "Worker"): "rq",
    ("bottle", "run"): "bottle",
    ("nicegui", "run"): "nicegui",
    ("streamlit", "set_page_config"): "streamlit",
    ("streamlit", "title"): "streamlit",
}
WORKER_SERVERS = frozenset({"rq", "arq"})

# Methods that make an application or server of the file serve.
SERVING_METHODS = frozenset(
    {"run", "run_async", "run_stdio_async", "run_sse_async", "serve_forever", "launch", "listen"} | {"run_server"}
)
RUNNABLE = frozenset(
    {"flask", "quart", "sanic", "robyn", "dash", "mcp", "bottle", "socketio", "connexion", "faststream"}
)

# A text without any of these is not parsed, unless its name says that it starts something.
_TELLING_WORDS = (
    *("FastAPI", "Starlette", "Starlite", "Litestar", "Quart", "blacksheep", "asgi", "wsgi", "WSGI", "ASGI", "falcon"),
    *("Flask", "Bottle", "Sanic", "Robyn", "Dash", "nicegui", "aiohttp", "tornado", "mcp", "Celery", "faust", "uey"),
    *(
        "FastStream",
        "grpc",
        "socketio",
        "connexion",
        "Playground",
        "pyramid",
        "streamlit",
        "gradio",
        "pywebio",
        "GraphQL",
        "arq",
    ),
    *("uvicorn", "hypercorn", "granian", "waitress", "werkzeug", "cheroot", "gevent", "eventlet", "websockets"),
    *(
        "execute_from_command_line",
        "HTTPServer",
        "TCPServer",
        "UDPServer",
        "UnixStreamServer",
        "XMLRPC",
        "wsgiref",
        "start_server",
        "run_worker",
        "serve_forever",
    ),
    *("receive, ", "start_response"),
    *("import rq", "from rq", "dramatiq", "functions_framework", "get_app("),
    *("\napp =", "\napplication =", "\napi =", "\napp:"),
)


def may_tell(text: str) -> bool:
    """Whether the text of a Python file may say something about services; cheap, and never wrong about a no."""
    return any(word in text for word in _TELLING_WORDS)


def builder_of(dotted: str, is_imported: bool) -> Framework | None:
    """Return the framework whose application a call builds. `dotted` is the callee with imports followed."""
    top, _, rest = dotted.partition(".")
    last = dotted.rpartition(".")[2]
    found = _BUILDERS.get((top, last)) if rest else None
    if found is None and (not is_imported or not rest):
        return _TELLING.get(last) if "." not in dotted else None
    if found is None:
        # Frameworks are often passed on: `from shared.web import FastAPI`.
        return _TELLING.get(last) if last in ("FastAPI", "Flask", "FastMCP") else None
    if top == "mcp" and last == "Server" and ".server" not in dotted:
        return None
    if (top == "tornado" and ".web" not in dotted) or (top == "aiohttp" and ".web" not in dotted):
        return None
    return found


def server_of(dotted: str) -> str | None:
    """Return the word for what serves when this is called, None when nothing does."""
    top, _, rest = dotted.partition(".")
    return _SERVERS.get((top, dotted.rpartition(".")[2])) if rest else None
