"""What a Python file that does not compile still says about services: read line by line, strings covered up."""

from __future__ import annotations

import re
from bisect import bisect_right

from sophia_cli.project.code.tolerant_mask import JOIN, masked
from sophia_cli.project.discovery.python.facts import BuiltApp, Imported, Place, PythonFacts, ServeCall
from sophia_cli.project.discovery.python.frameworks import builder_of, server_of

_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+\(?([^#\n()]*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w.]+)(?:[ \t]+as[ \t]+(\w+))?", re.MULTILINE)
_BUILT = re.compile(
    r"^([ \t]*)(self\.)?(\w+)[ \t]*(?::[^=\n]*)?=[ \t]*(?:await[ \t]+)?([A-Za-z_][\w.]*)\(", re.MULTILINE
)
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(")
_MAIN = re.compile(r"^if[ \t]+__name__[ \t]*==", re.MULTILINE)
_DEF = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_PORT = re.compile(r"\bport[ \t]*=[ \t]*(\d{2,5})\b")
_CALL_SPAN = 400


def read_broken(text: str) -> PythonFacts:
    """Return what a broken text says: applications, calls that serve, its main block. Never fails; linear."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    code = masked(text).text.replace(JOIN, "\x01")
    lines = _Lines(text)
    names, imports = _imports(code)

    def followed(dotted: str) -> str:
        first, dot, rest = dotted.partition(".")
        return names.get(first, first) + dot + rest

    apps = []
    for match in _BUILT.finditer(code):
        indent, is_self, name, dotted = match.groups()
        framework = builder_of(followed(dotted), dotted.partition(".")[0] in names)
        if framework is not None and (is_self or not indent):
            place = Place.SELF if is_self else Place.MODULE
            apps.append(BuiltApp(framework, place, name, lines.of(match.start(4))))
    calls = []
    for match in _CALLED.finditer(code):
        server = server_of(followed(match.group(1)))
        if server is not None:
            port = _PORT.search(code, match.end(), match.end() + _CALL_SPAN)
            calls.append(ServeCall(server, lines.of(match.start()), "", int(port.group(1)) if port else None))
    main = _MAIN.search(code)
    return PythonFacts(
        apps=tuple(apps),
        calls=tuple(calls),
        imports=tuple(imports),
        functions=tuple((match.group(1), lines.of(match.start())) for match in _DEF.finditer(code)),
        main_line=lines.of(main.start()) if main else None,
        compiles=False,
    )


def _imports(code: str) -> tuple[dict[str, str], list[Imported]]:
    names: dict[str, str] = {}
    imports: list[Imported] = []
    for match in _FROM.finditer(code):
        dots, module, listed = match.groups()
        for item in listed.split(","):
            words = item.split()
            if words and words[0].isidentifier():
                alias = words[2] if len(words) == 3 and words[1] == "as" else words[0]
                names[alias] = dots + f"{module}.{words[0]}".lstrip(".")
                imports.append(Imported(module, words[0], len(dots), alias))
    for match in _IMPORT.finditer(code):
        module, asname = match.groups()
        top = module.partition(".")[0]
        names[asname or top] = module if asname else top
        imports.append(Imported(module, "", 0, asname or module))
    return names, imports


class _Lines:
    """Line numbers of rising positions, counted once over the text."""

    def __init__(self, text: str) -> None:
        self._starts = [match.end() for match in re.finditer("\n", text)]

    def of(self, position: int) -> int:
        return bisect_right(self._starts, position) + 1
