"""Services whose `app` does not exist: no such module in the project, or no such name in the module."""

from __future__ import annotations

import ast
import posixpath
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence

from sophia_cli.core.errors import UsageError
from sophia_cli.core.nearest import did_you_mean
from sophia_cli.core.values import replace
from sophia_cli.project.code.extract import surface_of
from sophia_cli.project.code.facts import ModuleSurface
from sophia_cli.project.imports.entry_points import entry_files
from sophia_cli.project.settings.model import Settings
from sophia_cli.project.settings.positions import Path, index_positions
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.source import SourceText, decode

Read = Callable[[str], bytes | None]


def missing_apps(
    settings: Settings,
    files: Collection[str],
    roots: Sequence[str],
    read: Read,
    *,
    environment: str | None = None,
    names: Collection[str] = (),
    is_installed: Callable[[str], bool] = lambda module: False,
) -> tuple[UsageError, ...]:
    """Return an error for every service whose `app` cannot be found, in the order of the settings, with the line.

    `app-missing` is a module that the project does not have, and `is_installed` (asked with its top-level name) does
    not know; `app-name-missing` a module that binds no such name. Nothing is said where the name may come about in a
    way that the text does not show, nor about a file that does not compile. `names` are the services to look at, none
    for all of them, `files` the project's Python files, `roots` the folders that modules are imported from, and `read`
    gives the bytes of a file (also of the settings file).
    Raises what `Settings.for_environment` raises.
    """
    found = (
        _problem(service, settings, environment, files, roots, read, is_installed)
        for service in settings.for_environment(environment)
        if service.app is not None and (not names or service.name in names)
    )
    return tuple(error for error in found if error is not None)


def _problem(
    service: Service,
    settings: Settings,
    environment: str | None,
    files: Collection[str],
    roots: Sequence[str],
    read: Read,
    is_installed: Callable[[str], bool],
) -> UsageError | None:
    module, _, name = (service.app or "").partition(":")
    started = entry_files(replace(service, command=None), files, roots)
    if not started:
        if is_installed(module.partition(".")[0]):
            return None
        return UsageError(
            "app-missing",
            f"service `{service.name}` needs module `{module}`, which the project does not have",
            hint=_module_hint(module, service, files, roots),
            location=_location(settings, environment, service.name, read),
        )
    file = next((path for path in started if not path.endswith("__main__.py")), started[0])
    first = name.removesuffix("()").partition(".")[0]
    surface = _surface(read(file))
    if surface is None or surface.is_dynamic or _may_come_from_star(surface):
        return None
    bound = {binding.name for binding in surface.bindings if not binding.is_for_types}
    if first in bound or _is_submodule(first, file, files):
        return None
    return UsageError(
        "app-name-missing",
        f"service `{service.name}` needs `{first}` from `{file}`, which binds no such name",
        hint=did_you_mean(first, bound, "the file binds nothing that looks like it"),
        location=_location(settings, environment, service.name, read),
    )


def _surface(data: bytes | None) -> ModuleSurface | None:
    source = decode(data) if data is not None else None
    if not isinstance(source, SourceText):
        return None
    text = source.text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return surface_of(ast.parse(text), text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _may_come_from_star(surface: ModuleSurface) -> bool:
    return any(name.name == "*" for fact in surface.imports for name in fact.names)


def _is_submodule(name: str, file: str, files: Collection[str]) -> bool:
    folder = posixpath.dirname(file)
    return posixpath.basename(file) == "__init__.py" and f"{folder}/{name}.py" in files


def _module_hint(module: str, service: Service, files: Collection[str], roots: Sequence[str]) -> str:
    places = dict.fromkeys(("" if service.cwd == "." else posixpath.normpath(service.cwd), "", *roots))
    known = {dotted for path in files for place in places for dotted in _names(path, place)}
    last = module.rpartition(".")[2]
    same = sorted((name for name in known if name.rpartition(".")[2] == last), key=lambda name: (len(name), name))
    nearest = did_you_mean(module, known)
    if nearest or not same:
        return nearest or "modules count from `cwd`, then from the project root"
    return f"did you mean `{same[0]}`?"


def _names(path: str, place: str) -> Iterator[str]:
    inside = path.removeprefix(f"{place}/") if place else path
    if (inside != path or not place) and path.endswith(".py"):
        dotted = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if all(part.isidentifier() for part in dotted.split(".")):
            yield dotted


def _location(settings: Settings, environment: str | None, service: str, read: Read) -> str | None:
    data = read(settings.source) if settings.source is not None else None
    if data is None or settings.source is None:
        return settings.source
    index = index_positions(data.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    front: Path = () if settings.source.endswith("sophia.toml") else ("tool", "sophia")
    ways: list[Path] = [(*front, "services", service, "app")]
    if environment is not None:
        ways.insert(0, (*front, "environments", environment, *ways[0][len(front) :]))
    for way in ways:
        place = index.value(way)
        if place is not None:
            return f"{settings.source}:{place.line}:{place.column}"
    return settings.source
