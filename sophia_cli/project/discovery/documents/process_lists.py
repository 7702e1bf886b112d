"""Commands in documents: Procfile, units of systemd and supervisord, `package.json`, manifests of MCP servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.documents.command_line import split_words, started_by
from sophia_cli.project.discovery.documents.yaml_lines import read_yaml, scalar
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places

_PROCESS = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)")
_EXEC_START = re.compile(r"ExecStart\s*=\s*[-@:+!]*(\S.*)")
_WORKING = re.compile(r"^WorkingDirectory\s*=\s*(\S+)", re.MULTILINE)
_SECTION = re.compile(r"\s*\[(?:program:([^\]]+))?")
_COMMAND = re.compile(r"command\s*=\s*(\S.*)")
_STARTS = re.compile(r'"start"\s*:')
_SERVER = re.compile(
    r"node\s|nodemon|ts-node|tsx\s|next start|nest start|nuxt start|bun\s|deno\s|serve\s|http-server|fastify"
)
_RELEASE = frozenset({"release"})


def is_document(path: str) -> bool:
    """Whether a file is one of these documents by its name."""
    name = path.rpartition("/")[2]
    return (
        name in ("package.json", "mcp.json", ".mcp.json")
        or name.split(".")[0] in ("Procfile",)
        or name.endswith(".service")
        or _is_supervisor(name)
        or is_manifest(path)
    )


def is_manifest(path: str) -> bool:
    """Whether a file may describe MCP servers."""
    return "mcp" in path.lower() and path.endswith((".json", ".yaml", ".yml"))


def document_entries(path: str, text: str, places: Places) -> Iterator[Entry]:
    """Yield what a document starts; nothing for one that cannot be read."""
    name = path.rpartition("/")[2]
    if name.split(".")[0] == "Procfile":
        yield from _procfile(path, text, places)
    elif name.endswith(".service"):
        yield from _unit(path, text, places)
    elif _is_supervisor(name):
        yield from _supervisor(path, text, places)
    elif name == "package.json":
        yield from _package(path, text)
    elif name.endswith(".json"):
        yield from _json_manifest(path, text, places)
    elif name.endswith((".yaml", ".yml")):
        yield from _yaml_manifest(path, text, places)


def _procfile(path: str, text: str, places: Places) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), 1):
        match = _PROCESS.match(line)
        if match and match.group(1) not in _RELEASE:
            words = split_words(match.group(2))
            entry = _entry(path, number, line, Form.PROCFILE, words, places, path.rpartition("/")[0])
            if entry is not None:
                yield _named(entry, match.group(1))


def _unit(path: str, text: str, places: Places) -> Iterator[Entry]:
    working = _WORKING.search(text)
    folder = path.rpartition("/")[0]
    if working is not None:
        # The machine's path: what counts is the longest end of it that the project has.
        parts = working.group(1).strip("/").split("/")
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        folder = next((end for end in ends if end in places.folders), folder)
    for number, line in enumerate(text.split("\n"), 1):
        match = _EXEC_START.match(line.strip())
        if match:
            entry = _entry(path, number, line, Form.UNIT, split_words(match.group(1)), places, folder)
            # Units of other programs (databases, proxies) lie in many repositories.
            if entry is not None and entry.starts:
                yield _named(entry, path.rpartition("/")[2].removesuffix(".service").rstrip("@"))


def _is_supervisor(name: str) -> bool:
    return "supervisor" in name and name.endswith((".conf", ".ini"))


def _supervisor(path: str, text: str, places: Places) -> Iterator[Entry]:
    program = ""
    for number, line in enumerate(text.split("\n"), 1):
        section = _SECTION.match(line)
        if section:
            program = section.group(1) or ""
        match = _COMMAND.match(line) if program else None
        if match:
            entry = _entry(path, number, line, Form.UNIT, split_words(match.group(1)), places, path.rpartition("/")[0])
            if entry is not None and entry.starts:
                yield _named(entry, program)


def _package(path: str, text: str) -> Iterator[Entry]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    scripts = content.get("scripts") if isinstance(content, dict) else None
    start = scripts.get("start") if isinstance(scripts, dict) else None
    place = _STARTS.search(text)
    if not isinstance(start, str) or place is None or not _SERVER.search(start + " "):
        return
    line = text.count("\n", 0, place.start()) + 1
    name = content.get("name")
    yield Entry(
        path=path,
        line=line,
        form=Form.NODE,
        text=text.split("\n")[line - 1].strip(),
        name=name.rpartition("/")[2] if isinstance(name, str) else "",
        words=("npm", "start"),
        folder=path.rpartition("/")[0],
        doubt=Doubt.NOT_PYTHON,
    )


def _json_manifest(path: str, text: str, places: Places) -> Iterator[Entry]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    servers = content.get("mcpServers") or content.get("servers") if isinstance(content, dict) else None
    for name, server in servers.items() if isinstance(servers, dict) else ():
        if not isinstance(server, dict) or not isinstance(server.get("command"), str):
            continue
        arguments = server.get("args")
        words = [server["command"], *(str(word) for word in (arguments if isinstance(arguments, list) else ()))]
        place = re.search(rf'"{re.escape(name)}"\s*:', text)
        line = text.count("\n", 0, place.start()) + 1 if place else 1
        written = text.split("\n")[line - 1]
        entry = _entry(path, line, written, Form.MANIFEST, words, places, path.rpartition("/")[0])
        if entry is not None and entry.starts:
            yield _named(entry, name)


def _yaml_manifest(path: str, text: str, places: Places) -> Iterator[Entry]:
    lines = text.split("\n")
    for node in read_yaml(text).walk():
        if node.key != "command":
            continue
        words = node.items() if node.value.startswith("[") or node.children else split_words(scalar(node.value))
        entry = _entry(path, node.line, lines[node.line - 1], Form.MANIFEST, words, places, path.rpartition("/")[0])
        if entry is not None and entry.starts:
            yield entry


def _entry(path: str, line: int, text: str, form: Form, words: list[str], places: Places, folder: str) -> Entry | None:
    started = started_by(words, folder, places)
    if not started.program or not started.is_endless:
        return None
    doubt = None if started.files else Doubt.NOT_FOUND if started.is_python else Doubt.NOT_PYTHON
    return Entry(
        path=path,
        line=line,
        form=form,
        text=text.strip(),
        framework="mcp" if form is Form.MANIFEST else started.program,
        words=started.words,
        folder=folder,
        starts=started.files,
        port=started.port,
        doubt=doubt,
    )


def _named(entry: Entry, name: str) -> Entry:
    return replace(entry, name=name)
