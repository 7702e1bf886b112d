"""Names that a module has to import or define before its code begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

_ONE_LINE = re.compile(r"^from typing import (\w[\w, ]*)$", re.M)
_BRACKETED = re.compile(r"^from typing import \(([^)]*)\)", re.M)
_IMPORT = re.compile(r"(?:import|from)\s+[\w.]+")
_HEADER = re.compile(r"(?:def|class|async)\b|@")
_SPECIAL = re.compile(r"#!|#.*?coding[:=]")
_TEXT = re.compile(r"[rRuU]?[\"']")
_CLOSES_TEXT = re.compile(r"\"\"\"\s*(?:#.*)?$|'''\s*(?:#.*)?$")


def with_declarations(text: str, mask: str, typing_names: Iterable[str], rows: Sequence[str]) -> str:
    """Return the text with the names imported from `typing` where they are not, and the rows below its imports.

    `mask` is the text with blanks for strings and comments. Comments, a docstring and imports stay in front.
    """
    known = {name for pattern in (_ONE_LINE, _BRACKETED) for names in pattern.findall(mask) for name in _names(names)}
    missing = sorted(set(typing_names) - known)
    lines, masked_lines = text.split("\n"), mask.split("\n")
    place = _below_imports(lines, masked_lines)
    imports: list[str] = []
    existing = next((i for i, line in enumerate(masked_lines[:place]) if _ONE_LINE.fullmatch(line.rstrip())), None)
    if missing and existing is not None:
        lines[existing] = _extended(lines[existing], masked_lines[existing].rstrip(), missing)
    elif missing:
        imports.append(f"from typing import {', '.join(missing)}")
    block = [*imports, *([""] if imports and rows else []), *rows]
    if not block:
        return "\n".join(lines)
    if place and lines[place - 1].strip() and not (imports and _ends_import(masked_lines[place - 1])):
        block.insert(0, "")
    blanks = len(list(takewhile(lambda line: not line.strip(), lines[place:])))
    following = next(iter(lines[place + blanks :]), "")
    if following:
        wanted = 2 if _HEADER.match(following) else 1
        block += [""] * max(0, wanted - blanks)
    return "\n".join([*lines[:place], *block, *lines[place:]])


def _extended(line: str, code: str, names: Sequence[str]) -> str:
    before = _names(code.removeprefix("from typing import "))
    every = [*before, *names]
    return f"from typing import {', '.join(sorted(every) if before == sorted(before) else every)}{line[len(code) :]}"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ends_import(code: str) -> bool:
    return bool(_IMPORT.match(code)) or code.rstrip().endswith(")")


def _below_imports(lines: Sequence[str], masked_lines: Sequence[str]) -> int:
    """Return the line, from 0, below the comments, the docstring and the imports with which a module begins."""
    place, depth = _below_comments(lines), 0
    for index in range(place, len(lines)):
        code = masked_lines[index]
        if depth or _IMPORT.match(code):
            depth += sum(code.count(c) for c in "([{") - sum(code.count(c) for c in ")]}")
            place = index + 1
        elif code.strip():
            break
        elif _is_text(lines[index]) or (_CLOSES_TEXT.search(lines[index]) and not lines[index].startswith("#")):
            # A docstring: the mask blanks it out.
            place = index + 1
    return place


def _below_comments(lines: Sequence[str]) -> int:
    """A comment that touches code belongs to the code, save for the interpreter and the encoding."""
    end = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if end < len(lines) and lines[end].strip() and not _is_text(lines[end]):
        return len(list(takewhile(_SPECIAL.match, lines[: min(end, 2)])))
    return end


def _is_text(line: str) -> bool:
    return _TEXT.match(line) is not None
