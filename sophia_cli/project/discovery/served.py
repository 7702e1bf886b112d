"""How an application is served: by uvicorn, or by the server that its project has in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.documents.server_packages import servers_near
from sophia_cli.project.discovery.find import Discovery
from sophia_cli.project.discovery.homes import Home
from sophia_cli.project.discovery.model import Entry, Proposal
from sophia_cli.project.discovery.settled import script_start

_WORKERS = frozenset({"-w", "--workers", "--threads", "-k", "--worker-class"})
_COUNTS = frozenset({"-w", "--workers"})
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "fastapi"})
_WSGI = frozenset({"flask", "bottle", "falcon", "wsgi"})


def served(blank: Proposal, file: CodeFile, entry: Entry, home: Home, found: Discovery) -> Proposal:
    """Return how an application is started: `app`, which needs uvicorn among the project's packages.

    Where lists of requirements name none, a server that they name serves it, else a WSGI application's own script or
    command. With no list at all nothing is known, and `app` it is. The processes that a server was told to have become
    replicas.
    """
    proposal = _chosen(blank, file, entry, home, found)
    return proposal if proposal.app is None else replace(proposal, replicas=_processes(blank))


def _chosen(blank: Proposal, file: CodeFile, entry: Entry, home: Home, found: Discovery) -> Proposal:
    app = f"{home.module}:{entry.attribute}"
    servers = servers_near(file.folder, found.servers)
    if file.is_started and any(item.module.startswith("flask_socketio") for item in file.facts.imports):
        # Its own server knows the protocol that the application alone does not.
        return _script(blank, file, home, found)
    is_wsgi = entry.framework in _WSGI
    if servers is None or "uvicorn" in servers:
        return replace(blank, app=app, cwd=home.folder)
    if entry.framework == "django":
        return _django(blank, app, home, servers, found)
    if is_wsgi and "gunicorn" in servers:
        return replace(blank, words=("gunicorn", app, *_workers(blank, "gunicorn")), cwd=home.folder)
    if not is_wsgi and "hypercorn" in servers and not app.endswith("()"):
        return replace(blank, words=("hypercorn", app, *_workers(blank, "hypercorn")), cwd=home.folder)
    if not is_wsgi:
        return replace(blank, app=app, cwd=home.folder)
    if file.is_started and file.facts.calls:
        return _script(blank, file, home, found)
    if entry.framework == "flask":
        return replace(blank, words=("flask", "--app", app, "run"), cwd=home.folder)
    return replace(blank, app=app, cwd=home.folder)


def _workers(blank: Proposal, server: str) -> tuple[str, ...]:
    """Return the options about workers that a document gives to a server, for the command that takes its place."""
    for entry in blank.entries:
        if server in entry.words and (kept := tuple(_kept(entry.words))):
            return kept
    return ()


def _options(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        yield name, value if equals else next(words, "")


def _kept(words: Sequence[str]) -> Iterator[str]:
    for word, following in zip(words, (*words[1:], ""), strict=True):
        name, equals, value = word.partition("=")
        if name in _WORKERS and not (value if equals else following).startswith(("$", "-")):
            yield word
            if not equals:
                yield following


def _processes(blank: Proposal) -> int:
    """Return how many processes the first document that says so gives to a server, else the code; one without."""
    for entry in blank.entries:
        if not _SERVERS.isdisjoint(entry.words):
            for option, value in _options(_kept(entry.words)):
                if option in _COUNTS and value.isdigit() and int(value) > 0:
                    return int(value)
    return next((entry.processes for entry in blank.entries if entry.processes is not None), 1)


def _script(blank: Proposal, file: CodeFile, home: Home, found: Discovery) -> Proposal:
    words, folder = script_start(file.path, found.places)
    if home.is_own:
        return replace(blank, words=words, cwd=folder)
    return replace(blank, words=("python", "-m", home.module), cwd=home.folder)


def _django(blank: Proposal, app: str, home: Home, servers: frozenset[str], found: Discovery) -> Proposal:
    """Return how a Django project without uvicorn is served: by gunicorn, else by its own command."""
    module = f"{home.module.rpartition('.')[0]}.wsgi".lstrip(".")
    path = f"{home.folder}/{module.replace('.', '/')}.py".lstrip("/")
    if "gunicorn" in servers and path in found.places.files:
        words = ("gunicorn", f"{module}:application", *_workers(blank, "gunicorn"))
        return replace(blank, words=words, cwd=home.folder)
    if f"{home.folder}/manage.py".lstrip("/") in found.places.files:
        return replace(blank, words=("python", "manage.py", "runserver"), cwd=home.folder)
    return replace(blank, app=app, cwd=home.folder)
