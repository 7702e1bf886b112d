"""From what a service is started with to the files that this starts."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Container, Iterable, Iterator, Sequence

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.settings.service_model import Service

_MODULE = late_pattern(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::[A-Za-z_][\w.]*(?:\(.*\))?)?")
_IMPORTED = late_pattern(r"\bfrom[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b")
_OPTION_VALUE = late_pattern(r"--?[A-Za-z][\w-]*=(?P<value>.+)")


def entry_files(service: Service, files: Container[str], roots: Sequence[str]) -> tuple[str, ...]:
    """Return the project's files that a service is started from, none where its command names no file of the project.

    `files` are the Python files of the project, `roots` the folders that modules are imported from (relative to the
    project root, empty for it). A script counts from the service's working folder, and so does a module, before the
    roots. Packages count with their `__init__` and, run with `-m`, their `__main__`.
    """
    folder = "" if service.cwd in ("", ".") else posixpath.normpath(service.cwd)
    places = list(dict.fromkeys((folder, "", *roots)))
    found: dict[str, None] = {}
    for word in _words(service):
        found.update(dict.fromkeys(_files_of(word, folder, places, files)))
    return tuple(found)


def _words(service: Service) -> Iterator[str]:
    """Return the words that may name what is started."""
    if service.app is not None:
        yield service.app
    if service.command is None:
        return
    words: Iterable[str] = service.command.words
    if service.command.shell:
        words = (part for text in service.command.words for part in _split(text))
    for word in words:
        option = _OPTION_VALUE.fullmatch(word)
        yield option["value"] if option else word
        # `python -c "from shop.web import main; main()"`
        yield from _IMPORTED.findall(word)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _files_of(word: str, folder: str, places: Sequence[str], files: Container[str]) -> Iterator[str]:
    script = posixpath.normpath(posixpath.join(folder, word))
    if word.endswith((".py", ".pyw")):
        if script in files:
            yield script
        return
    main = posixpath.join(script, "__main__.py")
    if "/" in word and main in files:
        yield main
    match = _MODULE.fullmatch(word)
    if match is None:
        return
    below = match["module"].replace(".", "/")
    for place in places:
        base = posixpath.join(place, below)
        found = [name for name in (f"{base}.py", f"{base}/__init__.py", f"{base}/__main__.py") if name in files]
        if found:
            yield from found
            return
