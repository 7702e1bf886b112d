"""`environment.yml`: Conda's list of packages, and pip's inside it. Only the shapes that such files have are read."""

from __future__ import annotations

import re

from sophia_cli.core.values import replace
from sophia_cli.project.dependencies.conda_names import distribution_of
from sophia_cli.project.dependencies.entry import entry, quoted_entry
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Problem, Requirement, Role
from sophia_cli.project.dependencies.requirements_file import resolve
from sophia_cli.project.dependencies.text import read_text
from sophia_cli.project.dependencies.versions import from_conda

_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:\s*(?:#.*)?")
_ITEM = re.compile(r"-\s+(.*?)\s*(?:\s#.*)?")
_PACKAGE = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(.*)")


def read_conda(path: str, data: bytes) -> Declaration:
    """Read an `environment.yml`; what cannot be read becomes problems, never an exception."""
    text = read_text(data)
    requirements: list[Requirement] = []
    includes: list[Include] = []
    problems: list[Problem] = []
    section = ""
    pip_indent = first_indent = -1
    for number, start in enumerate(text.starts):
        end = text.starts[number + 1] if number + 1 < len(text.starts) else len(text.text)
        line = text.text[start:end].rstrip("\r\n")
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        if not words or words.startswith("#"):
            continue
        if indent == 0 and (key := _KEY.fullmatch(words)):
            section, pip_indent, first_indent = key[1], -1, -1
            continue
        if indent == 0 and not words.startswith("-"):
            section = ""
        item = _ITEM.fullmatch(words)
        if section == "dependencies" and not problems and (told := _misplaced(line, indent, item, first_indent)):
            problems.append(Problem(path, number + 1, told))
        if section != "dependencies" or item is None:
            continue
        first_indent = indent if first_indent < 0 else first_indent
        body = item[1].strip("\"'")
        place = start + indent + words.index(body, 1) if body else start + indent
        if indent <= pip_indent:
            pip_indent = -1
        if re.fullmatch(r"pip\s*:", body):
            pip_indent = indent
        elif pip_indent >= 0:
            if body.startswith(("-r ", "--requirement ")):
                target = body.split(None, 1)[1]
                includes.append(Include(target, resolve(path, target), Role.MAIN, text.line(place)))
                continue
            found = quoted_entry(text, Role.MAIN, "", body, place=place, whole=(start, end))
            if isinstance(found, Requirement):
                requirements.append(found)
            elif not body.startswith("-"):
                problems.append(Problem(path, text.line(place), found))
        elif (package := _PACKAGE.fullmatch(body)) and (name := distribution_of(package[1])) is not None:
            version = package[2].strip()
            specifier = from_conda(version)
            if specifier is None and "|" not in version:
                problems.append(Problem(path, text.line(place), f"`{version}` is no version that Conda knows"))
            value = (place + package.start(2), place + package.end(2))
            found = entry(
                text, Role.MAIN, "", name=package[1], place=place, whole=(start, end), value=value,
                specifier=specifier or "", written=version,
            )  # fmt: skip
            requirements.append(replace(found, name=name, is_conda=True))
    return Declaration(path, Format.CONDA, tuple(requirements), tuple(includes), tuple(problems), declares_main=True)


def _misplaced(line: str, indent: int, item: re.Match[str] | None, first: int) -> str:
    """Return why YAML does not take a line of a list whose first entry is indented by `first`; empty where it does."""
    if "\t" in line[:indent]:
        return "YAML allows no tab in front of an entry"
    if item is not None and 0 <= indent < first:
        return "this entry stands further out than those above it, so this is no YAML"
    return ""
