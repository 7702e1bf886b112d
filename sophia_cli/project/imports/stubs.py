"""Stand-ins for modules that do not exist: importable, marked as such, and failing as soon as they are used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sophia_cli.core.values import dataclass
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.model import Import, Outcome

MARK = "# sophia: stub"
"""The first line of every stub begins so."""

_HEAD = """\
{mark} for `{module}`, which does not exist. Written by `sophia fix --stub`.
# Importing it works; using what it offers raises NotImplementedError. Replace it by the real module.
"""
_FUNCTION = """

def {name}(*args, **kwargs):
    raise NotImplementedError("{module}.{name} is a stub")
"""
_CLASS = """

class {name}:
    def __init__(self, *args, **kwargs):
        raise NotImplementedError("{module}.{name} is a stub")
"""
_ERROR = """

class {name}(Exception):
    pass
"""
_OTHERS = """

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotImplementedError("{module}." + name + " is a stub")
"""


@dataclass(frozen=True, slots=True)
class Stub:
    """A file to write: its path, its bytes, and the module and names it stands for."""

    path: str
    data: bytes
    module: str
    names: tuple[str, ...]


def stubs_for(graph: ImportGraph, imports: Iterable[Import]) -> tuple[Stub, ...]:
    """Return a stub for every missing module of these imports, with all names that they take from it.

    A module that is imported whole, or whose names are constants, gets a `__getattr__`. No stub is made for what lies
    outside of the project or where the name cannot be a file beside what exists.
    """
    wanted: dict[str, tuple[str, dict[str, None]]] = {}
    open_ended: set[str] = set()
    for item in imports:
        if item.resolution.outcome is not Outcome.MISSING:
            continue
        path = _path_of(graph, item)
        if path is not None:
            _, names = wanted.setdefault(path, (item.resolution.module, {}))
            names.update((name.name, None) for name in item.fact.names if name.name != "*")
            if any(name.name == "*" for name in item.fact.names) or not item.fact.names:
                open_ended.add(path)
    return tuple(
        Stub(path, stub_text(module, tuple(names), is_open=path in open_ended).encode(), module, tuple(names))
        for path, (module, names) in sorted(wanted.items())
    )


def package_text(module: str) -> str:
    """Return the text of the `__init__.py` of a package that exists only for the stubs in it."""
    return _HEAD.format(mark=MARK, module=module)


def stub_text(module: str, names: Sequence[str], *, is_open: bool = False) -> str:
    """Return the text of a stub that offers these names; with `is_open` any other name can be asked for as well."""
    text = _HEAD.format(mark=MARK, module=module)
    plain = [name for name in names if not name.isupper()]
    for name in plain:
        text += _shape_of(name).format(name=name, module=module)
    is_closed = plain and len(plain) == len(names) and not is_open
    return text if is_closed else text + _OTHERS.format(module=module)


def _shape_of(name: str) -> str:
    bare = name.lstrip("_")
    if bare.endswith(("Error", "Exception", "Warning")):
        return _ERROR
    return _CLASS if bare[:1].isupper() else _FUNCTION


def _path_of(graph: ImportGraph, item: Import) -> str | None:
    """Return where the module's file would be: below what exists of it already, with as little that is new."""
    known_at = item.resolution.known_at.removesuffix("/__init__.py")
    if known_at.endswith(".py"):
        return None
    paths = graph.resolver.expected_paths(item.importer, item.fact.level, item.fact.module)
    modules = [path for path in paths if not path.endswith("/__init__.py") and path not in graph.files]
    fitting = [path for path in modules if not known_at or path.startswith(known_at + "/")]
    return fitting[0] if fitting else None
