"""From scripts to what can be started: console scripts, runners and workers that no framework gives away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.documents.console_scripts import ConsoleScript
from sophia_cli.project.discovery.documents.tasks import Task
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places

_SERVER_WORDS = frozenset(
    {"server", "servers", "serve", "mcp", "api", "gateway", "service", "daemon", "httpd", "backend", "web", "webhook"}
)
_WORKER_WORDS = frozenset(
    {"worker", "workers", "consumer", "listener", "subscriber", "scheduler", "daemon", "bot", "poller", "watcher"}
    | {"processor", "queue", "ingest", "crawler", "relay", "beat"}
)
# With a loop of its own, a script that is called so is a worker too.
_WORK_VERBS = frozenset({"poll", "watch", "consume", "listen", "subscribe", "cron", "sync", "monitor", "loop"})
# Ports below are only for images and administrators.
_FIRST_FREE = 1024
_START_WORDS = frozenset({"run", "start", "launch", "serve", "main"})
# Names of files that leave it to their folder to say what they are.
_PLAIN_WORDS = frozenset({"main", "run", "app", "start", "init", "cli", "index", "service"})
_NOT_SERVICES = frozenset(
    {
        "wait",
        "test",
        "tests",
        "check",
        "client",
        "setup",
        "install",
        "deploy",
        "migrate",
        "benchmark",
        "bench",
        "example",
    }
    | {"demo", "validate", "verify", "debug", "generate", "stop", "kill", "monitoring"}
)
_LONG_WORDS = ("worker", "consumer", "listener", "scheduler", "daemon", "server", "poller", "watcher", "subscriber")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def sounds_like_starting(path: str) -> bool:
    """Whether the name of a script says that it starts something that goes on."""
    return bool(_words_of(path.rpartition("/")[2]) & (_SERVER_WORDS | _WORKER_WORDS | _START_WORDS))


def console_entry(
    file: CodeFile, script: ConsoleScript, files: Mapping[str, CodeFile], places: Places
) -> Iterator[Entry]:
    """Yield the function behind a command, where its name or what it imports says that it starts a server."""
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


def runner_entry(
    file: CodeFile, files: Mapping[str, CodeFile], found: Mapping[str, Sequence[Entry]], places: Places
) -> Iterator[Entry]:
    """Yield a script that runs until it is stopped, or that starts a server of another file."""
    facts = file.facts
    if (not file.is_started) or facts.asks:
        return
    stem = _words_of(file.path.rpartition("/")[2].removesuffix(".py"))
    if stem & _NOT_SERVICES:
        return
    folder = _words_of(file.folder.rpartition("/")[2])
    near = stem | folder
    reached = [path for path in _imported_files(file, places) if path != file.path]
    starting = [path for path in reached if any(_is_startable(entry) for entry in found.get(path, ()))]
    serving = [path for path in reached if path in files and any(not c.is_stdio for c in files[path].facts.calls)]
    if is_group(file):
        # One of several commands may serve; without its name the others' help is printed.
        starting, serving = [], []
    looping = facts.loops or any(path in files and files[path].facts.loops for path in reached)
    is_plain = stem <= _PLAIN_WORDS and not folder & _NOT_SERVICES
    is_named_worker = bool(stem & _WORKER_WORDS) or (("run" in stem or is_plain) and bool(near & _WORKER_WORDS))
    is_named_server = bool(stem & _SERVER_WORDS)
    is_starter = bool(stem & _START_WORDS)
    is_server = (is_named_server and (facts.loops or starting)) or (is_starter and (starting or serving))
    is_doing = bool(stem & _WORK_VERBS) and facts.loops
    is_worker = (looping and (is_named_worker or facts.works)) or is_doing
    if not is_server and not is_worker:
        return
    line = facts.main_line or facts.script_line or 1
    is_mcp = "mcp" in _words_of(file.path)
    yield Entry(
        path=file.path,
        line=line,
        form=Form.WORKER if is_worker and not (is_server and is_named_server) else Form.RUNNER,
        text=file.text(line),
        framework="mcp" if is_mcp and not is_worker else "",
        starts=(*starting[:1], file.path),
        port=next((call.port for path in serving for call in files[path].facts.calls if call.port), None),
    )


def with_tasks(entries: Iterable[Entry], tasks: Iterable[Task], files: Mapping[str, CodeFile]) -> list[Entry]:
    """Return the entries with what tasks tell beside them: a port, and scripts that go on under names of all kinds."""
    known = list(entries)
    for task in tasks:
        path = task.started.files[0]
        near = [index for index, entry in enumerate(known) if path in entry.starts]
        if near:
            if task.started.port and not any((known[index].port or 0) >= _FIRST_FREE for index in near):
                known[near[0]] = replace(known[near[0]], port=task.started.port)
            continue
        file = files.get(path)
        if file is None or not file.is_started or not file.facts.loops or file.facts.asks:
            continue
        known.append(
            Entry(
                path=task.path,
                line=task.line,
                form=Form.TASK,
                text=task.text,
                framework="",
                name=task.name,
                words=task.started.words,
                folder=task.folder,
                starts=task.started.files,
                port=task.started.port,
            )
        )
    return known


def _is_startable(entry: Entry) -> bool:
    """Whether a script that imports this can start it: not a factory that needs what cannot be told."""
    return entry.form is not Form.FACTORY or bool(entry.attribute) or entry.doubt is Doubt.NOTHING_STARTS_IT


def is_group(file: CodeFile) -> bool:
    """Whether a script has several commands, one of which has to be named."""
    return any(word in line for line in file.lines for word in ("add_subparsers(", ".group(", "Typer("))


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


def _words_of(text: str) -> frozenset[str]:
    """Return the words of a name in small letters: `mail`, `worker` of `MailWorker`, `mail_worker` and `mailworker`."""
    words = {word.lower() for word in _WORDS.findall(text)}
    ends = {end for word in words for end in _LONG_WORDS if word.endswith((end, end + "s")) and word != end}
    return frozenset(words | ends)
