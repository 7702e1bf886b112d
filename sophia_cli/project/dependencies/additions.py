"""How a requirement is added to the file that a project declares with, and how one leaves it."""

from __future__ import annotations

import re

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


def addition(declaration: Declaration, data: bytes, name: str, version: str | None) -> Edit | None:
    """Return the edit that makes the file ask for `name`, `version` or newer; None where the file leaves no place.

    A file in which versions are pinned gets a pin. What a resolver wrote, what has hashes and what is computed is left
    alone.
    """
    if declaration.is_compiled or any(requirement.has_hashes for requirement in declaration.requirements):
        return None
    text = read_text(data)
    specifier = _specifier(declaration, version)
    match declaration.format:
        case Format.REQUIREMENTS:
            return _line_at_end(declaration, text, data, name + specifier)
        case Format.PYPROJECT:
            return _in_pyproject(declaration, text, name, specifier)
        case Format.PIPFILE:
            return _in_table(declaration, text, read_toml(text.text), ("packages",), name, specifier)
        case Format.SETUP_CFG | Format.SETUP_PY:
            return _after_last(declaration, text, name + specifier)
        case _:
            return None


def _specifier(declaration: Declaration, version: str | None) -> str:
    if version is None:
        return ""
    main = [requirement for requirement in declaration.requirements if requirement.role is not Role.BUILD]
    pinned = sum(requirement.pinned is not None for requirement in main)
    return f"=={version}" if main and pinned * 2 > len(main) else f">={version}"


def _line_at_end(declaration: Declaration, text: DeclarationText, data: bytes, words: str) -> Edit:
    ending = _ending(text)
    has_end = not text.text or text.text.endswith(("\n", "\r"))
    line = words + ending if has_end else ending + words
    return Edit(declaration.path, len(data), len(data), line.encode(text.encoding))


def _ending(text: DeclarationText) -> str:
    return "\r\n" if "\r\n" in text.text else "\n"


def _in_pyproject(declaration: Declaration, text: DeclarationText, name: str, specifier: str) -> Edit | None:
    document = read_toml(text.text)
    array = document.value("project", "dependencies")
    if isinstance(array, TomlArray) and not array.is_open:
        if array.items:
            return _after_last(declaration, text, name + specifier)
        place = text.offset(array.start + 1)
        return Edit(declaration.path, place, place, f'"{name}{specifier}"'.encode())
    if document.has("tool", "poetry", "dependencies"):
        return _in_table(declaration, text, document, ("tool", "poetry", "dependencies"), name, specifier)
    section = next((one for one in document.sections if one.path == ("project",)), None)
    if section is None or array is not None or "dependencies" in declaration.dynamic:
        return None
    return _line_in(declaration, text, section, f'dependencies = ["{name}{specifier}"]')


def _in_table(
    declaration: Declaration,
    text: DeclarationText,
    document: TomlDocument,
    path: tuple[str, ...],
    name: str,
    specifier: str,
) -> Edit | None:
    section = next((one for one in document.sections if one.path == path), None)
    return None if section is None else _line_in(declaration, text, section, f'{name} = "{specifier or "*"}"')


def _line_in(declaration: Declaration, text: DeclarationText, section: TomlSection, words: str) -> Edit:
    """Return the edit that adds a line after the last pair of a section."""
    last = section.pairs[-1].value.end if section.pairs else section.start
    end = text.line_end(max(last - 1, section.start) if section.pairs else section.start)
    ending = _ending(text)
    has_end = text.text[:end].endswith(("\n", "\r"))
    place = text.offset(end)
    line = words + ending if has_end else ending + words
    return Edit(declaration.path, place, place, line.encode(text.encoding))


def _after_last(declaration: Declaration, text: DeclarationText, words: str) -> Edit | None:
    """Return the edit that adds an entry after the last one of the main list, in the way that one is written."""
    entries = [one for one in declaration.requirements if one.role is Role.MAIN and one.span.start < one.span.end]
    if not entries:
        return None
    last = entries[-1]
    data: bytes = text.text.encode(text.encoding)
    start, end = last.span.start - text.bom, last.span.end - text.bom
    whole = data[start:end].decode(text.encoding)
    ending = _ending(text)
    if declaration.format is Format.SETUP_CFG:
        if not whole.endswith(("\n", "\r")):
            return None
        indent = _indent(whole)
        return Edit(declaration.path, last.span.end, last.span.end, f"{indent}{words}{ending}".encode())
    quote = _quote(data, last.value.start - text.bom)
    if quote is None:
        return None
    stop = data.index(quote, last.value.end - text.bom) + 1 + text.bom
    if not whole.endswith(("\n", "\r")):
        return Edit(declaration.path, stop, stop, b", " + quote + words.encode() + quote)
    line = _indent(whole).encode() + quote + words.encode() + quote
    after = data[stop - text.bom : end].decode(text.encoding)
    if after.lstrip().startswith(","):
        return Edit(declaration.path, last.span.end, last.span.end, line + b"," + ending.encode())
    return Edit(declaration.path, stop, stop, b"," + ending.encode() + line)


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
