"""Source roots in the older settings files of tools: setup.cfg, pytest.ini, tox.ini, mypy.ini, pyrightconfig.json."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator

from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap, normal_folder
from sophia_cli.project.imports.roots_pyproject import layout_roots, line_of, mapped_root

_SEARCHED = (("pytest", "pythonpath"), ("tool:pytest", "pythonpath"), ("pytest", "python_paths"), ("mypy", "mypy_path"))
_EXTRA_PATHS = re.compile(r'"(?:extraPaths|root)"\s*:\s*(\[[^\]]*\]|"[^"]*")')
_QUOTED = re.compile(r'"([^"]+)"')


def tool_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the roots of one settings file; none from what cannot be read."""
    base = path.rpartition("/")[0]
    if path.endswith(".json"):
        for match in _EXTRA_PATHS.finditer(text):
            for folder in _QUOTED.findall(match.group(1)):
                yield from _searched(path, base, folder, line_of(text, match.group(0)))
        return
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section, option in _SEARCHED:
        for folder in _option(parser, section, option).replace(",", " ").replace(":", " ").split():
            yield from _searched(path, base, folder, line_of(text, option))
    if path.endswith("setup.cfg") and (parser.has_section("metadata") or parser.has_section("options")):
        yield from layout_roots(path, base, 1, modules)
        line = line_of(text, "package_dir")
        for entry in _option(parser, "options", "package_dir").splitlines():
            package, equals, folder = entry.partition("=")
            if equals:
                yield from mapped_root(path, base, package.strip(), folder.strip(), line)
        for folder in _option(parser, "options.packages.find", "where").split():
            yield from mapped_root(path, base, "", folder, line_of(text, "where"))


def _searched(path: str, base: str, folder: str, line: int) -> Iterator[SourceRoot]:
    target = normal_folder(base, folder.replace("$MYPY_CONFIG_FILE_DIR", ".").split("/"))
    if target is not None:
        yield SourceRoot(target, Reason.TOOL, f"{path}:{line}", base)


def _option(parser: configparser.RawConfigParser, section: str, option: str) -> str:
    return parser.get(section, option, fallback="") if parser.has_section(section) else ""
