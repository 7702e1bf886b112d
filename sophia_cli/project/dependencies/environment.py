"""The environment that the project's code runs in, read from its metadata; nothing of it is imported or run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sophia_cli.project.dependencies.environment_place import EnvironmentPlace
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.dependencies.model import Problem
from sophia_cli.project.dependencies.names import normalised, parse_requirement

_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_MODULE = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)(?:\.[^/]*)?\.(?:pyi?|so|pyd)$|([A-Za-z_][A-Za-z0-9_]*)\.(?:pyi?|so|pyd)$"
)
_FIELD = re.compile(r"^(name|version|requires-dist)[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(r"^\s*$", re.MULTILINE)
_INIT = "/__init__.py,"
_LARGEST = 16 * 1024 * 1024


def read_environment(place: EnvironmentPlace) -> Environment:
    """Read every distribution's metadata; what cannot be read becomes a problem, never an exception."""
    found: dict[str, InstalledDistribution] = {}
    problems: list[Problem] = []
    for site in place.site_packages:
        for entry in _metadata_folders(str(site)):
            read = _distribution(entry)
            if isinstance(read, Problem):
                problems.append(read)
            else:
                found.setdefault(read.name, read)
    return Environment(str(place.folder), found, tuple(problems))


def _metadata_folders(site: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(site))
    except OSError:
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info", ".egg-link")):
            yield os.path.join(site, name)


def _distribution(entry: str) -> InstalledDistribution | Problem:
    # Hundreds of distributions with five files each: texts of paths, and no more of a file than is needed.
    if entry.endswith(".egg-link"):
        lines = (_read(entry) or "").splitlines()
        folder = Path(lines[0].strip()) if lines else Path()
        inner = next(iter(sorted(folder.glob("*.egg-info"))), None) if folder.is_absolute() else None
        if inner is None:
            return Problem(entry, 1, "this link to an editable distribution leads nowhere")
        linked = _distribution(str(inner))
        if isinstance(linked, Problem):
            return linked
        return InstalledDistribution(
            linked.name, linked.version, linked.imports, linked.requires, linked.extras, True, linked.scripts
        )
    # One file in place of a folder is the metadata itself.
    text = next((found for name in ("/METADATA", "/PKG-INFO", "") if (found := _read(entry + name)) is not None), None)
    stem = os.path.basename(entry).rpartition(".")[0]
    if text is None:
        return Problem(entry, 1, f"the metadata of `{stem.partition('-')[0]}` cannot be read")
    fields = list(_header(text))
    name = next((value for key, value in fields if key == "name"), "") or stem.partition("-")[0]
    version = next((value for key, value in fields if key == "version"), "")
    if not name or not version:
        return Problem(entry, 1, f"the metadata of `{stem.partition('-')[0]}` names no distribution and version")
    requires, extras = _requirements(value for key, value in fields if key == "requires-dist")
    is_editable = '"editable": true' in (_read(f"{entry}/direct_url.json") or "").replace('":true', '": true')
    return InstalledDistribution(
        normalised(name), version, _imports(entry, is_editable), requires, extras, is_editable, _scripts(entry)
    )


def _read(path: str) -> str | None:
    """Return a text with `\\n` at the end of every line, None where there is none or it is far too large."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        size = os.fstat(file).st_size
        if size > _LARGEST:
            return None
        text = os.read(file, size + 1).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(file)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _header(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields that tell what a distribution is and needs; lines that go on with another one do not count."""
    end = _BLANK.search(text)
    for key, value in _FIELD.findall(text if end is None else text[: end.start()]):
        yield key.lower(), value.strip()


def _requirements(lines: Iterable[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    requires: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        parsed = parse_requirement(line)
        if isinstance(parsed, str):
            continue
        name = normalised(parsed.name)
        found = _EXTRA.findall(parsed.marker) if parsed.marker else ()
        for extra in found:
            extras.setdefault(normalised(extra), []).append(name)
        if not found:
            requires.append(name)
    return tuple(dict.fromkeys(requires)), {extra: tuple(names) for extra, names in extras.items()}


def _scripts(entry: str) -> tuple[str, ...]:
    names: list[str] = []
    section = ""
    for line in (_read(f"{entry}/entry_points.txt") or "").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        elif "=" in line and section in ("console_scripts", "gui_scripts"):
            names.append(line.partition("=")[0].strip())
    return tuple(names)


def _imports(entry: str, is_editable: bool) -> tuple[str, ...]:
    """Return the import names that the list of files tells; `top_level.txt` where there is no such list."""
    record = _read(f"{entry}/RECORD")
    if record is not None and not is_editable:
        # Most lines are of files in a package, which its own `__init__` tells of.
        tops = tuple(dict.fromkeys(f"{top}/" for top in _packages_in(record)))
        for top in tops:
            record = _without(record, top)
        others = record.splitlines()
        paths = [f"{top}__init__.py" for top in tops] + [line.rsplit(",", 2)[0].strip('"') for line in others]
    else:
        installed = _read(f"{entry}/installed-files.txt") or _read(f"{entry}/SOURCES.txt")
        paths = [] if installed is None or is_editable else [_plain(line) for line in installed.splitlines()]
    found = import_names_of(path for path in paths if not path.startswith(("../", "/")))
    if found:
        return found
    told = (_read(f"{entry}/top_level.txt") or "").split()
    return tuple(dict.fromkeys(name for name in told if name.isidentifier()))


def _packages_in(record: str) -> Iterator[str]:
    place = -1
    while (place := record.find(_INIT, place + 1)) >= 0:
        top = record[record.rfind("\n", 0, place) + 1 : place]
        if top.isidentifier():
            yield top


def _without(record: str, top: str) -> str:
    """Return a list of files without those whose paths begin with `top`."""
    first = 0 if record.startswith(top) else record.find(f"\n{top}") + 1
    last = record.rfind(f"\n{top}") + 1
    end = record.find("\n", last) + 1 or len(record)
    # They mostly stand one after the other, so that no line has to be looked at.
    if record.count(f"\n{top}", first, end) == record.count("\n", first, end - 1):
        return record[:first] + record[end:]
    return "\n".join(line for line in record.splitlines() if not line.startswith(top))


def _plain(line: str) -> str:
    return line.removeprefix("../")


def import_names_of(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the shortest dotted names that files (relative to where they are installed) make importable.

    A folder without `__init__` is a namespace that others may share, so what lies below it is named.
    """
    paths = [path for path in paths if "__pycache__/" not in path]
    # What lies in a package is told by the package's own name: most files need no look at all.
    inits = (path.removesuffix("/__init__.py") for path in paths if path.endswith("/__init__.py"))
    tops = {folder for folder in inits if folder.isidentifier()}
    modules: set[tuple[str, ...]] = set()
    for path in paths:
        if path.partition("/")[0] in tops:
            continue
        parts = path.split("/")
        if parts[0].endswith((".dist-info", ".egg-info", ".data")) or "__pycache__" in parts:
            continue
        if not all(part.isidentifier() for part in parts[:-1]):
            continue
        if found := _MODULE.match(parts[-1]):
            modules.add((*parts[:-1], found[1]))
    packages = {parts[:-1] for parts in modules if parts[-1] == "__init__"}
    names = set(tops)
    for module in modules:
        whole = module[:-1] if module[-1] == "__init__" else module
        for size in range(1, len(whole) + 1):
            if whole[:size] in packages or size == len(whole):
                names.add(".".join(whole[:size]))
                break
    return tuple(sorted(names))
