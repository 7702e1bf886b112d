"""Strings that only Python 3.12 reads (PEP 701), written as older versions read them.

From 3.12 on, the expressions inside an f-string may hold the quotes of the string itself, backslashes, line breaks and
comments. Before, none of them.
"""

from __future__ import annotations

import re

from sophia_cli.core.values import dataclass, field

_TOKEN = re.compile(r"#[^\n]*|(?i:\b(?:[rbuft]|[rf]b|b[rf]|[rt]f|[ft]r|rt))?(\"\"\"|'''|\"|')")
_STRING = re.compile(r"(?i:([rbuft]{0,2}))(\"\"\"|'''|\"|')")
_ENDING = re.compile(r"\s*(=?)\s*(![rsa])?\s*$")
_QUOTES = ("'", '"', "'''", '"""')
_NAMES = {"\\n": "NEWLINE", "\\t": "TAB", "\\\\": "BACKSLASH"}
_BODY = {
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.S),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.S),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+", re.S),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+', re.S),
}
# A backslash does not escape a brace; the braces of a named character are no field.
_ESCAPE = re.compile(r"\\(?:N\{[A-Z][A-Z0-9 -]*\}|[^{}])", re.S)
_SPACE = re.compile(r"\s*")
# Older versions nest strings at most four deep, one for each kind of quotes; formats may hold fields once.
_DEEPEST = 5
_MOST_CONSTANTS = 100


@dataclass(slots=True)
class OlderStrings:
    """A text with older f-strings: what was rewritten, and the constants (name, literal) that its module needs.

    `faithful` is false when an expression could only be replaced by a placeholder: the text then shows that the
    original is valid for a newer Python, but does not do the same. `templates` is true when there are t-strings.
    """

    text: str = ""
    constructs: list[str] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    faithful: bool = True
    templates: bool = False


class _NotPython(Exception):
    """The text cannot be read as strings, comments and code, by the rules of any version."""


def older_strings(text: str) -> OlderStrings | None:
    """Return the text with f-strings that Python 3.11 reads; None when its strings cannot be read at all.

    A t-string (PEP 750) becomes an f-string, which is never faithful.
    """
    result = OlderStrings()
    parts: list[str] = []
    position = 0
    try:
        while (match := _TOKEN.search(text, position)) is not None:
            if match[1] is None:
                parts.append(text[position : match.end()])
                position = match.end()
                continue
            end, older = _string(text, match.start(), (), result, text)
            parts += [text[position : match.start()], older]
            position = end
    except _NotPython:
        return None
    result.text = "".join([*parts, text[position:]])
    return result


def masked(text: str) -> str | None:
    """Return the text with blanks for strings and comments, character by character; None when strings do not end."""
    parts: list[str] = []
    position = 0
    ignored = OlderStrings()
    try:
        while (match := _TOKEN.search(text, position)) is not None:
            end = match.end() if match[1] is None else _string(text, match.start(), (), ignored, "")[0]
            parts += [text[position : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
            position = end
    except _NotPython:
        return None
    return "".join([*parts, text[position:]])


def _string(text: str, start: int, around: tuple[str, ...], result: OlderStrings, whole: str) -> tuple[int, str]:
    """Read the string at `start`; return its end and its older spelling inside of strings with the quotes `around`."""
    match = _STRING.match(text, start)
    if match is None or len(around) > _DEEPEST:
        raise _NotPython
    prefix, quote = match.groups()
    if {"f", "t"} & set(prefix.lower()):
        return _formatted(text, match, around, result, whole)
    end = _plain_end(text, match.end(), quote)
    literal = text[start:end]
    body = text[match.end() : end - len(quote)]
    for candidate in dict.fromkeys((quote, *_QUOTES)) if around else (quote,):
        spelling = f"{prefix}{candidate}{body}{candidate}"
        is_sound = candidate == quote or not (candidate in body or "\\" in body or body.endswith(candidate[0]))
        if is_sound and _fits(spelling, around):
            if spelling != literal:
                _note(result, "quotes inside an f-string")
            return end, spelling
    _note(result, "backslash inside an f-string" if "\\" in literal else "quotes inside an f-string")
    return end, _constant(literal, body, result, whole)


def _formatted(
    text: str, match: re.Match[str], around: tuple[str, ...], result: OlderStrings, whole: str
) -> tuple[int, str]:
    prefix, quote = match.groups()
    for candidate in dict.fromkeys((quote, *_QUOTES)) if around else (quote,):
        before = (list(result.constructs), dict(result.constants), result.faithful, result.templates)
        end, body = _body(text, match.end(), quote, (*around, candidate), result, whole)
        spelling = f"{prefix}{candidate}{body}{candidate}"
        if _fits(spelling, around) and (candidate == quote or candidate not in body):
            if candidate != quote:
                _note(result, "quotes inside an f-string")
            break
        result.constructs, result.constants, result.faithful, result.templates = before
    else:
        result.faithful = False
        _note(result, "quotes inside an f-string")
        spelling = "0"
    if "t" in prefix.lower():
        result.faithful, result.templates = False, True
        spelling = re.sub("[tT]", "f", prefix) + spelling.removeprefix(prefix)
    return end, spelling


def _body(
    text: str, position: int, quote: str, around: tuple[str, ...], result: OlderStrings, whole: str, spec: int = 0
) -> tuple[int, str]:
    """Read what stands between the quotes of an f-string, or (`spec` counts how deep) a format up to its brace."""
    parts: list[str] = []
    if spec > 2:
        raise _NotPython
    while position < len(text):
        char = text[position]
        if spec and char == "}":
            return position, "".join(parts)
        if text.startswith(quote, position) and not spec:
            return position + len(quote), "".join(parts)
        if (char == "\n" or spec) and len(quote) == 1 and char in ("\n", quote):
            raise _NotPython
        if char == "\\":
            escape = _ESCAPE.match(text, position)
            parts.append(escape[0] if escape else char)
            position += len(parts[-1])
        elif char in "{}" and text.startswith(char * 2, position) and not spec:
            parts.append(char * 2)
            position += 2
        elif char == "{":
            position, older = _field(text, position + 1, quote, around, result, whole, spec)
            parts.append("{" + older + "}")
        elif char == "}":
            raise _NotPython
        else:
            parts.append(char)
            position += 1
    raise _NotPython


def _field(
    text: str, position: int, quote: str, around: tuple[str, ...], result: OlderStrings, whole: str, spec: int
) -> tuple[int, str]:
    """Read an expression field behind its opening brace; return where it ends and its older spelling."""
    start, parts, depth = position, list[str](), 0
    single = len(quote) == 1 or any(len(outer) == 1 for outer in around)
    while position < len(text):
        char = text[position]
        match = _TOKEN.match(text, position)
        if match is not None and match[1] is not None and (char in "\"'" or not _is_word(text[position - 1])):
            position, older = _string(text, position, around, result, whole)
            parts.append(older)
            continue
        if match is not None and char == "#":
            _note(result, "comment inside an f-string")
            position = match.end()
        elif char == "\\" and text.startswith("\n", position + 1):
            _note(result, "backslash inside an f-string")
            parts.append(" ")
            position += 2
        elif char == "\n" and single:
            _note(result, "line break inside an f-string")
            space = _SPACE.match(text, position)
            position = space.end() if space else position + 1
            last = next((part for part in reversed(parts) if part), "")
            parts.append("" if last[-1:] in ("(", "[", "{", "", " ") or text[position : position + 1] == "}" else " ")
        elif depth == 0 and char == "}":
            return position + 1, _checked(text[start:position], "".join(parts), result)
        elif depth == 0 and char == ":" and not text.startswith(":=", position):
            older = _checked(text[start:position], "".join(parts), result)
            end, form = _body(text, position + 1, quote, around, result, whole, spec + 1)
            return end + 1, f"{older}:{form}"
        else:
            depth += (char in "([{") - (char in ")]}")
            if depth < 0:
                raise _NotPython
            parts.append(char)
            position += 1
    raise _NotPython


def _checked(original: str, older: str, result: OlderStrings) -> str:
    """Return the older spelling; `{name=}` prints its own expression, so there a change is not faithful."""
    ending = _ENDING.search(original)
    shows_itself = ending is not None and ending[1] == "=" and not re.search(r"[=!<>]=\s*(?:![rsa])?\s*$", original)
    if shows_itself and original != older:
        result.faithful = False
    return older


def _plain_end(text: str, position: int, quote: str) -> int:
    body = _BODY[quote].match(text, position)
    if body is None or not text.startswith(quote, body.end()):
        raise _NotPython
    return body.end() + len(quote)


def _fits(spelling: str, around: tuple[str, ...]) -> bool:
    """Whether a string may stand in an expression of older f-strings with these quotes."""
    if not around:
        return True
    broken = "\n" in spelling and any(len(outer) == 1 for outer in around)
    return not broken and "\\" not in spelling and not any(outer in spelling for outer in around)


def _constant(literal: str, body: str, result: OlderStrings, whole: str) -> str:
    """Return the name of the module's constant for a literal, an existing one or a free one."""
    for name, known in result.constants.items():
        if known == literal:
            return name
    if len(result.constants) >= _MOST_CONSTANTS:
        result.faithful = False
        return "0"
    usual = _NAMES.get(body, "TEXT") if "r" not in literal[:2].lower() else "PATTERN"
    name, number = usual, 1
    while name in result.constants or re.search(rf"\b{name}\b", whole):
        number += 1
        name = f"{usual}_{number}"
    result.constants[name] = literal
    return name


def _note(result: OlderStrings, construct: str) -> None:
    if construct not in result.constructs:
        result.constructs.append(construct)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
