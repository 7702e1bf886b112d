"""How a requirement is added to the file that a project declares with, and how one leaves it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sophia_cli.core.findings import Edit
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.text import DeclarationText, read_text
from sophia_cli.project.dependencies.toml_reader import TomlArray, TomlDocument, TomlSection, read_toml

_INDENT = re.compile(r"[ \t]*")


def removal(declaration: Declaration, requirement: Requirement) -> Edit | None:
    """Return the edit that takes the entry out and keeps the file's layout, None where cutting will not do."""
    span = requirement.span
    return None if span.start == span.end else Edit(declaration.path, span.start, span.end, b"")


def replacement(declaration: Declaration, requirement: Requirement, specifier: str) -> Edit | None:
    """Return the edit that gives the entry another specifier in the file's own way of writing, None where it cannot."""
    if requirement.url is not None:
        return None
    words = specifier
    if declaration.format is Format.PIPFILE or requirement.is_table_entry:
        words = specifier or "*"
        if requirement.value.start == requirement.value.end:
            return None
    return Edit(declaration.path, requirement.value.start, requirement.value.end, words.encode())


def addition(
    declaration: Declaration, data: bytes, wanted: Mapping[str, str | None], groups: Sequence[str] = ()
) -> Edit | None:
    """Return the edit that makes the file ask for what is wanted; None where the file leaves no place or nothing is.

    `wanted` gives the version of each distribution, or a newer one, None for any. With `groups` it is only needed to
    develop: it goes to the first of these extras or groups that is there, and nowhere where the file has none of them.

    A file in which versions are pinned gets a pin. What a resolver wrote, what has hashes, what is computed, what is no
    text and what has an unfinished merge is left alone.
    """
    is_left_alone = declaration.is_compiled or any(requirement.has_hashes for requirement in declaration.requirements)
    if is_left_alone or declaration.is_unmerged or not wanted:
        return None
    text = read_text(data)
    if "\0" in text.text:
        return None
    specifiers = {name: _specifier(declaration, version) for name, version in wanted.items()}
    words = [name + specifier for name, specifier in specifiers.items()]
    if groups and declaration.format is not Format.REQUIREMENTS:
        return _for_development(declaration, text, specifiers, words, groups)
    match declaration.format:
        case Format.REQUIREMENTS:
            return _lines_at_end(declaration, text, data, words)
        case Format.PYPROJECT:
            return _in_pyproject(declaration, text, specifiers, words)
        case Format.PIPFILE:
            return _in_table(declaration, text, read_toml(text.text), ("packages",), specifiers)
        case Format.PIXI:
            return _in_table(declaration, text, read_toml(text.text), ("pypi-dependencies",), specifiers)
        case Format.SETUP_CFG | Format.SETUP_PY:
            return _after_last(declaration, text, words)
        case _:
            return None


def _for_development(
    declaration: Declaration,
    text: DeclarationText,
    specifiers: Mapping[str, str],
    words: Sequence[str],
    groups: Sequence[str],
) -> Edit | None:
    if declaration.format not in (Format.PYPROJECT, Format.PIPFILE, Format.PIXI):
        return None
    document = read_toml(text.text)
    if declaration.format is Format.PIPFILE:
        return _in_table(declaration, text, document, ("dev-packages",), specifiers)
    above: tuple[str, ...] = ("tool", "pixi") if declaration.format is Format.PYPROJECT else ()
    for group in groups:
        if declaration.format is Format.PYPROJECT:
            for path in (
                ("dependency-groups", group),
                ("project", "optional-dependencies", group),
                ("tool", "pdm", "dev-dependencies", group),
            ):
                array = document.value(*path)
                if isinstance(array, TomlArray) and not array.is_open:
                    return _in_array(declaration, text, array, words)
        for table in (
            ("tool", "poetry", "group", group, "dependencies"),
            (*above, "feature", group, "pypi-dependencies"),
        ):
            if edit := _in_table(declaration, text, document, table, specifiers):
                return edit
    if edit := _in_table(declaration, text, document, ("tool", "poetry", "dev-dependencies"), specifiers):
        return edit
    array = document.value("tool", "uv", "dev-dependencies")
    return _in_array(declaration, text, array, words) if isinstance(array, TomlArray) and not array.is_open else None


def _in_array(declaration: Declaration, text: DeclarationText, array: TomlArray, words: Sequence[str]) -> Edit | None:
    """Return the edit that adds to an array of requirements, behind its last one."""
    if not array.items:
        place = text.offset(array.start + 1)
        return Edit(declaration.path, place, place, _quoted(words).encode())
    start, end = text.offset(array.start), text.offset(array.end)
    inside = [one for one in declaration.requirements if start < one.value.start < end]
    return _behind(declaration, text, inside[-1], words) if inside else None


def _specifier(declaration: Declaration, version: str | None) -> str:
    if version is None:
        return ""
    main = [requirement for requirement in declaration.requirements if requirement.role is not Role.BUILD]
    pinned = sum(requirement.pinned is not None for requirement in main)
    return f"=={version}" if main and pinned * 2 > len(main) else f">={version}"


def _lines_at_end(declaration: Declaration, text: DeclarationText, data: bytes, words: Sequence[str]) -> Edit:
    ending = _ending(text)
    has_end = not text.text or text.text.endswith(("\n", "\r"))
    lines = ending.join(words)
    lines = lines + ending if has_end else ending + lines
    return Edit(declaration.path, len(data), len(data), lines.encode(text.encoding))


def _ending(text: DeclarationText) -> str:
    return "\r\n" if "\r\n" in text.text else "\n"


def _in_pyproject(
    declaration: Declaration, text: DeclarationText, specifiers: Mapping[str, str], words: Sequence[str]
) -> Edit | None:
    document = read_toml(text.text)
    array = document.value("project", "dependencies")
    if isinstance(array, TomlArray) and not array.is_open:
        return _in_array(declaration, text, array, words)
    if document.has("tool", "poetry", "dependencies"):
        return _in_table(declaration, text, document, ("tool", "poetry", "dependencies"), specifiers)
    section = next((one for one in document.sections if one.path == ("project",)), None)
    if section is None or array is not None or "dependencies" in declaration.dynamic:
        return None
    return _lines_in(declaration, text, section, [f"dependencies = [{_quoted(words)}]"])


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{one}"' for one in words)


def _in_table(
    declaration: Declaration,
    text: DeclarationText,
    document: TomlDocument,
    path: tuple[str, ...],
    specifiers: Mapping[str, str],
) -> Edit | None:
    section = next((one for one in document.sections if one.path == path), None)
    if section is None:
        return None
    return _lines_in(declaration, text, section, [_pair(name, words) for name, words in specifiers.items()])


def _pair(name: str, specifier: str) -> str:
    return f'{name} = "{specifier}"' if specifier else f'{name} = "*"'


def _lines_in(declaration: Declaration, text: DeclarationText, section: TomlSection, words: Sequence[str]) -> Edit:
    """Return the edit that adds lines after the last pair of a section."""
    last = section.pairs[-1].value.end if section.pairs else section.start
    end = text.line_end(max(last - 1, section.start) if section.pairs else section.start)
    ending = _ending(text)
    has_end = text.text[:end].endswith(("\n", "\r"))
    place = text.offset(end)
    lines = ending.join(words)
    lines = lines + ending if has_end else ending + lines
    return Edit(declaration.path, place, place, lines.encode(text.encoding))


def _after_last(declaration: Declaration, text: DeclarationText, words: Sequence[str]) -> Edit | None:
    """Return the edit that adds entries after the last one of the main list, in the way that one is written."""
    entries = [one for one in declaration.requirements if one.role is Role.MAIN and one.span.start < one.span.end]
    return _behind(declaration, text, entries[-1], words) if entries else None


def _behind(declaration: Declaration, text: DeclarationText, last: Requirement, words: Sequence[str]) -> Edit | None:
    """Return the edit that adds entries behind one of a list; None where that is not cut out as a whole."""
    if last.span.start == last.span.end:
        return None
    data: bytes = text.text.encode(text.encoding)
    start, end = last.span.start - text.bom, last.span.end - text.bom
    whole = data[start:end].decode(text.encoding)
    ending = _ending(text)
    if declaration.format is Format.SETUP_CFG:
        if not whole.endswith(("\n", "\r")):
            return None
        indent = _indent(whole)
        lines = "".join(f"{indent}{one}{ending}" for one in words)
        return Edit(declaration.path, last.span.end, last.span.end, lines.encode())
    quote = _quote(data, last.value.start - text.bom)
    if quote is None:
        return None
    stop = data.index(quote, last.value.end - text.bom) + 1 + text.bom
    if not whole.endswith(("\n", "\r")):
        return Edit(declaration.path, stop, stop, b"".join(b", " + quote + one.encode() + quote for one in words))
    made = [_indent(whole).encode() + quote + one.encode() + quote for one in words]
    after = data[stop - text.bom : end].decode(text.encoding)
    if after.lstrip().startswith(","):
        wrapped = b"".join(line + b"," + ending.encode() for line in made)
        return Edit(declaration.path, last.span.end, last.span.end, wrapped)
    return Edit(declaration.path, stop, stop, b"".join(b"," + ending.encode() + line for line in made))


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""


def _quote(data: bytes, place: int) -> bytes | None:
    """Return the quote that the string around `place` begins with."""
    for at in range(place - 1, -1, -1):
        if data[at : at + 1] in (b'"', b"'"):
            return data[at : at + 1]
        if data[at : at + 1] in (b"\n", b"\r"):
            return None
    return None
