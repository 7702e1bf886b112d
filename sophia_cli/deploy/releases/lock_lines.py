"""Lock files of Poetry, PDM and Pipenv as the lines of a requirements file: versions, markers and hashes as locked.

Only locks that say of each package when it is wanted (its groups and markers) can be read alone: Poetry's from 2.1 on,
PDM's with inherited metadata, Pipenv's. Development groups are left out; packages of extras are taken in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_MAIN_GROUPS = frozenset({"main", "default"})
# pip knows no extras of the project itself, and all of them are taken.
_EXTRA = re.compile(r"""extra\s*==\s*(?:"[^"]*"|'[^']*')""")
_ALWAYS = 'python_version >= "0"'


class UnreadableLock(Exception):
    """A lock that cannot be read alone; the text says why."""


def locked_lines(name: str, text: str) -> tuple[str, ...]:
    """Return the lines of a requirements file that stand for a lock file of that name; UnreadableLock."""
    try:
        if name == "Pipfile.lock":
            return tuple(_pipenv(json.loads(text)))
        import tomllib

        return tuple(_groups(tomllib.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableLock("it is not whole, or of a form that is not known") from error


def _groups(lock: Mapping[str, Any]) -> Iterator[str]:  # Any: TOML of any shape
    packages = lock.get("package", [])
    if not all("groups" in package for package in packages):
        raise UnreadableLock("it does not say which packages are for development")
    indexes: set[str] = set()
    for package in packages:
        groups = _MAIN_GROUPS.intersection(package["groups"])
        if not groups:
            continue
        source = package.get("source", {})
        if source.get("type") == "legacy":
            indexes.add(source["url"])
        hashes = [file["hash"] for file in package.get("files", ())]
        marker = package.get("markers", package.get("marker"))
        if isinstance(marker, dict):
            marker = marker.get(min(groups))
        yield _line(package["name"], _where(package, source), marker, hashes)
    yield from (f"--extra-index-url {url}" for url in sorted(indexes))


def _where(package: Mapping[str, Any], source: Mapping[str, Any]) -> str:  # Any: TOML of any shape
    """Return what stands behind a name: `==1.0`, or where it comes from."""
    git = package.get("git", source.get("url") if source.get("type") == "git" else None)
    if git is not None:
        return f" @ git+{git}@{package.get('revision') or source['resolved_reference']}"
    url = package.get("url", source.get("url") if source.get("type") == "url" else None)
    if url is not None:
        return f" @ {url}"
    path = package.get("path", source.get("url") if source.get("type") in ("directory", "file") else None)
    return f"=={package['version']}" if path is None else f" @ file:{path}"


def _pipenv(lock: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON of any shape
    for number, index in enumerate(lock["_meta"].get("sources", ())):
        yield f"{'--extra-index-url' if number else '--index-url'} {index['url']}"
    for name, package in lock["default"].items():
        if "git" in package:
            where = f" @ git+{package['git']}@{package['ref']}"
        elif "path" in package:
            where = f" @ file:{package['path']}"
        else:
            where = package["version"]
        yield _line(name, where, package.get("markers"), package.get("hashes", ()))


def _line(name: str, where: str, marker: str | None, hashes: Any) -> str:  # Any: a list of JSON or TOML
    wanted = f" ; {_EXTRA.sub(_ALWAYS, marker)}" if marker else ""
    return " ".join([f"{name}{where}{wanted}", *(f"--hash={one}" for one in sorted(set(hashes)))])
