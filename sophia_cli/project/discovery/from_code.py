"""From what Python files say to what can be started: applications, scripts, runners, workers, console scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sophia_cli.project.discovery.console_scripts import ConsoleScript
from sophia_cli.project.discovery.frameworks import WORKER_SERVERS, Interface
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places
from sophia_cli.project.discovery.python_facts import BuiltApp, MadeElsewhere, Place, PythonFacts, ServeCall

_SERVER_WORDS = frozenset(
    {"server", "servers", "serve", "mcp", "api", "gateway", "service", "daemon", "httpd", "backend", "web", "webhook"}
)
_WORKER_WORDS = frozenset(
    {"worker", "workers", "consumer", "listener", "subscriber", "scheduler", "daemon", "bot", "poller", "watcher"}
    | {"processor", "queue", "ingest", "crawler", "relay", "beat"}
)
# What serves applications of others; a call of these is telling wherever it stands.
_APP_SERVERS = frozenset({"uvicorn", "hypercorn", "granian", "waitress", "streamlit"})
_START_WORDS = frozenset({"run", "start", "launch", "serve", "main"})
_NOT_SERVICES = frozenset(
    {"test", "tests", "check", "client", "setup", "install", "deploy", "migrate", "benchmark", "bench", "example"}
    | {"demo", "validate", "verify", "debug", "generate", "stop", "kill", "monitoring"}
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A Python file: its path, its text by lines, and what it says."""

    path: str
    lines: Sequence[str]
    facts: PythonFacts

    def text(self, line: int) -> str:
        """Return a line of the file."""
        return self.lines[line - 1].strip() if line <= len(self.lines) else ""

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return self.path.rpartition("/")[0]


def sounds_like_starting(path: str) -> bool:
    """Whether the name of a script says that it starts something that goes on."""
    return bool(_words_of(path.rpartition("/")[2]) & (_SERVER_WORDS | _WORKER_WORDS | _START_WORDS))


def code_entries(
    files: Mapping[str, CodeFile], scripts: Iterable[tuple[str, ConsoleScript]], places: Places
) -> tuple[Entry, ...]:
    """Return what the files start, given the console scripts with the folders of the documents that declare them."""
    found: dict[str, list[Entry]] = {path: list(_own_entries(file, files, places)) for path, file in files.items()}
    for folder, script in scripts:
        for path in script_files(folder, script, places):
            file = files.get(path)
            if file is not None and not found[path]:
                found[path] += _console_entry(file, script, files, places)
    for path, file in files.items():
        if not found[path]:
            found[path] += _runner_entry(file, files, found, places)
    return tuple(entry for path in sorted(found) for entry in found[path])


def _own_entries(file: CodeFile, files: Mapping[str, CodeFile], places: Places) -> Iterator[Entry]:
    """Yield the applications of a file; where it has none, its first call that serves."""
    facts = file.facts
    built = [app for app in facts.apps if app.place in (Place.MODULE, Place.SELF, Place.FACTORY)]
    if built:
        yield from _app_entries(file, built)
        return
    for made in facts.made:
        entry = _made_entry(file, made, files, places)
        if entry is not None:
            yield entry
            return
    for word, line in facts.actors[:1]:
        is_worker = word == "dramatiq"
        yield Entry(
            path=file.path,
            line=line,
            form=Form.WORKER if is_worker else Form.FUNCTION,
            text=file.text(line),
            framework=word,
            words=("dramatiq", file.path) if is_worker else (),
            starts=(file.path,),
            doubt=None if is_worker else Doubt.FUNCTION,
        )
        return
    is_reachable = facts.main_line is not None or _is_main_file(file.path)
    if all(call.server == "streamlit" for call in facts.calls) and "/pages/" in f"/{file.path}":
        return
    if facts.calls and (is_reachable or any(call.server in _APP_SERVERS for call in facts.calls)):
        yield _serving_entry(file, facts.calls, files, places)


def _app_entries(file: CodeFile, built: Sequence[BuiltApp]) -> Iterator[Entry]:
    """Yield the applications of a file, one that a function of the file makes once: as its factory."""
    factories = [app for app in built if app.place is Place.FACTORY]
    for app in built:
        if app.place is Place.FACTORY:
            variable = next((v for v in built if v.place is Place.MODULE and v.is_made), None)
            entry = _app_entry(file, app)
            yield entry if variable is None else replace(entry, attribute=variable.name, doubt=None)
        elif not (app.is_made and factories):
            yield _app_entry(file, app)


def _made_entry(file: CodeFile, made: MadeElsewhere, files: Mapping[str, CodeFile], places: Places) -> Entry | None:
    """Return the application that a factory of another file makes for a variable of this one."""
    for path in places.imported(made.module, made.level, file.folder):
        for app in files[path].facts.apps if path in files else ():
            if app.place is Place.FACTORY and app.name == made.function and path != file.path:
                entry = _app_entry(file, BuiltApp(app.framework, Place.MODULE, made.name, made.line))
                return replace(entry, starts=(path, file.path))
    return None


def _app_entry(file: CodeFile, app: BuiltApp) -> Entry:
    framework = app.framework
    calls = file.facts.calls
    port = next((call.port for call in calls if call.port is not None), app.port)
    doubt = None
    attribute: str | None = app.name
    if app.place is Place.FACTORY:
        attribute = None if app.needs_arguments else f"{app.name}()"
        doubt = Doubt.NEEDS_ARGUMENTS if app.needs_arguments else None
    elif app.place is Place.SELF:
        attribute = None
    is_script = bool(calls) and file.facts.main_line is not None
    if framework.interface is Interface.OWN:
        attribute = None
    if attribute is None and not framework.is_worker and not is_script and doubt is None:
        doubt = Doubt.NOTHING_STARTS_IT
    if calls and all(call.is_stdio for call in calls):
        doubt = Doubt.STDIO
    words = ("celery", "-A", file.path, "worker") if framework.name == "celery" else ()
    form = {Place.FACTORY: Form.FACTORY, Place.SELF: Form.ATTRIBUTE}.get(app.place, Form.APP)
    return Entry(
        path=file.path,
        line=app.line,
        form=Form.WORKER if framework.is_worker else form,
        text=file.text(app.line),
        framework=framework.name,
        attribute=attribute,
        words=words,
        starts=(file.path,),
        port=port,
        doubt=doubt,
    )


def _serving_entry(file: CodeFile, calls: Sequence[ServeCall], files: Mapping[str, CodeFile], places: Places) -> Entry:
    call = next((call for call in calls if not call.is_stdio), calls[0])
    starts = [path for path in _targets(file, call.target, places) if path in files and path != file.path]
    starts_app = [path for path in starts if files[path].facts.apps]
    is_worker = call.server in WORKER_SERVERS
    is_started = file.facts.main_line is not None or _is_main_file(file.path) or call.server == "streamlit"
    doubt = None if is_started else Doubt.NOTHING_STARTS_IT
    return Entry(
        path=file.path,
        line=call.line,
        form=Form.WORKER if is_worker else Form.SCRIPT,
        text=file.text(call.line),
        framework=call.server,
        words=("streamlit", "run", file.path) if call.server == "streamlit" else (),
        starts=(*starts_app[:1], file.path),
        port=call.port,
        doubt=Doubt.STDIO if call.is_stdio else doubt,
    )


def _targets(file: CodeFile, target: str, places: Places) -> Iterator[str]:
    """Yield the files that may hold what a call serves: `module:name`, or a name that the file imports."""
    module, colon, _ = target.partition(":")
    if colon:
        yield from places.modules(module, file.folder)
        return
    level = len(target) - len(target.lstrip("."))
    dotted = target.lstrip(".")
    while "." in dotted:
        dotted = dotted.rpartition(".")[0]
        found = places.imported(dotted, level, file.folder)
        if found:
            yield from found
            return


def _console_entry(
    file: CodeFile, script: ConsoleScript, files: Mapping[str, CodeFile], places: Places
) -> Iterator[Entry]:
    line = dict(file.facts.functions).get(script.function)
    if line is None:
        return
    words = _words_of(script.name) | _words_of(file.path)
    reached = [path for path in _imported_files(file, places) if path in files and files[path].facts.serves]
    if not (words & (_SERVER_WORDS | _WORKER_WORDS)) or _words_of(script.name) & _NOT_SERVICES:
        return
    if not (file.facts.serves or reached or _words_of(script.name) & (_SERVER_WORDS | _WORKER_WORDS)):
        return
    yield Entry(
        path=file.path,
        line=line,
        form=Form.CONSOLE_SCRIPT,
        text=file.text(line),
        name=script.name,
        starts=(file.path,),
        port=None,
    )


def _runner_entry(
    file: CodeFile, files: Mapping[str, CodeFile], found: Mapping[str, Sequence[Entry]], places: Places
) -> Iterator[Entry]:
    """Yield a script that runs until it is stopped, or that starts a server of another file."""
    facts = file.facts
    if (facts.main_line is None and not _is_main_file(file.path)) or facts.asks:
        return
    stem = _words_of(file.path.rpartition("/")[2].removesuffix(".py"))
    if stem & _NOT_SERVICES:
        return
    near = stem | _words_of(file.folder.rpartition("/")[2])
    reached = [path for path in _imported_files(file, places) if path != file.path]
    starting = [
        path
        for path in reached
        if any(entry.form is not Form.FACTORY or entry.attribute for entry in found.get(path, ()))
    ]
    looping = facts.loops or any(path in files and files[path].facts.loops for path in reached)
    is_named_worker = bool(stem & _WORKER_WORDS) or ("run" in stem and bool(near & _WORKER_WORDS))
    is_named_server = bool(stem & _SERVER_WORDS)
    is_starter = bool(stem & _START_WORDS)
    is_server = (is_named_server and (facts.loops or starting)) or (is_starter and starting)
    if not is_server and not (is_named_worker and looping):
        return
    line = facts.main_line or 1
    is_mcp = "mcp" in _words_of(file.path)
    yield Entry(
        path=file.path,
        line=line,
        form=Form.WORKER if is_named_worker and not is_named_server else Form.RUNNER,
        text=file.text(line),
        framework="mcp" if is_mcp and not is_named_worker else "",
        starts=(*starting[:1], file.path),
    )


def _imported_files(file: CodeFile, places: Places) -> Iterator[str]:
    for item in file.facts.imports:
        inner = f"{item.module}.{item.name}".strip(".") if item.name else item.module
        if not inner:
            continue
        paths = places.imported(inner, item.level, file.folder) if item.name else ()
        if not paths and item.module:
            paths = places.imported(item.module, item.level, file.folder)
        yield from paths


def script_files(folder: str, script: ConsoleScript, places: Places) -> Iterator[str]:
    """Yield the files that may hold the function of a console script that a document in `folder` declares."""
    below = script.module.replace(".", "/") + ".py"
    bases = (folder, f"{folder}/src".strip("/"), folder.rpartition("/")[0])
    for base in dict.fromkeys(bases):
        path = f"{base}/{below}" if base else below
        if path in places.files:
            yield path


def _is_main_file(path: str) -> bool:
    return path.endswith("__main__.py")


def _words_of(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(text))
