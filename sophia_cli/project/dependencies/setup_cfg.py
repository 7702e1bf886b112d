"""`setup.cfg`: setuptools' declarative options, read line by line with places."""

from __future__ import annotations

import re

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.dependencies.entry import quoted_entry, unfinished_entry
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Problem, Requirement, Role
from sophia_cli.project.dependencies.requirements_file import resolve
from sophia_cli.project.dependencies.text import DeclarationText, read_text

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:[#;].*)?")
_OPTION = re.compile(r"([^\s=:#;\[][^=:]*?)\s*[=:]\s*(.*)")
_FILE = re.compile(r"file:\s*(.*)")
_ROLES = {"install_requires": Role.MAIN, "setup_requires": Role.BUILD, "tests_require": Role.DEV}


@dataclass(frozen=True, slots=True)
class Value:
    """One line of an option's value: its words, where they begin and the range of the line."""

    words: str
    place: int
    whole: tuple[int, int]


@dataclass(slots=True)
class Option:
    """One option of a section, with the lines of its value."""

    section: str
    name: str
    values: list[Value] = field(default_factory=list)


def read_setup_cfg(path: str, data: bytes) -> Declaration:
    """Read a `setup.cfg`; what cannot be read becomes problems, never an exception."""
    text = read_text(data)
    requirements: list[Requirement] = []
    includes: list[Include] = []
    problems = _refused(path, text)
    distribution = ""
    options = read_options(text)
    for option in options:
        if option.section == "metadata" and option.name == "name" and option.values:
            distribution = option.values[0].words
        role, group = _role(option)
        if role is None:
            continue
        for value in option.values:
            if found := _FILE.fullmatch(value.words):
                for target in found[1].split(","):
                    if target.strip():
                        name = target.strip()
                        includes.append(Include(name, resolve(path, name), role, text.line(value.place)))
                continue
            requirement = quoted_entry(text, role, group, value.words, place=value.place, whole=value.whole)
            if isinstance(requirement, str):
                problems.append(Problem(path, text.line(value.place), requirement))
                requirements += unfinished_entry(text, role, group, value.words, place=value.place, whole=value.whole)
            else:
                requirements.append(requirement)
    return Declaration(
        path,
        Format.SETUP_CFG,
        tuple(requirements),
        tuple(includes),
        tuple(problems),
        distribution=distribution,
        declares_main=any(option.section == "options" for option in options),
    )


def _refused(path: str, text: DeclarationText) -> list[Problem]:
    """Return what keeps setuptools from reading the file at all: its first fault, or nothing."""
    if text.encoding == "latin-1":
        return [Problem(path, 1, "setuptools reads this file as UTF-8, which it is not")]
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as setuptools does
    try:
        parser.read_string(text.text)
    except Error as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (1, ""))[0]
        if type(error).__name__.startswith("Duplicate"):
            return [Problem(path, line, "this name is there already, so nothing in this file can be read")]
        return [Problem(path, line, "this line is no section and no option, so nothing in this file can be read")]
    return []


def _role(option: Option) -> tuple[Role | None, str]:
    if option.section == "options":
        return _ROLES.get(option.name), ""
    if option.section == "options.extras_require":
        return Role.OPTIONAL, option.name
    # Distutils2 and d2to1 (pbr's ancestors) knew this name.
    if option.section == "metadata" and option.name == "requires_dist":
        return Role.MAIN, ""
    return None, ""


def read_options(text: DeclarationText) -> list[Option]:
    """Return the options of an INI text in their order; what is no option is passed over."""
    options: list[Option] = []
    section = ""
    is_inside = False
    for number, start in enumerate(text.starts):
        end = text.starts[number + 1] if number + 1 < len(text.starts) else len(text.text)
        line = text.text[start:end].rstrip("\r\n")
        words = line.strip()
        if not words or words.startswith(("#", ";")):
            continue
        indent = len(line) - len(line.lstrip())
        if indent and is_inside:
            options[-1].values.append(_value(words, start + indent, (start, end)))
        elif found := _SECTION.fullmatch(words):
            section, is_inside = found[1].strip(), False
        elif found := _OPTION.fullmatch(words):
            name = found[1].strip()
            is_extra = section == "options.extras_require"
            option = Option(section, name if is_extra else name.lower().replace("-", "_"))
            if found[2].strip():
                place = start + indent + found.start(2)
                option.values.append(_value(found[2].strip(), place, (place, place + len(found[2].strip()))))
            options.append(option)
            is_inside = True
        else:
            is_inside = False
    return options


def _value(words: str, place: int, whole: tuple[int, int]) -> Value:
    cut = re.split(r"\s[#]", words, maxsplit=1)[0].rstrip()
    return Value(cut, place, whole)
