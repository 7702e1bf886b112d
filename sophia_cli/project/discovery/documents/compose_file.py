"""Services of compose files: those that are built from the project, or run a program of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sophia_cli.project.discovery.documents.command_line import split_words, started_by
from sophia_cli.project.discovery.documents.compose_details import env_files, health_path, variables, working_folder
from sophia_cli.project.discovery.documents.dockerfile import Reader, dockerfile_entry
from sophia_cli.project.discovery.documents.flags import filled_in
from sophia_cli.project.discovery.documents.yaml_lines import YamlNode, read_yaml, scalar
from sophia_cli.project.discovery.model import Doubt, Entry, Form
from sophia_cli.project.discovery.places import Places

_NAME = re.compile(r"(?:[\w.-]*[._-])?compose(?:[._-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_PUBLISHED = re.compile(r"(?:[\d.]+:)?(\d+)(?:-\d+)?:\d+(?:-\d+)?(?:/tcp)?")


def is_compose(path: str) -> bool:
    """Whether a file is a compose file by its name."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None


def compose_entries(path: str, text: str, places: Places, read: Reader) -> Iterator[Entry]:
    """Yield a file's services that are the project's own; databases and other images of others are none."""
    folder = path.rpartition("/")[0]
    lines = text.split("\n")
    services = read_yaml(text).child("services")
    hosts = tuple(service.key for service in services.children) if services is not None else ()
    for service in services.children if services is not None else ():
        build = service.child("build")
        command = service.child("command") or service.child("entrypoint")
        words = _words(command)
        image: Entry | None = None
        context = None
        if build is not None:
            inside = scalar(build.value) or build.text("context") or "."
            context = _folder(folder, inside)
            named = build.text("dockerfile") or "Dockerfile"
            image = _image(_folder(context, named), places, read)
        context = working_folder(service, folder, context, places)
        started = started_by(words, context, places) if words else None
        if started is not None and started.program.endswith(".sh") and image is not None:
            # The image's own start script, which the Dockerfile writes or copies.
            started = None if not started.files else started
        if build is None and (started is None or not started.files):
            continue
        if started is not None and not started.is_endless:
            continue
        files = started.files if started is not None else image.starts if image is not None else ()
        program = started.program if started is not None else image.framework if image is not None else ""
        yield Entry(
            path=path,
            line=service.line,
            form=Form.COMPOSE,
            text=lines[service.line - 1].strip(),
            framework=program,
            name=service.key,
            words=started.words if started is not None else image.words if image is not None else (),
            folder=context,
            starts=files,
            port=_port(service) or (started.port if started is not None else None) or (image.port if image else None),
            depends_on=tuple(_listed(service.child("depends_on"))),
            doubt=None if files else _doubt(image, started is not None and started.is_python),
            probe=health_path(service) or (image.probe if image else None),
            env=tuple(variables(service)),
            env_files=tuple(_folder(folder, file) for file in env_files(service)),
            hosts=hosts,
        )


def _doubt(image: Entry | None, is_python: bool) -> Doubt:
    if is_python or image is None or image.doubt is None:
        return Doubt.NOT_FOUND
    return image.doubt


def _image(path: str, places: Places, read: Reader) -> Entry | None:
    text = read(path) if path in places.files else None
    return dockerfile_entry(path, text, places, read) if text is not None else None


def _words(command: YamlNode | None) -> list[str]:
    if command is None:
        return []
    if command.value.startswith("[") or command.children:
        return [filled_in(word) for word in command.items()]
    written = command.value.strip()
    return split_words(filled_in(written if "\n" in written else scalar(written)))


def _port(service: YamlNode) -> int | None:
    ports = service.child("ports")
    if ports is None:
        return None
    for item in ports.items():
        match = _PUBLISHED.fullmatch(filled_in(item))
        if match and 0 < int(match.group(1)) < 65536:
            return int(match.group(1))
    for child in ports.children:
        published = child.text("published")
        published = filled_in(published)
        if published.isdigit() and 0 < int(published) < 65536:
            return int(published)
    return None


def _listed(node: YamlNode | None) -> list[str]:
    return [] if node is None else [name for name in node.items() if name]


def _folder(base: str, inside: str) -> str:
    joined = posixpath.normpath(posixpath.join(base, filled_in(inside)))
    return "" if joined == "." else joined
