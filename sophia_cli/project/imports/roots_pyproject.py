"""Source roots that a `pyproject.toml` declares, for builds and for tools."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator

from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap, normal_folder

Table = dict[str, object]
_Mapped = Callable[[str, str, str], Iterator[SourceRoot]]
_NO_PACKAGES = frozenset(
    {"tests", "test", "docs", "doc", "examples", "example", "scripts", "tools", "benchmarks", "build"}
)


def pyproject_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the roots of one `pyproject.toml`; none when it is no TOML."""
    try:
        document: Table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    base = path.rpartition("/")[0]
    tools = table(document, "tool")
    if "project" in document or "build-system" in document or "poetry" in tools:
        yield from _build_roots(path, base, document, tools, modules, text)
    for folder, key in _tool_folders(tools):
        target = normal_folder(base, folder.split("/"))
        if target is not None:
            yield SourceRoot(target, Reason.TOOL, f"{path}:{line_of(text, key)}", base)


def table(values: Table, *keys: str) -> Table:
    """Return the table at the end of these keys, an empty one where there is none."""
    for key in keys:
        inner = values.get(key)
        if not isinstance(inner, dict):
            return {}
        values = inner
    return values


def texts(value: object) -> list[str]:
    """Return the strings of a list, or the one string."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def line_of(text: str, needle: str) -> int:
    """Return the line, from 1, on which a text first stands; 1 when it does not."""
    position = text.find(needle)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1


def layout_roots(
    path: str, base: str, line: int, modules: ModuleMap, own_name: str | None = None
) -> Iterator[SourceRoot]:
    """Yield the roots of a project that does not say where its packages are: `src` when it is there, and beside it.

    `own_name` is the only package that the build would find beside the declaration; None when it takes them all, as
    setuptools does. A declaration that lies inside a package speaks of a package below of its own name at most.
    """
    inside = bool(base) and modules.is_package(base)
    if base and not inside:
        yield SourceRoot(base, Reason.PACKAGING, f"{path}:{line}", base)
    for name in modules.packages_in(base) if base else ():
        is_own = name == own_name if own_name is not None else not inside and name.lower() not in _NO_PACKAGES
        if is_own or name == base.rpartition("/")[2]:
            yield SourceRoot(f"{base}/{name}", Reason.PACKAGING, f"{path}:{line}", package=name)
    source = f"{base}/src" if base else "src"
    if source in modules.folders and not modules.is_package(source):
        yield SourceRoot(source, Reason.PACKAGING, f"{path}:{line}")


def mapped_root(path: str, base: str, package: str, folder: str, line: int) -> Iterator[SourceRoot]:
    """Yield the root that a package-to-folder entry makes (`"" = "src"`, `"shop" = "lib/shop"`)."""
    target = normal_folder(base, folder.split("/"))
    if target is not None:
        yield SourceRoot(target, Reason.PACKAGING, f"{path}:{line}", package=package)


def _build_roots(
    path: str, base: str, document: Table, tools: Table, modules: ModuleMap, text: str
) -> Iterator[SourceRoot]:
    first = line_of(text, "[project]") if "project" in document else line_of(text, "[tool.poetry]")
    backend = " ".join(texts(table(document, "build-system").get("build-backend")))
    takes_all = "setuptools" in backend or "pdm" in backend
    names = (*texts(table(document, "project").get("name")), *texts(table(tools, "poetry").get("name")), "")
    own_name = None if takes_all else names[0].lower().replace("-", "_").replace(".", "_")
    yield from layout_roots(path, base, first, modules, own_name)

    def mapped(package: str, folder: str, key: str) -> Iterator[SourceRoot]:
        return mapped_root(path, base, package, folder, line_of(text, key))

    for package, folder in _pairs(table(tools, "setuptools", "package-dir")):
        yield from mapped(package, folder, "package-dir")
    for folder in texts(table(tools, "setuptools", "packages", "find").get("where")):
        yield from mapped("", folder, "where")
    yield from _poetry(tools, mapped)
    hatch = table(tools, "hatch", "build")
    for section in (hatch, table(hatch, "targets", "wheel")):
        for folder in texts(section.get("packages")):
            yield from mapped(folder.strip("/").rpartition("/")[2], folder, "packages")
        for folder in (*texts(section.get("sources")), *texts(section.get("dev-mode-dirs"))):
            yield from mapped("", folder, folder)
        for source, name in (*_pairs(section.get("sources")), *_pairs(section.get("force-include"))):
            if not name.endswith(".py"):
                yield from mapped(name.strip("/").replace("/", "."), source, source)
    for keys, option in (
        (("pdm", "build"), "package-dir"),
        (("pdm",), "package-dir"),
        (("uv", "build-backend"), "module-root"),
        (("maturin",), "python-source"),
    ):
        for folder in texts(table(tools, *keys).get(option)):
            yield from mapped("", folder, option)
    for folder in texts(table(tools, "scikit-build", "wheel").get("packages")):
        yield from mapped(folder.strip("/").rpartition("/")[2], folder, "packages")


def _poetry(tools: Table, mapped: _Mapped) -> Iterator[SourceRoot]:
    packages = table(tools, "poetry").get("packages")
    for entry in packages if isinstance(packages, list) else []:
        if isinstance(entry, dict):
            include, source, to = entry.get("include"), entry.get("from"), entry.get("to")
            if isinstance(source, str):
                yield from mapped("", source, source)
            if isinstance(include, str) and "*" not in include:
                folder = f"{source}/{include}" if isinstance(source, str) else include
                name = f"{to}/{include}" if isinstance(to, str) else include
                yield from mapped(name.strip("/").replace("/", "."), folder, include)


def _tool_folders(tools: Table) -> Iterable[tuple[str, str]]:
    """Return folders that test and type tools search, with the key that names them."""
    for keys, option in (
        (("pytest", "ini_options"), "pythonpath"),
        (("pytest",), "pythonpath"),
        (("mypy",), "mypy_path"),
        (("pyright",), "extraPaths"),
        (("basedpyright",), "extraPaths"),
        (("ty", "environment"), "extra-paths"),
        (("ty", "environment"), "root"),
        (("pyrefly",), "search-path"),
        (("ruff",), "src"),
        (("isort",), "src_paths"),
        (("pylint", "main"), "source-roots"),
    ):
        for value in texts(table(tools, *keys).get(option)):
            for folder in value.replace("$MYPY_CONFIG_FILE_DIR", ".").replace(":", ",").split(","):
                for one in folder.split():
                    yield one, option
    for name in ("pyright", "basedpyright"):
        environments = table(tools, name).get("executionEnvironments")
        for entry in environments if isinstance(environments, list) else []:
            if isinstance(entry, dict):
                for folder in (*texts(entry.get("root")), *texts(entry.get("extraPaths"))):
                    yield folder, "executionEnvironments"


def _pairs(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    return [(key, item) for key, item in value.items() if isinstance(key, str) and isinstance(item, str)]
