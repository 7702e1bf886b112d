"""A token too few, too many, or the wrong one, at the fault or just before it."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator
from functools import lru_cache

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_BETWEEN_OPERANDS = (
    ",", ".", "=", ":", "+", "==", " in ", " and ", " or ", " if ", " as ", " import ", " is ", " % ", " * ", "-",
    " else ", " for ", "(", "[",
)  # fmt: skip
_TYPES = frozenset({"int", "float", "str", "bytes", "bool", "list", "tuple", "dict", "set", "object"})
_BEFORE_OPERATOR = ("_", "None", "''", "0", "self")
_PREFIXES = (
    "for ",
    "def ",
    "if ",
    "import ",
    "from ",
    "return ",
    "class ",
    "not ",
    "lambda ",
    "async ",
    "elif ",
    "#",
    "@",
)
_REPLACEMENTS = {
    "=": ("==", ":", ":=", " in ", ""),
    "==": ("=",),
    ":": ("=", ",", "", "."),
    ";": (",", ":", ""),
    ",": (":", ".", "", "=", ";"),
    ".": (",", "", ":"),
    ":=": ("=", ":", "=="),
    "->": (":", "-", ".", "="),
    "!": (" not ", "!=", "", "1"),
    "&": (" and ", "&"),
    "|": (" or ", "|"),
    "?": ("",),
    "<": (",", "("),
    ">": (".", ")"),
    "-": ("_", "->", "="),
    "+": (",", ""),
    "*": (",", ""),
    "/": (",", "\\", ""),
    "%": ("", ","),
    "(": ("[", "{"),
    "[": ("(",),
    "{": ("(", "["),
    "=>": (">=", ":"),
}
_DECORATOR = re.compile(r"\s*@[\w.]+(?:\(.*\))?\s*(?:#.*)?$")
_IMPORT = re.compile(r"\s*(?:from|import)\s")
_QUOTES = frozenset("\"'")
_LAST_WORD = re.compile(r"\w+$")
_FIRST_WORD = re.compile(r"\w+")
_LAST_NAME = re.compile(r"[^\W\d]\w*$")
_FIRST_NAME = re.compile(r"[^\W\d]")
_PAIRS = {
    ("&", "&"): " and ", ("|", "|"): " or ", ("+", "+"): " += 1", ("-", "-"): " -= 1", ("=", ">"): " >= ",
    ("=", "<"): " <= ", ("=", "!"): " != ", ("<", ">"): " != ", ("=", "=="): " == ", ("==", "="): " == ",
    ("=", "+"): " += ", ("=", "-"): " -= ", ("else", "if"): "elif", (":", ":"): ":", (",", ","): ",", (".", "."): ".",
    ("/", "/"): " // ", ("*", "*"): " ** ", ("-", ">"): " -> ",
    ("=", "="): " == ", ("!", "="): " != ", ("<", "="): " <= ", (">", "="): " >= ", ("=", "in"): " in ",
}  # fmt: skip


def propose(site: Site) -> Iterator[Change]:
    """Yield insertions, removals and replacements of single tokens around the fault."""
    if not site.lines:
        return
    spots = _spots(site)
    for index, position in spots:
        code = site.code_tokens(index)
        yield from _pairs(site, index, code, position)
        yield from _typos(site, index, code, position)
        yield from _delete(site, index, code, position)
        yield from _replace(site, index, code, position)
        yield from _insert(site, index, code, position)
    yield from _hyphens(site)
    yield from _previous_line_end(site)
    yield from _line_start(site)


def _spots(site: Site) -> list[tuple[int, int]]:
    """(line, token index) pairs to look at: the fault's token and its neighbours on the line, nearest first."""
    code = site.code_tokens(site.line)
    if not code:
        return []
    at = len(code)
    for position, token in enumerate(code):
        if token.column + len(token.text) > site.column:
            at = position
            break
    order = [at, at - 1, at + 1, at - 2, at - 3, at + 2, at - 4]
    if site.fault.end_line == site.fault.line and site.fault.end_column > site.fault.column + 1:
        inside = [i for i, t in enumerate(code) if site.column <= t.column < site.fault.end_column]
        order.extend(inside[:12])
        order.extend([inside[-1] + 1] if inside else [])
    return [(site.line, position) for position in dict.fromkeys(order) if 0 <= position <= len(code)]


def _at(site: Site, index: int, start: int, end: int, text: str) -> tuple[str]:
    line = site.lines[index]
    return (line[:start] + text + line[end:],)


def _ends_operand(token: Token) -> bool:
    if token.kind in (TokenKind.NUMBER, TokenKind.STRING) or token.text in CLOSERS or token.text == "...":
        return True
    return token.kind is TokenKind.NAME and (
        not keyword.iskeyword(token.text) or token.text in ("None", "True", "False")
    )


def _starts_operand(token: Token) -> bool:
    if token.kind in (TokenKind.NUMBER, TokenKind.STRING, TokenKind.OPEN_STRING) or token.text in OPENERS:
        return True
    if token.text in ("-", "~", "*", "**", "..."):
        return True
    return token.kind is TokenKind.NAME and (
        not keyword.iskeyword(token.text) or token.text in ("None", "True", "False", "not", "lambda", "await")
    )


def _end(token: Token) -> int:
    return token.column + len(token.text)


def _insert(site: Site, index: int, code: list[Token], position: int) -> Iterator[Change]:
    if position > len(code) or position < 0:
        return
    left = code[position - 1] if position > 0 else None
    right = code[position] if position < len(code) else None
    if left is not None and "\n" in left.text:
        return
    texts: list[str] = []
    if left is not None and right is not None:
        if _ends_operand(left) and _starts_operand(right):
            texts.extend(_BETWEEN_OPERANDS)
        elif _ends_operand(left):
            texts.extend((",", ":", ")", "]", "}") if right.text in ("for", "if", "else", "in", "=", ":", "is") else ())
        elif left.text == "not" and _starts_operand(right) and position > 1 and _ends_operand(code[position - 2]):
            texts.append(" in ")
        elif right.kind is TokenKind.OP and right.text not in OPENERS:
            texts.extend(_BEFORE_OPERATOR)
    elif left is not None and not _ends_operand(left) and left.text not in (":", ","):
        texts.extend((" None", " pass", " []", " ''"))
    for text in texts:
        column = _end(left) if left is not None else (right.column if right is not None else 0)
        pad = text
        if right is not None and left is not None:
            gap = site.lines[index][column : right.column]
            if text in (",", ":") and not gap:
                pad = text + " "
            elif text.strip() in ("=", "==", "+", "-", "%", "*") and gap:
                pad = " " + text.strip()
            elif text.startswith(" ") and gap:
                pad = text.rstrip()
        stop = right.column if text == "." and left is not None and right is not None else column
        yield Change(
            index, index + 1, _at(site, index, column, stop, pad), Op.INSERT_TOKEN, Kind.MISSING_TOKEN,
            f"add the missing `{text.strip() or text}`", token=text.strip(),
        )  # fmt: skip
    if texts and left and right and _is_in_annotation(code, position) and _is_type(site, right.text):
        yield Change(
            index, index + 1, _at(site, index, _end(left), right.column, " | "), Op.INSERT_TOKEN, Kind.MISSING_TOKEN,
            "add the missing `|`", token="|", detail="union",
        )  # fmt: skip


def _is_type(site: Site, name: str) -> bool:
    """Whether a name is likely a type's: a builtin, written as a class, or known elsewhere in the text."""
    return name in _TYPES or name[:1].isupper() or site.words[name] > 1


def _is_in_annotation(code: list[Token], position: int) -> bool:
    """Whether the token at a position and the one before it are two types of one annotation, nothing else between."""
    if code[position].kind is not TokenKind.NAME:
        return False
    at = position - 1
    depth = 0
    while at > 0 and (depth or code[at].kind is TokenKind.NAME or code[at].text in (".", "|", "]")):
        depth += (code[at].text == "]") - (code[at].text == "[")
        at -= 1
    if at < 1:
        return False
    if code[at].text != ":":
        return code[at].text == "->"
    return code[at - 1].kind is TokenKind.NAME and (at == 1 or code[at - 2].text in ("(", ",", "*", "**", "."))


def _delete(site: Site, index: int, code: list[Token], position: int) -> Iterator[Change]:
    if not 0 <= position < len(code):
        return
    token = code[position]
    line = site.lines[index]
    stop = _end(token)
    if "\n" in token.text or (token.text == "@" and _DECORATOR.match(line)):
        return
    start = token.column
    after = stop
    if line[after : after + 1] == " " and (start == 0 or line[start - 1] in " ([{"):
        after += 1
    kind = Kind.JUNK
    yield Change(
        index, index + 1, _at(site, index, start, after, ""), Op.DELETE_TOKEN, kind, f"remove `{token.text[:30]}`",
        token=token.text if token.kind is TokenKind.OP else token.kind.value,
        detail=_manner_of_removal(site, line, token, start, after),
    )  # fmt: skip
    if position == 0 and len(code) > 1 and code[1].line == index:
        following = code[1].column
        blanks = " " * following
        for text, detail in ((blanks + line[following:], "blanked"), (line[:start] + line[following:], "first")):
            yield Change(
                index, index + 1, (text,), Op.DELETE_TOKEN, kind, f"remove `{token.text[:30]}`",
                token=token.text if token.kind is TokenKind.OP else token.kind.value, detail=detail,
            )  # fmt: skip
    for count in (2, 3, 4):
        if position + count <= len(code) and "\n" not in code[position + count - 1].text:
            last = code[position + count - 1]
            yield Change(
                index, index + 1, _at(site, index, start, _end(last), ""), Op.DELETE_TOKENS, kind,
                f"remove `{line[start : _end(last)][:40]}`", token=str(count), detail="run",
            )  # fmt: skip
    if position + 2 < len(code) and "\n" not in code[-1].text:
        yield Change(
            index, index + 1, (line[:start].rstrip() + line[_end(code[-1]) :],), Op.DELETE_TOKENS, kind,
            f"remove `{line[start:][:40]}`", token="rest", detail="tail",
        )  # fmt: skip
    if position > 1:
        first = code[0].column
        yield Change(
            index, index + 1, (line[:first] + line[start:],), Op.DELETE_TOKENS, kind,
            f"remove `{line[first:start][:40]}`", token="head", detail="head",
        )  # fmt: skip


def _manner_of_removal(site: Site, line: str, token: Token, start: int, after: int) -> str:
    """What a removal does beside: it glues two words to one that the text does not know, or drops what stands alone."""
    head, tail = _LAST_WORD.search(line[:start]), _FIRST_WORD.match(line[after:])
    if head and tail:
        return "" if site.words[head.group() + tail.group()] else "glues"
    if token.kind is TokenKind.STRING and len(token.text) > 2:
        return "text"
    if line[:start][-1:] in _QUOTES and line[after:][:1] in _QUOTES:
        # A word in quotes within a text that has the same ones.
        return "text"
    if token.kind is TokenKind.NAME and not keyword.iskeyword(token.text) and _IMPORT.match(line):
        return "import"
    return ""


def _replace(site: Site, index: int, code: list[Token], position: int) -> Iterator[Change]:
    if not 0 <= position < len(code):
        return
    token = code[position]
    for text in _REPLACEMENTS.get(token.text, ()):
        if text == "":
            continue
        end = _end(token)
        start = token.column
        line = site.lines[index]
        if text in (":", ",") and line[:start].endswith(" "):
            start = len(line[:start].rstrip())
        detail = ""
        if text == "_":
            if not _LAST_WORD.search(line[:start]) or not _FIRST_WORD.match(line[end:]):
                continue
            detail = "joins"
        yield Change(
            index, index + 1, _at(site, index, start, end, text), Op.REPLACE_TOKEN, Kind.JUNK,
            f"`{token.text}` becomes `{text.strip()}`", token=f"{token.text}>{text.strip()}", detail=detail,
        )  # fmt: skip


def _hyphens(site: Site) -> Iterator[Change]:
    """Several names of the line are written with hyphens: all get underscores at once."""
    line = site.lines[site.line]
    text = line
    found = 0
    for token in reversed(site.code_tokens(site.line)):
        start, end = token.column, token.column + 1
        if token.text == "-" and _LAST_NAME.search(line[:start]) and _FIRST_NAME.match(line[end:]):
            text = text[:start] + "_" + text[end:]
            found += 1
    if found > 1:
        yield Change(
            site.line, site.line + 1, (text,), Op.REPLACE_TOKEN, Kind.JUNK, "`-` becomes `_` in names", token="->_",
            detail="joins",
        )  # fmt: skip


def _pairs(site: Site, index: int, code: list[Token], position: int) -> Iterator[Change]:
    for first in (position - 1, position):
        if 0 <= first < len(code) - 1:
            left, right = code[first], code[first + 1]
            text = _PAIRS.get((left.text, right.text))
            if text is not None:
                line = site.lines[index]
                head, tail = line[: left.column], line[_end(right) :]
                joined = head.rstrip() + text + tail.lstrip() if text.startswith(" ") else head + text + tail
                yield Change(
                    index, index + 1, (joined,), Op.REPLACE_TOKEN, Kind.JUNK,
                    f"`{left.text}{right.text}` becomes `{text.strip()}`", token=f"{left.text}{right.text}",
                    detail="pair",
                )  # fmt: skip


@lru_cache(maxsize=4096)
def _similar_keywords(word: str) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(word, keyword.kwlist, n=2, cutoff=0.6))


def _typos(site: Site, index: int, code: list[Token], position: int) -> Iterator[Change]:
    for at in (position, position - 1, 0):
        if not 0 <= at < len(code) or code[at].kind is not TokenKind.NAME:
            continue
        token = code[at]
        if keyword.iskeyword(token.text) or len(token.text) < 2:
            continue
        close = list(_similar_keywords(token.text.lower()))
        if at == 0:
            close.extend(word for word in keyword.kwlist if token.text.endswith(word) and word not in close)
            close.extend(word for word in keyword.kwlist if len(word) > 2 and token.text.startswith(word))
        for word in dict.fromkeys(close):
            rest = ""
            if token.text.startswith(word) and len(token.text) > len(word):
                rest = " " + token.text[len(word) :]
                yield Change(
                    index, index + 1, _at(site, index, token.column, _end(token), word + rest), Op.KEYWORD_TYPO,
                    Kind.JUNK, f"`{token.text}` becomes `{word}{rest}`", token=word, detail="glued",
                )  # fmt: skip
            yield Change(
                index, index + 1, _at(site, index, token.column, _end(token), word), Op.KEYWORD_TYPO, Kind.JUNK,
                f"`{token.text}` becomes `{word}`", token=word,
            )  # fmt: skip


def _previous_line_end(site: Site) -> Iterator[Change]:
    """The previous line lacks something at its end: a comma, an operator; or carries something too much."""
    previous = site.line - 1
    while previous >= site.first and not site.code_tokens(previous):
        previous -= 1
    ends = [previous] if previous >= site.first else []
    if site.fault.end_line > site.fault.line:
        ends.extend(range(site.line, min(site.fault.end_line - 1, site.line + 12)))
    elif site.fault.message.startswith("invalid syntax. Perhaps"):
        ends.append(site.line)
    for index in dict.fromkeys(ends):
        code = site.code_tokens(index)
        if not code:
            continue
        last = code[-1]
        column = last.column + len(last.text) if "\n" not in last.text else None
        if column is None:
            rows = last.text.split("\n")
            index = last.line + len(rows) - 1
            column = len(rows[-1])
        if _ends_operand(last):
            for text in (",", " +", " or", " and", ":", " ="):
                yield Change(
                    index, index + 1, _at(site, index, column, column, text), Op.INSERT_TOKEN, Kind.MISSING_TOKEN,
                    f"add the missing `{text.strip()}`", token=text.strip(), detail="line-end",
                )  # fmt: skip
        elif last.kind is TokenKind.OP and "\n" not in last.text:
            yield Change(
                index, index + 1, _at(site, index, last.column, column, ""), Op.DELETE_TOKEN, Kind.JUNK,
                f"remove `{last.text}`", token=last.text, detail="line-end",
            )  # fmt: skip


def _line_start(site: Site) -> Iterator[Change]:
    code = site.code_tokens(site.line)
    if not code:
        return
    column = code[0].column
    for prefix in _PREFIXES:
        yield Change(
            site.line, site.line + 1, _at(site, site.line, column, column, prefix), Op.INSERT_TOKEN,
            Kind.JUNK if prefix == "#" else Kind.MISSING_TOKEN, f"add the missing `{prefix.strip()}`",
            token=prefix.strip(), detail="line-start",
        )  # fmt: skip
