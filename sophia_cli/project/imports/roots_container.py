"""Source roots of containers: what images copy and compose files mount where Python looks for modules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap, normal_folder

_INSTRUCTION = re.compile(r"\s*(FROM|WORKDIR|COPY|ADD|ENV)\s+(.*)", re.IGNORECASE | re.DOTALL)
_PYTHONPATH = re.compile(r"\bPYTHONPATH[= ]\s*\"?([^\s\"]+)")
_SERVICE = re.compile(r"^( +)[\w.-]+:[ \t]*\n(?:(?:\1 .*|[ \t]*(?:#.*)?)\n)*", re.MULTILINE)
_STARTS_IN = re.compile(r"\bworking_dir\s*:\s*[\"']?(/[^\s\"'#]*)")
_MOUNT = re.compile(r"^\s*-\s*[\"']?(\.{1,2}(?:/[^:\s\"']*)?):(/[^:\s\"'#]*)", re.MULTILINE)
_COMPOSE_PATH = re.compile(r"\bPYTHONPATH\s*[:=]\s*[\"']?([^\s\"'#]+)")
_FLAG = re.compile(r"--[\w-]+(?:=\S+)?\s+")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A folder of the project and where it lies in the image."""

    source: str
    target: str
    line: int


@dataclass(slots=True)
class _Image:
    folder: str = "/"
    copies: list[_Copy] = field(default_factory=list)
    searched: dict[str, int] = field(default_factory=dict)


def container_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the folders that become roots in the image: of the working folder and of PYTHONPATH.

    The build's context is the Dockerfile's own folder when what is copied lies there, else the project root. They hold
    for the files that are copied.
    """
    image = _Image()
    context = path.rpartition("/")[0]
    for line, instruction, rest in _instructions(text):
        match instruction:
            case "WORKDIR":
                image.folder = posixpath.normpath(posixpath.join(image.folder, rest.strip().strip("\"'")))
                image.searched.setdefault(image.folder, line)
            case "ENV":
                for found in _PYTHONPATH.findall(rest):
                    for folder in found.split(":"):
                        if folder and not folder.startswith("$"):
                            image.searched.setdefault(posixpath.normpath(posixpath.join(image.folder, folder)), line)
            case "COPY" | "ADD":
                image.copies.extend(_copies(rest, image.folder, context, modules, line))
    for searched in image.searched:
        for copy in image.copies:
            yield from _roots_of(path, searched, copy, image.copies)


def mounted_roots(path: str, text: str, modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the folders that become roots in the containers of a compose file, by what it mounts and starts in."""
    base = path.rpartition("/")[0]
    _, _, services = (text.rstrip("\n") + "\n").partition("services:")
    above = text.count("\n", 0, len(text) - len(services))
    for service in _SERVICE.finditer(services):
        start = above + services.count("\n", 0, service.start())
        copies: list[_Copy] = []
        for mount in _MOUNT.finditer(service[0]):
            source = normal_folder(base, mount[1].split("/"))
            if source is not None and source in modules.folders:
                line = start + service[0].count("\n", 0, mount.start(1)) + 1
                copies.append(_Copy(source, posixpath.normpath(mount[2]), line))
        searched = dict.fromkeys(posixpath.normpath(one) for one in _STARTS_IN.findall(service[0]))
        searched.update(
            dict.fromkeys(
                posixpath.normpath(folder)
                for found in _COMPOSE_PATH.findall(service[0])
                for folder in found.split(":")
                if folder.startswith("/")
            )
        )
        for one in searched:
            for copy in copies:
                yield from _roots_of(path, one, copy, copies)


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        first, joined = number + 1, lines[number]
        while joined.rstrip().endswith("\\") and number + 1 < len(lines):
            number += 1
            joined = joined.rstrip()[:-1] + " " + lines[number]
        number += 1
        match = _INSTRUCTION.match(joined)
        if match:
            yield first, match.group(1).upper(), match.group(2)


def _copies(rest: str, folder: str, context: str, modules: ModuleMap, line: int) -> Iterator[_Copy]:
    if "--from" in rest:
        return
    words = [word.strip("\"',[]") for word in _FLAG.sub("", rest).split()]
    words = [word for word in words if word]
    if len(words) < 2:
        return
    target = posixpath.normpath(posixpath.join(folder, words[-1]))
    for word in words[:-1]:
        for base in dict.fromkeys((context, "")):
            source = normal_folder(base, word.removesuffix("*").split("/"))
            if source is not None and source in modules.folders:
                yield _Copy(source, target, line)
                break


def _roots_of(path: str, searched: str, copy: _Copy, copies: list[_Copy]) -> Iterator[SourceRoot]:
    evidence = f"{path}:{copy.line}"
    if copy.target == searched:
        scopes = [other.source for other in copies] if copy.source else [""]
        for scope in scopes:
            yield SourceRoot(copy.source, Reason.CONTAINER, evidence, scope)
    elif copy.target.startswith(searched.rstrip("/") + "/"):
        package = copy.target[len(searched.rstrip("/")) + 1 :].replace("/", ".")
        for other in copies:
            yield SourceRoot(copy.source, Reason.CONTAINER, evidence, other.source, package)
    elif searched.startswith(copy.target.rstrip("/") + "/"):
        inside = searched[len(copy.target.rstrip("/")) + 1 :]
        folder = normal_folder(copy.source, inside.split("/"))
        if folder is not None:
            yield SourceRoot(folder, Reason.CONTAINER, evidence, copy.source)
