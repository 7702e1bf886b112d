"""Details of a compose service: its folder through mounts, its variables, the path that its health check asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sophia_cli.project.discovery.documents.flags import filled_in
from sophia_cli.project.discovery.documents.yaml_lines import YamlNode, scalar
from sophia_cli.project.discovery.places import Places

_HEALTH = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(?:\d+|\$\{?\w+\}?))?(/[\w./-]*)")
_NAME = re.compile(r"[A-Za-z_]\w*")


def working_folder(service: YamlNode, folder: str, context: str | None, places: Places) -> str:
    """Return the project's folder in which a service's command runs; `context` is that of its image, None without."""
    inside = posixpath.normpath(filled_in(service.text("working_dir")) or "/")
    mounted = dict(_mounts(service.child("volumes"), folder))
    tail = ""
    place = inside
    while place not in ("", "/", "."):
        if mounted.get(place) in places.folders and mounted.get(place) is not None:
            return _existing(mounted[place], tail, places)
        place, _, last = place.rpartition("/")
        tail = posixpath.join(last, tail) if tail else last
    if context is None:
        sources = [source for source in mounted.values() if source in places.folders]
        return sources[0] if len(sources) == 1 else folder
    # The first folder of the image is where the context was copied to.
    below = inside.strip("/").partition("/")[2]
    return _existing(context, below, places)


def variables(service: YamlNode) -> Iterator[tuple[str, str | None]]:
    """Yield the variables of a service; None for a value that only the machine knows."""
    node = service.child("environment")
    if node is None:
        return
    if node.value.startswith("{"):
        for piece in node.value.strip("{}").split(","):
            name, _, value = piece.partition(":")
            yield from _variable(scalar(name), value.strip())
        return
    for child in node.children:
        if child.key:
            yield from _variable(child.key, child.value)
        else:
            name, equals, value = scalar(child.value).partition("=")
            yield from _variable(name, value if equals else "")
    for item in node.items() if node.value.startswith("[") else ():
        name, equals, value = item.partition("=")
        yield from _variable(name, value if equals else "")


def env_files(service: YamlNode) -> tuple[str, ...]:
    """Return the files of variables that a service is given."""
    node = service.child("env_file")
    if node is None:
        return ()
    if node.children or node.value.startswith("["):
        return tuple(child.text("path") or scalar(child.value) for child in node.children) or tuple(node.items())
    return (scalar(node.value),)


def health_path(service: YamlNode) -> str | None:
    """Return the path that a service's health check asks for."""
    check = service.child("healthcheck")
    test = check.child("test") if check is not None else None
    if test is None:
        return None
    return health_path_in(" ".join([test.value, *test.items()]))


def health_path_in(text: str) -> str | None:
    """Return the path of the first address of the machine itself in a text."""
    match = _HEALTH.search(text)
    return match.group(1) if match else None


def _variable(name: str, written: str) -> Iterator[tuple[str, str | None]]:
    value = filled_in(scalar(written))
    if _NAME.fullmatch(name):
        yield name, None if not value or "$" in value else value


def _mounts(node: YamlNode | None, folder: str) -> Iterator[tuple[str, str]]:
    for child in node.children if node is not None else ():
        source, target = child.text("source"), child.text("target")
        if not source:
            source, _, target = scalar(child.value).partition(":")
        if source.startswith("."):
            joined = posixpath.normpath(posixpath.join(folder, source))
            yield posixpath.normpath(target.partition(":")[0]), "" if joined == "." else joined


def _existing(base: str, below: str, places: Places) -> str:
    """Return the folder below a base, the base where the project has no such folder."""
    joined = posixpath.normpath(posixpath.join(base, below)) if below else base
    return joined if joined in places.folders and joined != "." else base
