"""Packages of the environment laid out as services of a repository, under names that no distribution has."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from random import Random

_MOST_FILES = 120
_LEFT_OUT = frozenset({"tests", "test", "testing", "_vendor", "vendor", "vendored", "data", "fixtures", "__pycache__"})
_NAMES = (
    *("orderdesk", "stockroom", "fleetbook", "paydesk", "mailroom", "geobase", "ratebook", "shipyard", "crewlist"),
    *("planboard", "tallyman", "signalbox", "cartage", "ledgerly", "depotkit", "quayside"),
)


class Style(Enum):
    """How a service lies in the repository."""

    FLAT = "flat"
    SRC = "src"
    SERVICE = "service"
    SCRIPTS = "scripts"
    PREFIXED = "prefixed"
    NAMESPACE = "namespace"
    PATH_EDIT = "path-edit"
    PYTHONPATH = "pythonpath"


@dataclass(frozen=True, slots=True)
class Service:
    """One package as it lies in the repository.

    `root` is the folder in which its modules are looked for, `name` the dotted name of its package (empty where its
    modules lie in the root themselves), `home` the folder of its declarations.
    """

    name: str
    style: Style
    root: str
    home: str


@dataclass(slots=True)
class Repository:
    """Texts by path, and the services that they make up."""

    texts: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)

    def service_of(self, path: str) -> Service | None:
        """Return the service whose code a file is, the innermost; None for what belongs to none."""
        fitting = [one for one in self.services if path.startswith(code_folder(one)) or path in _beside(one)]
        return max(fitting, key=lambda one: len(code_folder(one)), default=None)

    def python_files(self) -> list[str]:
        """Return the paths of the Python files, sorted."""
        return sorted(path for path in self.texts if path.endswith(".py"))


def code_folder(service: Service) -> str:
    """Return the folder that holds a service's modules, with a slash at its end."""
    parts = [part for part in (service.root, service.name.replace(".", "/")) if part]
    return "/".join(parts) + "/"


def lay_out(packages: Mapping[str, Path], styles: list[Style], random: Random) -> Repository:
    """Return a repository with a service for each package, in these styles."""
    repository = Repository()
    names = random.sample(_NAMES, len(styles))
    for (package, folder), style, name in zip(packages.items(), styles, names, strict=True):
        _add(repository, package, folder, style, name, random)
    repository.texts["README.md"] = "# Services\n"
    return repository


def package_folder(name: str) -> Path | None:
    """Return where an installed package lies, or a folder that is given as a path; None where there is none."""
    path = Path(name)
    if path.is_dir():
        return path
    spec = find_spec(name) if "/" not in name else None
    origin = spec.origin if spec is not None else None
    return Path(origin).parent if origin and origin.endswith("__init__.py") else None


def _add(repository: Repository, package: str, folder: Path, style: Style, name: str, random: Random) -> None:
    texts = dict(_texts_of(folder, random))
    package = package.rstrip("/").rpartition("/")[2]
    if style is Style.SCRIPTS:
        texts = _as_scripts(texts, package)
        if len(texts) < 4:
            style, texts = Style.FLAT, dict(_texts_of(folder, random))
    match style:
        case Style.FLAT:
            service = Service(name, style, "", "")
        case Style.SRC:
            service = Service(name, style, f"{name}-dist/src", f"{name}-dist")
        case Style.SERVICE:
            service = Service(name, style, f"services/{name}", f"services/{name}")
        case Style.SCRIPTS:
            service = Service("", style, f"{name}-service", f"{name}-service")
        case Style.PREFIXED:
            service = Service(f"backend.{name}", style, "", "")
            repository.texts["backend/__init__.py"] = '"""The backend."""\n'
        case Style.NAMESPACE:
            service = Service(f"platform_code.{name}", style, "", "")
        case Style.PATH_EDIT:
            service = Service(name, style, f"libs/{name}-lib", f"libs/{name}-lib")
        case Style.PYTHONPATH:
            service = Service(name, style, f"apps/{name}_app", f"apps/{name}_app")
    keeps_relative = style in (Style.FLAT, Style.SRC, Style.SERVICE)
    base = code_folder(service)
    for path, text in texts.items():
        if style is not Style.SCRIPTS:
            text = _renamed(text, package, service.name, "" if keeps_relative else path)
        if style is Style.NAMESPACE and path.endswith("__init__.py") and not _has_code(text):
            continue
        repository.texts[base + path] = text
    repository.services.append(service)
    _add_surroundings(repository, service, random)


def _texts_of(folder: Path, random: Random) -> Iterator[tuple[str, str]]:
    """Yield the modules of a package, tests and vendored code left out; whole subpackages where it is large."""
    paths = sorted(path for path in folder.rglob("*.py") if not _LEFT_OUT & set(path.relative_to(folder).parts[:-1]))
    if len(paths) > _MOST_FILES:
        tops = sorted({path.relative_to(folder).parts[0] for path in paths})
        random.shuffle(tops)
        kept: list[Path] = []
        for top in ("__init__.py", *tops):
            some = [path for path in paths if path.relative_to(folder).parts[0] == top]
            if len(kept) + len(some) <= _MOST_FILES:
                kept += some
        paths = sorted(set(kept))
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        if _parsed(text) is not None:
            yield path.relative_to(folder).as_posix(), text


def _as_scripts(texts: Mapping[str, str], package: str) -> dict[str, str]:
    """Return the modules that lie directly in a package and need only one another, importing each other by name."""
    own = {path: text for path, text in texts.items() if "/" not in path and path != "__init__.py"}
    own = {path: text for path, text in own.items() if path[:-3] not in sys.stdlib_module_names}
    own.pop("__main__.py", None)
    while True:
        names = {path[:-3] for path in own}
        kept = {path: text for path, text in own.items() if _needs_only(text, names, package)}
        if len(kept) == len(own):
            break
        own = kept
    bare = re.compile(r"^(\s*)from\s+\.\s+import\s+", re.M)
    return {
        path: re.sub(r"^(\s*from\s+)\.(?=\w)", r"\1", bare.sub(r"\1import ", text), flags=re.M)
        for path, text in own.items()
    }


def _needs_only(text: str, names: set[str], package: str) -> bool:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] in {package, *names} for alias in node.names):
            return False
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if not node.level and module.split(".")[0] in {package, *names}:
                return False
            if node.level > 1 or (node.level and "." in module):
                return False
            if node.level and node.lineno != node.end_lineno and not module:
                return False
            wanted = {module} if module else {alias.name for alias in node.names}
            if node.level and not wanted <= names:
                return False
    return True


def _renamed(text: str, package: str, name: str, path: str) -> str:
    """Return a text in which the package has another name; with a path its relative imports become absolute."""
    bare = re.escape(package)
    text = re.sub(rf"^(\s*)import {bare}(?=\s*$)", rf"\1import {name} as {package}", text, flags=re.M)
    text = re.sub(rf"^(\s*(?:from|import)\s+){bare}(?=[.\s])", rf"\g<1>{name}", text, flags=re.M)
    text = re.sub(rf"(?<![\w.@/]){bare}(?=\.[A-Za-z_])", name, text)
    if not path:
        return text
    tree = _parsed(text)
    lines = text.split("\n")
    folders = path.split("/")[:-1]
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ImportFrom) and node.level:
            above = folders[: len(folders) - node.level + 1]
            module = ".".join((name, *above, *filter(None, [node.module])))
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line[: node.col_offset] + re.sub(
                r"^from\s*\.+[\w.]*", f"from {module}", line[node.col_offset :], count=1
            )
    return "\n".join(lines)


def _add_surroundings(repository: Repository, service: Service, random: Random) -> None:
    """Write what makes the root of a service known, and tests that import from it."""
    texts, home = repository.texts, service.home
    match service.style:
        case Style.SERVICE:
            texts[f"{home}/Dockerfile"] = (
                f"FROM python:3.11\nWORKDIR /app\nCOPY {home}/ /app/\nRUN pip install -r requirements.txt\n"
                f'CMD ["python", "-m", "{service.name}"]\n'
            )
        case Style.SRC:
            texts[f"{home}/README.md"] = f"# {service.name}\n"
        case Style.PYTHONPATH:
            makefile = texts.get("Makefile", "")
            texts["Makefile"] = f"{makefile}run-{service.name}:\n\tPYTHONPATH={home} python -m {service.name}\n"
        case _:
            pass
    folder = code_folder(service)
    modules = [path for path in repository.python_files() if path.startswith(folder) and "__main__" not in path]
    lines: list[str] = []
    for path in random.sample(modules, min(6, len(modules))):
        names = [name for name in _public(texts[path])[:3] if name.isascii()]
        inside = path[len(service.root) + 1 if service.root else 0 :].removesuffix(".py").removesuffix("/__init__")
        if names:
            lines.append(f"from {inside.replace('/', '.')} import {', '.join(names)}")
    label = service.name.rpartition(".")[2] or service.home.split("-")[0]
    if service.style is Style.PATH_EDIT:
        texts[f"scripts/run_{label}.py"] = _SCRIPT.format(root=service.root, imports="\n".join(lines))
    elif service.style in (Style.FLAT, Style.PREFIXED, Style.NAMESPACE):
        texts[f"tests/test_{label}.py"] = "\n".join([*lines, "", "", "def test_imports():", "    assert True", ""])
    elif service.style is Style.SCRIPTS:
        texts[f"{home}/start_{label}.py"] = "\n".join([*lines, "", 'if __name__ == "__main__":', "    print(1)", ""])
    else:
        texts[f"{service.root}/tests/test_{label}.py"] = "\n".join([*lines, "", "def test_imports():", "    pass", ""])


_SCRIPT = """\
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "{root}"))

{imports}

if __name__ == "__main__":
    print("started")
"""


def _beside(service: Service) -> tuple[str, ...]:
    label = service.name.rpartition(".")[2] or service.home.split("-")[0]
    return (f"scripts/run_{label}.py", f"tests/test_{label}.py", f"{service.root}/tests/test_{label}.py")


def _public(text: str) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in ast.parse(text).body if isinstance(node, kinds) and not node.name.startswith("_")]


def _has_code(text: str) -> bool:
    return any(not isinstance(node, ast.Expr) for node in ast.parse(text).body)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None
