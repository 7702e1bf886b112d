"""What `sophia doctor` looks at: one function an aspect, each returning what it saw and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from sophia_cli.commands.diagnosing.machine import machine_facts
from sophia_cli.commands.diagnosing.source_roots import root_lines
from sophia_cli.commands.fixing.recovered import recovery_line
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.project.clock import Clock
from sophia_cli.project.files.discover import discover
from sophia_cli.project.history.quarantine import find_git
from sophia_cli.project.history.repository import find_repository, shallow_commits
from sophia_cli.project.processors import usable_processors
from sophia_cli.project.python_version import project_python, python_declarations
from sophia_cli.project.runs.recovery import recover_when_idle
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import PackageSet, Settings
from sophia_cli.project.state_folder import StateFolder, Subfolder

_OLDEST_PYTHON = (3, 11)
_OLDEST_GIT = (2, 20)
_GIT_VERSION = re.compile(r"(\d+)\.(\d+)")


class State(Enum):
    """How one aspect looks: fine; works with less; a mistake to mend; something that is not there."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the doctor: what was looked at, how it is, what was seen, what to do."""

    name: str
    state: State
    message: str
    hint: str | None = None


def exit_code_of(diagnoses: tuple[Diagnosis, ...]) -> ExitCode:
    """Return 69 when something needed is missing, 1 when something is wrong, else 0."""
    states = {diagnosis.state for diagnosis in diagnoses}
    if State.MISSING in states:
        return ExitCode.UNAVAILABLE
    return ExitCode.FINDINGS if State.WRONG in states else ExitCode.DONE


def diagnose(root: Path, clock: Clock) -> Iterator[Diagnosis]:
    """Look at the machine and at the project; an unfinished run is settled on the way, nothing else is changed."""
    yield _python()
    yield Diagnosis("platform", State.OK, f"{platform.system()} {platform.machine()}, {_cores()} cores")
    yield _git(root)
    yield from _machine()
    yield Diagnosis("project", State.OK, f"root {root}")
    yield from _settings(root)
    yield from _state(root, clock)


def _machine() -> Iterator[Diagnosis]:
    for fact in machine_facts(os.environ):
        yield Diagnosis(fact.name, State.OK if fact.is_there else State.WARN, fact.message, fact.hint)


def _python() -> Diagnosis:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Diagnosis("python", State.MISSING, text, "Sophia needs Python 3.11 or newer")
    return Diagnosis("python", State.OK, text)


def _cores() -> int:
    return usable_processors()


def _git(root: Path) -> Diagnosis:
    repository = find_repository(root)
    has_history = repository is not None
    where = "the project is a git checkout" if has_history else "the project is no git checkout, so no history is used"
    program = find_git(root if repository is None else repository.top, os.environ)
    if program is None:
        state = State.MISSING if has_history else State.WARN
        return Diagnosis("git", state, f"not found; {where}", "install git: files are then also mended from history")
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Diagnosis("git", State.MISSING, f"{program} cannot be run: {error}", "repair the installation of git")
    match = _GIT_VERSION.search(done.stdout)
    version = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    if version < _OLDEST_GIT:
        return Diagnosis("git", State.WARN, f"{done.stdout.strip()}; {where}", "git 2.20 or newer reads history fast")
    if repository is not None and shallow_commits(repository):
        shallow = f"{done.stdout.strip()}; the project is a shallow clone, so its history ends early"
        return Diagnosis("git", State.WARN, shallow, "`git fetch --unshallow` brings the rest")
    return Diagnosis("git", State.OK, f"{done.stdout.strip()}; {where}")


def _settings(root: Path) -> Iterator[Diagnosis]:
    settings = Settings()
    try:
        settings = load_settings(root)
    except SophiaError as error:
        place = f"{error.location}: " if error.location else ""
        yield Diagnosis("settings", State.WRONG, f"{place}{error.message}", error.hint)
    else:
        services = f", services: {len(settings.services)}" if settings.services else ""
        source = f"{settings.source} is valid{services}" if settings.source else "no settings file; the defaults hold"
        yield Diagnosis("settings", State.OK, source)
    if settings.services:
        yield _environment(root, settings)
    yield _declared(root, settings)
    yield from _files(root, settings)


def _environment(root: Path, settings: Settings) -> Diagnosis:
    """What services run in, and whether those that are an `app` find their server there."""
    from sophia_cli.project.packages.outline import outline_environment, without_uvicorn

    try:
        outline = outline_environment(root, settings.project.python, os.environ)
    except SophiaError as error:
        return Diagnosis("environment", State.WRONG, error.message, error.hint)
    kind = "Sophia's own" if outline.is_own else "the project's"
    seen = f"services run in {kind}, `{outline.python}` (Python {outline.version})"
    builds = settings.project.environment is not PackageSet.SHARED
    if not builds and (lacking := without_uvicorn(outline, settings.services)):
        names = ", ".join(f"`{name}`" for name in lacking)
        message = f"{seen}; uvicorn is not found there, which an `app` needs: {names}"
        return Diagnosis("environment", State.WARN, message, "install uvicorn there, or give them a `command`")
    return Diagnosis("environment", State.OK, seen)


def _declared(root: Path, settings: Settings) -> Diagnosis:
    running = (sys.version_info.major, sys.version_info.minor)
    declarations = python_declarations(root)
    version = project_python(root, running, settings.project.python_version)
    shown = f"{version[0]}.{version[1]}"
    if settings.project.python_version is not None:
        source = f"from {settings.source}"
    elif declarations.found:
        source = f"from {declarations.found[0].file}"
    else:
        source = "not declared, so the running one counts"
    message = f"{shown}, {source}"
    if declarations.problems:
        return Diagnosis(
            "python version", State.WARN, f"{message}; {declarations.problems[0]}", "mend that declaration"
        )
    if version > running:
        hint = f"run Sophia with Python {shown}: files that need it cannot be checked here"
        return Diagnosis("python version", State.WARN, f"{message}; Sophia runs on an older one", hint)
    return Diagnosis("python version", State.OK, message)


def _files(root: Path, settings: Settings) -> Iterator[Diagnosis]:
    try:
        inventory = discover(root, (), settings.project.include, settings.project.exclude)
    except SophiaError as error:
        yield Diagnosis("files", State.WRONG, error.message, error.hint)
        return
    counts = ", ".join(f"{count} {status.value}" for status, count in sorted(inventory.counts().items(), key=_order))
    if not inventory.files:
        yield Diagnosis("files", State.WARN, "no Python file found", "name the folder that holds the code")
        return
    yield Diagnosis("files", State.OK, counts)
    yield from (Diagnosis("source root", State.OK, line) for line in root_lines(root, inventory))


def _order(item: tuple[Enum, int]) -> tuple[int, str]:
    return -item[1], str(item[0].value)


def _state(root: Path, clock: Clock) -> Iterator[Diagnosis]:
    state = StateFolder(root)
    try:
        exists = state.exists()
        recovered = recover_when_idle(root, "sophia doctor", clock) if exists else ()
    except SophiaError as error:
        yield Diagnosis("state folder", State.WRONG, error.message, error.hint)
        return
    folder = state.path if exists else root
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "allow writing there; `scan` works without, `fix` does not"
        yield Diagnosis("state folder", State.WRONG, f"{folder} cannot be written", hint)
    else:
        shown = ".sophia is writable" if exists else "none yet; .sophia can be made"
        yield Diagnosis("state folder", State.OK, shown)
    if recovered:
        text = "; ".join(recovery_line(item) for item in recovered)
        yield Diagnosis("unfinished runs", State.WARN, f"settled: {text}", "look at `sophia undo --list`")
    else:
        yield Diagnosis("unfinished runs", State.OK, "none")
    yield Diagnosis("past runs", State.OK, _past_runs(state, clock) if exists else "none yet")
    yield Diagnosis("cache", State.OK, _cache_size(state) if exists else "none yet")


def _past_runs(state: StateFolder, clock: Clock) -> str:
    from sophia_cli.project.runs.pruning import Retention, stored

    found = stored(state, clock.now(), Retention())
    text = f"{found.runs}, {found.bytes / 1_000_000:.1f} MB"
    return f"{text}; the next `sophia fix` prunes {len(found.due)} old ones" if found.due else text


def _cache_size(state: StateFolder) -> str:
    folder = state.subfolder(Subfolder.CACHE)
    try:
        sizes = [entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder)]
    except OSError:
        return "none yet"
    return f"{sum(sizes) / 1_000_000:.1f} MB"
