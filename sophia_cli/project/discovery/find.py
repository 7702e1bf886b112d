"""Everything in a repository that can be started."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping

from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.documents.compose_file import compose_entries, is_compose
from sophia_cli.project.discovery.documents.console_scripts import ConsoleScript, console_scripts
from sophia_cli.project.discovery.documents.dockerfile import Reader, dockerfile_entry, is_dockerfile
from sophia_cli.project.discovery.documents.process_lists import document_entries, is_document
from sophia_cli.project.discovery.documents.server_files import is_server_file, server_file
from sophia_cli.project.discovery.documents.server_packages import is_requirement_list, servers_in
from sophia_cli.project.discovery.documents.tasks import is_task_file, tasks
from sophia_cli.project.discovery.from_code import code_entries
from sophia_cli.project.discovery.from_scripts import script_files, sounds_like_starting, with_tasks
from sophia_cli.project.discovery.model import Doubt, Entry
from sophia_cli.project.discovery.places import Places
from sophia_cli.project.discovery.python.broken import read_broken
from sophia_cli.project.discovery.python.facts import PythonFacts
from sophia_cli.project.discovery.python.frameworks import may_tell
from sophia_cli.project.discovery.python.running import takes_jobs
from sophia_cli.project.discovery.python.tree import read_tree
from sophia_cli.project.files.classify import is_test_folder

_TEST_FILE = re.compile(r"test_.*|.*_tests?|conftest|tests")
_LEFT_OUT = frozenset({".github", ".devcontainer", ".gitlab", ".circleci", ".vscode", ".idea"})
_ASIDE = frozenset(
    {"archive", "archived", "archives", "attic", "legacy", "deprecated", "old", "obsolete", "backup", "backups", "bak"}
    | {"example", "examples", "sample", "samples", "demo", "demos", "template", "templates", "tutorial", "tutorials"}
    | {"docs", "doc", "docs_src", "notebooks", "benchmark", "benchmarks", "sandbox", "cookbook", "snippets"}
)
_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
_LARGEST_TEXT = 2_000_000
_GOING_ON = ("while True", "while 1:", "_forever", "start_consuming", "BlockingScheduler", "_polling", "run_pending")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What can be started, sorted by path and line; the Python files that were read for it; the index of all files.

    `servers` are those that lists of requirements name, by the folder of the lists.
    """

    entries: tuple[Entry, ...]
    code: Mapping[str, CodeFile]
    places: Places
    servers: Mapping[str, frozenset[str]]


def find_entries(paths: Iterable[str], read: Reader) -> Discovery:
    """Return what can be started. `read` gives the text of a file, None for one that has none.

    Test code and the repository's own tooling (`.github`, `.devcontainer`) are left out; what lies among archived or
    example files is found, with that doubt.
    """
    every = sorted(paths)
    places = Places(every)
    entries: list[Entry] = []
    code: dict[str, CodeFile] = {}
    scripts: list[tuple[str, ConsoleScript]] = []
    mine = [path for path in every if not _is_left_out(path)]
    for path in mine:
        if is_server_file(path):
            places.said[path] = server_file(path, _text(path, read) or "")
    for path in mine:
        folder, _, name = path.rpartition("/")
        if name in _DECLARING:
            for script in console_scripts(path, _text(path, read) or ""):
                scripts.append((folder, script))
                places.commands.setdefault(script.name, tuple(script_files(folder, script, places)))
    commands = {path for paths in places.commands.values() for path in paths}
    for path in mine:
        name = path.rpartition("/")[2]
        if path.endswith(".py") and name != "setup.py":
            text = _text(path, read)
            if text is not None and (path in commands or may_tell(text) or _may_run(path, text)):
                code[path] = CodeFile(path, text.split("\n"), python_facts(text))
        elif is_dockerfile(path):
            found = dockerfile_entry(path, _text(path, read) or "", places, read)
            entries += [found] if found is not None else []
        elif is_compose(path):
            entries += compose_entries(path, _text(path, read) or "", places, read)
        elif is_document(path):
            entries += document_entries(path, _text(path, read) or "", places)
    coded = code_entries(code, scripts, places)
    given = [task for path in mine if is_task_file(path) for task in tasks(path, _text(path, read) or "", places)]
    entries = with_tasks((*entries, *coded), given, code)
    entries = [_doubted(entry) for entry in entries]
    entries.sort(key=lambda entry: (entry.path, entry.line, entry.name))
    return Discovery(tuple(entries), code, places, _servers(mine, read))


def _servers(paths: Iterable[str], read: Reader) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for path in paths:
        if is_requirement_list(path):
            folder = path.rpartition("/")[0].removesuffix("requirements").rstrip("/")
            found[folder] = found.get(folder, frozenset()) | servers_in(_text(path, read) or "")
    return found


def python_facts(text: str) -> PythonFacts:
    """Return what a Python text says about services, also one that does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return read_tree(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return read_broken(text)


def _text(path: str, read: Reader) -> str | None:
    text = read(path)
    return None if text is None or len(text) > _LARGEST_TEXT else text.removeprefix("\ufeff").replace("\r\n", "\n")


def _may_run(path: str, text: str) -> bool:
    """Whether a file may be a script that goes on, or what such a script imports."""
    return sounds_like_starting(path) or any(word in text for word in _GOING_ON) or takes_jobs(text)


def _doubted(entry: Entry) -> Entry:
    is_aside = any(part in _ASIDE for part in _parts(entry.path))
    return replace(entry, doubt=Doubt.SET_ASIDE) if is_aside else entry


def _parts(path: str) -> list[str]:
    """Return the words of the folders that a path lies in: `archived_files` is also `archived`."""
    folders = path.lower().split("/")[:-1]
    return [*folders, *(word for folder in folders for word in re.split(r"[_.-]", folder))]


def _is_left_out(path: str) -> bool:
    folders = path.split("/")
    name = folders.pop()
    if any(folder in _LEFT_OUT or is_test_folder(folder) for folder in folders):
        return True
    return name.endswith(".py") and _TEST_FILE.fullmatch(name.removesuffix(".py")) is not None
