"""How every reader makes a Requirement from places in its text."""

from __future__ import annotations

from sophia_cli.project.dependencies.model import Requirement, Role, Span
from sophia_cli.project.dependencies.names import Parsed, normalised, parse_requirement, parse_unfinished
from sophia_cli.project.dependencies.text import DeclarationText


def entry(
    text: DeclarationText,
    role: Role,
    group: str,
    *,
    name: str,
    place: int,
    whole: tuple[int, int],
    value: tuple[int, int],
    extras: tuple[str, ...] = (),
    specifier: str = "",
    written: str | None = None,
    marker: str = "",
    url: str | None = None,
    is_editable: bool = False,
    has_hashes: bool = False,
    is_table_entry: bool = False,
) -> Requirement:
    """Return the requirement; `place`, `whole` and `value` are places in the text, `written` the specifier's words."""
    return Requirement(
        name=normalised(name),
        written=name,
        extras=extras,
        specifier=specifier,
        specifier_written=specifier if written is None else written,
        marker=marker,
        url=url,
        role=role,
        group=group,
        line=text.line(place),
        column=text.column(place),
        span=text.span(*whole),
        value=Span(text.offset(value[0]), text.offset(value[1])),
        is_editable=is_editable,
        has_hashes=has_hashes,
        is_table_entry=is_table_entry,
    )


def parsed_entry(
    text: DeclarationText,
    role: Role,
    group: str,
    parsed: Parsed,
    *,
    place: int,
    whole: tuple[int, int],
    has_hashes: bool = False,
) -> Requirement:
    """Return the requirement that PEP 508 words, standing in the text at `place`, say."""
    return entry(
        text,
        role,
        group,
        name=parsed.name,
        place=place,
        whole=whole,
        value=(place + parsed.start, place + parsed.end),
        extras=parsed.extras,
        specifier=parsed.specifier,
        marker=parsed.marker,
        url=parsed.url,
        has_hashes=has_hashes,
    )


def quoted_entry(
    text: DeclarationText, role: Role, group: str, words: str, *, place: int, whole: tuple[int, int]
) -> Requirement | str:
    """Return the requirement that a quoted string says, or why it says none; `place` is where its words begin."""
    parsed = parse_requirement(words)
    if isinstance(parsed, str):
        return parsed
    return parsed_entry(text, role, group, parsed, place=place, whole=whole)


def unfinished_entry(
    text: DeclarationText, role: Role, group: str, words: str, *, place: int, whole: tuple[int, int]
) -> tuple[Requirement, ...]:
    """Return the requirement, of any version, of words whose version was never finished; nothing for others."""
    parsed = parse_unfinished(words)
    return () if parsed is None else (parsed_entry(text, role, group, parsed, place=place, whole=whole),)
