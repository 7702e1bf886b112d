"""From all that was found to the services of a settings file: one for each program, however many files name it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.documents.dockerfile import Reader
from sophia_cli.project.discovery.find import Discovery
from sophia_cli.project.discovery.homes import Home, home_of
from sophia_cli.project.discovery.model import Doubt, Entry, Form, Listening, Proposal
from sophia_cli.project.discovery.naming import candidates, has_own_name, unique
from sophia_cli.project.discovery.ports import USUAL_PORTS, with_ports
from sophia_cli.project.discovery.served import served
from sophia_cli.project.discovery.settled import arguments_of, script_start, settled
from sophia_cli.project.discovery.variables import with_variables

_SERVES = re.compile(r"uvicorn|gunicorn|hypercorn|granian|daphne|fastapi|flask|waitress")
_BUILT = (Form.APP, Form.FACTORY, Form.ATTRIBUTE)
_CODE = (*_BUILT, Form.SCRIPT, Form.RUNNER, Form.WORKER, Form.CONSOLE_SCRIPT, Form.FUNCTION)
_DOCUMENTS = (Form.PROCFILE, Form.COMPOSE, Form.UNIT, Form.MANIFEST, Form.DOCKERFILE, Form.NODE, Form.TASK)
_LISTENING_BY_ITSELF = frozenset({"grpc"})
_TOLD = frozenset({"flask", "streamlit"})
_HANDED = frozenset({"gunicorn", "hypercorn", "uvicorn"})
_RANK = {form: rank for rank, form in enumerate((*_CODE, *_DOCUMENTS))}


def _nothing(_: str) -> str | None:
    return None


def propose(found: Discovery, read: Reader = _nothing) -> tuple[Proposal, ...]:
    """Return the services, those that can be switched on first, each part sorted by where its best evidence stands.

    `read` gives the text of `.env`, for the names of what a compose file hands on from there and what code asks for.
    """
    proposals = [_proposal(part, found) for entries in _groups(found.entries) for part in _parts(entries)]
    proposals.sort(key=lambda proposal: (proposal.doubt is not None, _place(proposal)))
    return with_variables(_with_dependencies(with_ports(_named(proposals))), found.places.files, read)


def _named(proposals: Sequence[Proposal]) -> list[Proposal]:
    # What a file calls a service is given away before what paths make of others.
    order = sorted(proposals, key=lambda p: (p.doubt is not None, not has_own_name(p.entries), _place(p)))
    taken: set[str] = set()
    names: dict[int, str] = {}
    for proposal in order:
        name = unique(candidates(proposal.entries), taken)
        taken.add(name)
        names[id(proposal)] = name
    return [replace(proposal, name=names[id(proposal)]) for proposal in proposals]


def _place(proposal: Proposal) -> tuple[str, int]:
    return proposal.entries[0].path, proposal.entries[0].line


def _with_dependencies(proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Return the services with what compose files say that they wait for, without what would close a circle."""
    by_name = {
        (entry.path, entry.name): proposal.name
        for proposal in proposals
        if proposal.doubt is None
        for entry in proposal.entries
        if entry.form is Form.COMPOSE
    }
    waits: dict[str, list[str]] = {proposal.name: [] for proposal in proposals}
    for proposal in proposals:
        if proposal.doubt is not None:
            continue
        for entry in proposal.entries:
            for name in entry.depends_on:
                other = by_name.get((entry.path, name))
                if other is not None and not _reaches(other, proposal.name, waits):
                    waits[proposal.name].append(other)
    return tuple(replace(p, depends_on=tuple(dict.fromkeys(waits[p.name]))) for p in proposals)


def _reaches(start: str, goal: str, waits: dict[str, list[str]]) -> bool:
    pending, seen = [start], set()
    while pending:
        name = pending.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            pending += waits[name]
    return False


def _groups(entries: Sequence[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries in groups that start the same file, each from the best evidence to the least."""
    parents: dict[object, object] = {}

    def top(key: object) -> object:
        while parents.setdefault(key, key) != key:
            key = parents[key]
        return key

    for entry in entries:
        for key in _keys(entry):
            parents[top(key)] = top(_own(entry))
    groups: dict[object, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(top(_own(entry)), []).append(entry)
    return [tuple(sorted(group, key=_order)) for group in groups.values()]


def _parts(entries: tuple[Entry, ...]) -> list[tuple[Entry, ...]]:
    """Return a group in parts where one document starts the same file in several ways: an API, a worker, a timer."""
    ways: dict[tuple[str, Form], dict[tuple[str, ...], list[Entry]]] = {}
    for entry in entries:
        if entry.form in (Form.COMPOSE, Form.PROCFILE):
            ways.setdefault((entry.path, entry.form), {}).setdefault(_way(entry), []).append(entry)
    apart: list[tuple[Entry, ...]] = []
    for found in ways.values():
        # The way that serves stays with the code; with none the one that works, else the first.
        order = sorted(found, key=lambda way: (not _SERVES.search(way[0] if way else ""), "worker" not in way))
        apart += [tuple(found[way]) for way in order[1:]]
    gone = {id(entry) for part in apart for entry in part}
    return [tuple(entry for entry in entries if id(entry) not in gone), *apart]


def _way(entry: Entry) -> tuple[str, ...]:
    """Return what tells one way to start a file from another: the command without addresses and counts."""
    program = entry.words[0].rpartition("/")[2] if entry.words else ""
    if _SERVES.search(program):
        return (program,)
    return (program, *(word for word in entry.words[1:] if not word.startswith("-") and not word.isdigit()))


def _own(entry: Entry) -> object:
    """Return what an entry stands for by itself: its file where that is code, else its line."""
    return entry.path if entry.form in _CODE else (entry.path, entry.line, entry.name)


def _keys(entry: Entry) -> Iterable[object]:
    if entry.form in _CODE:
        if entry.framework != "django":
            return entry.starts
        # `manage.py` lies above the folder that `wsgi.py` and `asgi.py` lie in.
        folder = entry.path.rpartition("/")[0]
        return (*entry.starts, ("django", folder.rpartition("/")[0] if entry.form is Form.APP else folder))
    if entry.starts:
        return entry.starts[:1]
    # An image and the program of another language that it holds lie in one folder.
    return [("folder", entry.folder)] if entry.doubt is Doubt.NOT_PYTHON and entry.folder else []


def _order(entry: Entry) -> tuple[bool, bool, int, str, int]:
    return (entry.doubt is Doubt.SET_ASIDE, entry.attribute is None, _RANK[entry.form], entry.path, entry.line)


def _proposal(entries: tuple[Entry, ...], found: Discovery) -> Proposal:
    first = entries[0]
    blank = Proposal("", entries)
    named = tuple(word.partition(":")[0] for entry in entries for word in entry.words)
    aside = Doubt.SET_ASIDE if first.doubt is Doubt.SET_ASIDE else None
    code = [entry for entry in entries if entry.form in _CODE]
    stdio = Doubt.STDIO if code and all(entry.doubt is Doubt.STDIO for entry in code) else None
    for entry in entries:
        file = found.code.get(entry.path)
        home = home_of(file, found.places, named) if file is not None and entry.form in _CODE else None
        started = _from_code(blank, entry, file, home, found)
        if started is not None:
            probe = _probe(entries, entry, file)
            compiles = file is None or file.facts.compiles
            return replace(
                started,
                doubt=aside or stdio,
                probe=probe,
                compiles=compiles,
                listening=_listening(started, entry, file),
            )
    for entry in entries:
        if entry.words and entry.starts and entry.form not in _CODE:
            words, folder = settled(entry.words, entry.starts, entry.folder, found.places)
            return replace(blank, words=words, cwd=folder, doubt=aside)
    with_words = next((entry for entry in entries if entry.words), first)
    doubt = aside or next((entry.doubt for entry in entries if entry.doubt is not None), Doubt.NOTHING_STARTS_IT)
    return replace(blank, words=with_words.words, cwd=with_words.folder, doubt=doubt)


def _listening(started: Proposal, entry: Entry, file: CodeFile | None) -> Listening:
    if entry.framework in _LISTENING_BY_ITSELF:
        return Listening.ITSELF
    if started.app is not None or file is None or started.words[0] in _HANDED or file.facts.reads_port:
        return Listening.ANY
    if started.words[0] in _TOLD or file.facts.port_option:
        return Listening.OPTION
    # Where the code does not say, it may well be told in a way that cannot be seen.
    is_said = entry.framework in USUAL_PORTS or any(call.port is not None for call in file.facts.calls)
    return Listening.FIXED if is_said else Listening.ANY


def _probe(entries: Sequence[Entry], entry: Entry, file: CodeFile | None) -> str | None:
    """Return the path that tells whether a service is well: that of its health check, else a route of the app."""
    is_app = entry.attribute is not None or entry.form is Form.APP
    own = file.facts.probe if file is not None and is_app else None
    checked = next((other.probe for other in entries if other.probe is not None), None)
    return own or (checked if checked != "/" else None)


def _from_code(
    blank: Proposal, entry: Entry, file: CodeFile | None, home: Home | None, found: Discovery
) -> Proposal | None:
    """Return how a Python file is started, None where it cannot be by itself."""
    if file is None or entry.form not in _CODE:
        return None
    documents = [other for other in blank.entries if other.form in _DOCUMENTS and other.starts and other.words]
    if entry.framework == "celery" and home is not None:
        for other in documents:
            if "celery" in other.words[0]:
                words, folder = settled(other.words, other.starts, other.folder, found.places)
                return replace(blank, words=words, cwd=folder)
        return replace(blank, words=("celery", "-A", home.module, "worker"), cwd=home.folder)
    if entry.framework == "dramatiq" and home is not None:
        return replace(blank, words=("dramatiq", home.module), cwd=home.folder)
    if entry.framework == "arq" and entry.words and home is not None:
        return replace(blank, words=("arq", f"{home.module}.WorkerSettings"), cwd=home.folder)
    if entry.framework == "streamlit":
        return replace(blank, words=entry.words)
    if entry.attribute is not None and home is not None:
        return served(blank, file, entry, home, found)
    if entry.caller is not None and home is not None:
        code = f"from {home.module} import {entry.caller}; {entry.caller}()"
        return replace(blank, words=("python", "-c", code), cwd=home.folder)
    if file.is_started and entry.doubt in (None, Doubt.SET_ASIDE, Doubt.STDIO, Doubt.NEEDS_ARGUMENTS):
        given = next((words for other in documents if (words := arguments_of(other.words))), ())
        if home is None or home.is_own:
            words, folder = script_start(file.path, found.places)
            return replace(blank, words=(*words, *given), cwd=folder)
        return replace(blank, words=("python", "-m", home.module, *given), cwd=home.folder)
    if entry.form is Form.CONSOLE_SCRIPT and home is not None:
        function = next((name for name, line in file.facts.functions if line == entry.line), "main")
        code = f"from {home.module} import {function}; {function}()"
        return replace(blank, words=("python", "-c", code), cwd=home.folder)
    return None
