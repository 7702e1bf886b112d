"""Syntax that only a newer Python reads: found, named with its version, and written in the older way.

Each lowering turns one construct into its older equal. A file that compiles once they are made is not broken: it is valid
for the newest version among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.model import SyntaxFault

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lowered:
    """An older spelling of a text: the text, the version the original needs, and what was rewritten."""

    text: str
    needs: Version
    constructs: tuple[str, ...]


_GENERIC = re.compile(r"^([ \t]*)((?:async[ \t]+)?def|class)([ \t]+)(\w+)[ \t]*\[", re.M)
_TYPE_ALIAS = re.compile(r"^([ \t]*)type[ \t]+(\w+)[ \t]*(?:\[([^\]=]*)\])?[ \t]*=[ \t]*", re.M)
_EXCEPT = re.compile(r"^([ \t]*except\*?[ \t]+)([\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)[ \t]*:", re.M)
_FSTRING = re.compile(r"(?<![\w\"'])(?:[fF][rR]?|[rR][fF])(\"\"\"|'''|\"|')")


def lower(text: str, fault: SyntaxFault, limit: int = 60) -> Lowered | None:
    """Return the older spelling of a text that only a newer Python can read; None when that is not what ails it."""
    current, needs = text, (0, 0)
    constructs: list[str] = []
    seen = {text}
    found: SyntaxFault | None = fault
    for _ in range(limit):
        if found is None:
            return Lowered(current, needs, tuple(dict.fromkeys(constructs)))
        step = _step(current, found)
        if step is None or step.text in seen:
            return None
        seen.add(step.text)
        current, needs = step.text, max(needs, step.needs)
        constructs.extend(step.constructs)
        found = compile_fault(current)
    return None


def _step(text: str, fault: SyntaxFault) -> Lowered | None:
    for attempt in _ATTEMPTS:
        changed = attempt(text, fault.line)
        if changed is not None:
            return changed
    return None


def _lines(text: str, line: int) -> tuple[int, int]:
    """Offsets of the start and the end of a line counted from 1."""
    start = 0
    for _ in range(line - 1):
        following = text.find("\n", start)
        if following < 0:
            break
        start = following + 1
    end = text.find("\n", start)
    return start, len(text) if end < 0 else end


def _generics(text: str, line: int) -> Lowered | None:
    """PEP 695: `def f[T](...)` and `class C[T]:` become type variables of the module."""
    start, end = _lines(text, line)
    match = next((m for m in _GENERIC.finditer(text) if start <= m.start() <= end), None)
    if match is None:
        return None
    close = _matching(text, match.end() - 1)
    if close is None:
        return None
    parameters = _split(text[match.end() : close])
    rest = text[close + 1 :]
    if match.group(2) == "class":
        names = ", ".join(p.split(":")[0].split("=")[0].strip().lstrip("*") for p in parameters)
        base = f"Generic[{names}]"
        bases = re.match(r"\s*\(([^)]*)\)", rest)
        if bases:
            inner = bases.group(1).strip()
            rest = f"({inner}, {base})" + rest[bases.end() :] if inner else f"({base})" + rest[bases.end() :]
        else:
            rest = f"({base})" + rest
    head = text[: match.start()] + "".join(match.group(1, 2, 3, 4)) + rest
    return Lowered(_declare(head, parameters, match.group(2) == "class"), (3, 12), ("type parameters",))


def _declare(text: str, parameters: list[str], is_class: bool) -> str:
    """Put the type variables that are not there yet behind the imports, and import what makes them."""
    needed: list[str] = []
    rows: list[str] = []
    for parameter in parameters:
        name, _, bound = parameter.partition("=")[0].partition(":")
        name = name.strip()
        kind = "ParamSpec" if name.startswith("**") else "TypeVarTuple" if name.startswith("*") else "TypeVar"
        name = name.lstrip("*")
        if re.search(rf"^{name}\s*=\s*(?:TypeVar|ParamSpec|TypeVarTuple)\(", text, re.M):
            continue
        bound = bound.strip()
        extra = ""
        if bound.startswith("(") and bound.endswith(")"):
            extra = ", " + bound[1:-1].strip().rstrip(",")
        elif bound:
            extra = f", bound={bound!r}" if not re.fullmatch(r"[\w.]+", bound) else f', bound="{bound}"'
        rows.append(f'{name} = {kind}("{name}"{extra})')
        needed.append(kind)
    if is_class:
        needed.append("Generic")
    return _insert(text, sorted(set(needed)), rows)


def _insert(text: str, needed: list[str], rows: list[str]) -> str:
    missing = [name for name in needed if not re.search(rf"^from typing import .*\b{name}\b", text, re.M)]
    lines = text.split("\n")
    place = 0
    depth = 0
    quote: str | None = None
    for index, line in enumerate(lines):
        if quote is not None:
            if quote in line:
                quote = None
                place = index + 1
            continue
        opened = re.match(r"[rRuU]?(\"\"\"|''')", line)
        if opened and place <= index and index < 40 and not any(x.strip() for x in lines[place:index] if x[:1] != "#"):
            if line.count(opened.group(1)) < 2:
                quote = opened.group(1)
            else:
                place = index + 1
            continue
        if re.match(r"(?:import|from)\s+[\w.]+", line) or depth:
            depth += line.count("(") - line.count(")")
            place = index + 1
        elif re.match(r"(?:def|class|async|@|if|try|for|while|with)\b", line):
            break
    head: list[str] = []
    if missing:
        existing = next((i for i, x in enumerate(lines) if re.match(r"from typing import \w[\w, ]*$", x)), None)
        if existing is not None:
            names = lines[existing].removeprefix("from typing import ").split(", ")
            every = [*names, *missing]
            lines[existing] = "from typing import " + ", ".join(sorted(every) if names == sorted(names) else every)
        else:
            head.append("from typing import " + ", ".join(missing))
    block = [*head, *([""] if rows and place else []), *rows]
    return "\n".join([*lines[:place], *block, *lines[place:]])


def _type_alias(text: str, line: int) -> Lowered | None:
    """PEP 695: `type X = ...` becomes an annotated assignment."""
    start, end = _lines(text, line)
    match = next((m for m in _TYPE_ALIAS.finditer(text) if start <= m.start() <= end), None)
    if match is None:
        return None
    changed = text[: match.start()] + f"{match.group(1)}{match.group(2)}: TypeAlias = " + text[match.end() :]
    if match.group(3):
        changed = _declare(changed, _split(match.group(3)), False)
    return Lowered(_insert(changed, ["TypeAlias"], []), (3, 12), ("type statement",))


def _except_list(text: str, line: int) -> Lowered | None:
    """PEP 758: `except A, B:` gets its brackets back."""
    start, end = _lines(text, line)
    match = next((m for m in _EXCEPT.finditer(text) if start <= m.start() <= end), None)
    if (
        match is None
        or (len(match.group(2).split(",")) == 2
        and re.search(r",\s*(?:e|ex|exc|err|error)$", match.group(2)))
    ):
        return None
    return Lowered(
        text[: match.start()] + f"{match.group(1)}({match.group(2)}):" + text[match.end() :],
        (3, 14),
        ("except without brackets",),
    )


def _fstring(text: str, line: int) -> Lowered | None:
    """PEP 701: the same quotes, backslashes, comments or line breaks inside an f-string's expression."""
    start, end = _lines(text, max(1, line - 1))[0], _lines(text, line + 2)[1]
    for match in _FSTRING.finditer(text, start, end):
        quote = match.group(1)
        parts = _fstring_parts(text, match.end(), quote)
        if parts is None:
            continue
        stop, fields = parts
        other = {'"': "'", "'": '"', '"""': "'''", "'''": '"""'}[quote]
        changed = text[match.end() : stop]
        rewritten = False
        for low, high in reversed(fields):
            field = text[low:high]
            fixed = field
            if quote in field and len(quote) == 1 and other not in field:
                fixed = fixed.replace(quote, other)
            if fixed != field:
                changed = changed[: low - match.end()] + fixed + changed[high - match.end() :]
                rewritten = True
        if rewritten:
            return Lowered(text[: match.end()] + changed + text[stop:], (3, 12), ("quotes inside an f-string",))
        hoisted = _hoist_backslash(text, match.start(), match.end(), stop, fields)
        if hoisted is not None:
            return hoisted
    return None


def _hoist_backslash(text: str, begin: int, body: int, stop: int, fields: list[tuple[int, int]]) -> Lowered | None:
    """An expression with a backslash moves into a variable before the statement."""
    for low, high in fields:
        field = text[low:high]
        if "\\" not in field or "\n" in field:
            continue
        start = text.rfind("\n", 0, begin) + 1
        indent = re.match(r"[ \t]*", text[start:])
        header = text[start:begin].lstrip()
        if indent is None or re.match(r"(?:elif|else|except|case|finally|while)\b|[\])}]", header):
            return None
        expression = field
        conversion = re.search(r"(?:![rsa])?(?::[^:]*)?$", field) if re.search(r"![rsa]\b", field) else None
        suffix = conversion.group() if conversion else ""
        if suffix:
            expression = field[: -len(suffix)]
        line_start = start
        statement = text[line_start:begin]
        if statement.count("(") - statement.count(")") < 0:
            return None
        name = "newline" if field.strip() in ("'\\n'", '"\\n"') else "text"
        number = 1
        while re.search(rf"\b{name}{number if number > 1 else ''}\b", text):
            number += 1
        variable = f"{name}{number if number > 1 else ''}"
        changed = text[:low] + variable + suffix + text[high:]
        first = _statement_start(text, line_start)
        lead = re.match(r"[ \t]*", text[first:])
        row = f"{lead.group() if lead else ''}{variable} = {expression.strip()}\n"
        return Lowered(changed[:first] + row + changed[first:], (3, 12), ("backslash inside an f-string",))
    return None


def _statement_start(text: str, line_start: int) -> int:
    """Go up from a continuation line to the line where its brackets open."""
    depth = 0
    position = line_start
    while position > 0:
        above = text.rfind("\n", 0, position - 1) + 1
        line = text[above:position]
        depth += line.count(")") + line.count("]") + line.count("}")
        depth -= line.count("(") + line.count("[") + line.count("{")
        if depth < 0:
            position = above
            depth = 0
            if not re.match(r"[ \t]*[\])}]", line):
                following = text.rfind("\n", 0, above - 1) + 1 if above else 0
                if text[following:above].rstrip()[-1:] not in ("(", "[", "{", ","):
                    return position
            continue
        return position
    return position


def _fstring_parts(text: str, start: int, quote: str) -> tuple[int, list[tuple[int, int]]] | None:
    """The end of an f-string's body, read as Python 3.12 does, and the ranges of its expressions."""
    fields: list[tuple[int, int]] = []
    position = start
    while position < len(text):
        if text.startswith(quote, position):
            return position, fields
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if char == "\n" and len(quote) == 1:
            return None
        if char == "{" and not text.startswith("{{", position):
            close = _field_end(text, position + 1)
            if close is None:
                return None
            fields.append((position + 1, close))
            position = close + 1
            continue
        position += 2 if text.startswith(("{{", "}}"), position) else 1
    return None


def _field_end(text: str, position: int) -> int | None:
    """The offset of the brace that ends an expression; strings and brackets inside are skipped."""
    stack: list[str] = []
    size = len(text)
    while position < size:
        char = text[position]
        if char in "\"'":
            triple = text[position : position + 3]
            quote = triple if triple in ('"""', "'''") else char
            end = position + len(quote)
            while end < size and not text.startswith(quote, end):
                if text[end] == "\n" and len(quote) == 1:
                    return None
                end += 2 if text[end] == "\\" else 1
            position = end + len(quote)
            continue
        if char in "([{":
            stack.append(char)
        elif char in ")]}":
            if not stack:
                return position if char == "}" else None
            stack.pop()
        position += 1
    return None


def _matching(text: str, opener: int) -> int | None:
    depth = 0
    for position in range(opener, min(len(text), opener + 2000)):
        if text[position] in "([{":
            depth += 1
        elif text[position] in ")]}":
            depth -= 1
            if depth == 0:
                return position
    return None


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets."""
    parts: list[str] = []
    depth, begin = 0, 0
    for position, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[begin:position].strip())
            begin = position + 1
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


_ATTEMPTS: tuple[Callable[[str, int], Lowered | None], ...] = (_generics, _type_alias, _except_list, _fstring)
