"""Modules that a build step writes: version files and generated code, named by packaging settings."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.imports.modules import normal_folder

_SETTINGS = ("pyproject.toml", "setup.cfg", "setup.py", "meson.build", "hatch.toml")
_WRITTEN = late_pattern(
    r"""(?:write_to|version[_-]file|versionfile_source|version_path|build-file|generate)\s*["']?\s*[=:]\s*["']?([\w./-]+\.py)"""
)


def built_modules(documents: Mapping[str, bytes]) -> frozenset[str]:
    """Return the paths of Python files that settings say a build writes (setuptools-scm, hatch-vcs, versioneer)."""
    found: set[str] = set()
    for path, data in documents.items():
        base, _, name = path.rpartition("/")
        if name in _SETTINGS and b".py" in data:
            for written in _WRITTEN.findall(data.decode("utf-8", "replace")):
                target = normal_folder(base, written.split("/"))
                if target is not None:
                    found.add(target)
    return frozenset(found)
