"""From what Python files say to what can be started: applications, scripts, runners, workers, console scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.documents.console_scripts import ConsoleScript
from sophia_cli.project.discovery.from_scripts import console_entry, runner_entry, script_files
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places
from sophia_cli.project.discovery.python.facts import BuiltApp, MadeElsewhere, Place, ServeCall
from sophia_cli.project.discovery.python.frameworks import WORKER_SERVERS, Interface

# What serves applications of others; a call of these is telling wherever it stands.
_APP_SERVERS = frozenset({"uvicorn", "hypercorn", "granian", "waitress", "streamlit"})


def code_entries(
    files: Mapping[str, CodeFile], scripts: Iterable[tuple[str, ConsoleScript]], places: Places
) -> tuple[Entry, ...]:
    """Return what the files start, given the console scripts with the folders of the documents that declare them."""
    found: dict[str, list[Entry]] = {path: list(_own_entries(file, files, places)) for path, file in files.items()}
    for folder, script in scripts:
        for path in script_files(folder, script, places):
            file = files.get(path)
            if file is not None and not found[path]:
                found[path] += console_entry(file, script, files, places)
            elif file is not None and script.function in dict(file.facts.functions) and file.facts.calls:
                found[path] = [_called(entry, script) for entry in found[path]]
    for path, file in files.items():
        if not found[path]:
            found[path] += runner_entry(file, files, found, places)
    return tuple(entry for path in sorted(found) for entry in found[path])


def _called(entry: Entry, script: ConsoleScript) -> Entry:
    """Return an entry that nothing of its file starts with the function that a command calls."""
    if entry.doubt is not Doubt.NOTHING_STARTS_IT:
        return entry
    return replace(entry, doubt=None, caller=script.function, name=script.name)


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
        is_worker = word in ("dramatiq", "arq")
        yield Entry(
            path=file.path,
            line=line,
            form=Form.WORKER if is_worker else Form.FUNCTION,
            text=file.text(line),
            framework=word,
            words=(word, file.path) if is_worker else (),
            starts=(file.path,),
            doubt=None if is_worker else Doubt.FUNCTION,
        )
        return
    is_reachable = file.is_started
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
        facts = files[path].facts if path in files else None
        for app in (*facts.apps, *facts.classes) if facts is not None else ():
            if app.place in (Place.FACTORY, Place.CLASS) and app.name == made.function and path != file.path:
                entry = _app_entry(file, BuiltApp(app.framework, Place.MODULE, made.name, made.line))
                return replace(entry, starts=(path, file.path))
    return None


def _app_entry(file: CodeFile, app: BuiltApp) -> Entry:
    framework = app.framework
    calls = file.facts.calls
    port = next((call.port for call in calls if call.port is not None), app.port)
    processes = next((call.workers for call in calls if call.workers is not None), None)
    doubt = None
    attribute: str | None = app.name
    if app.place is Place.FACTORY:
        attribute = None if app.needs_arguments else f"{app.name}()"
        doubt = Doubt.NEEDS_ARGUMENTS if app.needs_arguments else None
    elif app.place is Place.SELF:
        attribute = None
    is_script = bool(calls) and file.is_started
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
        processes=processes,
    )


def _serving_entry(file: CodeFile, calls: Sequence[ServeCall], files: Mapping[str, CodeFile], places: Places) -> Entry:
    call = next((call for call in calls if not call.is_stdio), calls[0])
    starts = [path for path in _targets(file, call.target, places) if path in files and path != file.path]
    starts_app = [path for path in starts if files[path].facts.apps]
    is_worker = call.server in WORKER_SERVERS
    is_started = file.is_started or call.server == "streamlit"
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
        processes=call.workers,
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
