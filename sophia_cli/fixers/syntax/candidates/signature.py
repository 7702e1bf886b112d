"""Parameters and arguments: twice the same, in an order that Python refuses, or a value where a name belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_MESSAGES = (
    "duplicate argument", "follows default", "positional argument follows", "var-keyword", "var-positional",
    "must follow bare", "keyword argument repeated", "follows keyword argument", "bare *", "cannot follow",
    "parameter", "arguments",
)  # fmt: skip


def propose(site: Site) -> Iterator[Change]:
    """Yield reordered, completed and removed parameters or arguments around the fault."""
    if not any(part in site.fault.message for part in _MESSAGES):
        return
    span = _argument_span(site)
    if span is None:
        return
    opener, closer, parts = span
    at = _part_at(site, parts)
    for index in dict.fromkeys([at, len(parts) - 1, *range(len(parts))]):
        if not 0 <= index < len(parts):
            continue
        near = "at" if index == at else ("before" if index < at else "after")
        rest = parts[:index] + parts[index + 1 :]
        yield _rebuild(site, opener, closer, rest, Op.DELETE_TOKENS, f"remove `{_text(site, parts[index])[:40]}`", near)
        text = _text(site, parts[index])
        if "=" in text and "follows default" in site.fault.message and near == "before":
            bare = text.split("=")[0].rstrip()
            yield _rewritten(site, opener, closer, parts, index, bare, "drop a default", near)
        if "follows default" in site.fault.message and "=" not in text and not text.startswith("*"):
            default = " = None" if ":" in text else "=None"
            yield _rewritten(site, opener, closer, parts, index, text + default, "give the parameter a default", near)
        if "keyword" in site.fault.message and re.match(r"^\w+$", text):
            yield _rewritten(site, opener, closer, parts, index, f"{text}={text}", "name the argument", near)
        match = re.match(r"^(\w+)\s*=\s*(.+)$", text, re.DOTALL)
        if "follows keyword" in site.fault.message and match and near == "before":
            yield _rewritten(site, opener, closer, parts, index, match.group(2), "pass by position", near)
        if text in ("*", "*,"):
            yield _rebuild(site, opener, closer, rest, Op.DELETE_TOKENS, "remove a bare `*`", "star")
    ordered = sorted(parts, key=lambda part: _rank(site, part))
    if ordered != parts:
        yield _rebuild(site, opener, closer, ordered, Op.REORDER, "order the arguments", "sorted")
    if "follows default" in site.fault.message:
        first = next((i for i, part in enumerate(parts) if "=" in _text(site, part)), None)
        if first is not None:
            tail: list[str] = []
            for i, part in enumerate(parts):
                text = _text(site, part)
                if i > first and "=" not in text and not text.startswith("*"):
                    text += " = None" if ":" in text else "=None"
                tail.append(text)
            texts = [t if new == t else new for t, new in zip([_text(site, p) for p in parts], tail, strict=True)]
            yield _replaced(site, opener, closer, parts, texts, "give the parameters defaults", "defaults")


Part = tuple[int, int]


def _argument_span(site: Site) -> tuple[Token, Token, list[Part]] | None:
    """The bracket pair around the fault and the token ranges of its parts."""
    tokens = [t for t in site.tokens if t.kind not in (TokenKind.NEWLINE, TokenKind.COMMENT)]
    position = next(
        (i for i, t in enumerate(tokens) if (t.line, t.column + len(t.text)) > (site.line, site.column)), len(tokens)
    )
    depth = 0
    start: int | None = None
    if "follows keyword" in site.fault.message and position < len(tokens) and tokens[position].text == ")":
        position -= 0
    for i in range(position - 1, -1, -1):
        if tokens[i].text in CLOSERS and tokens[i].kind is TokenKind.OP:
            depth += 1
        elif tokens[i].text in OPENERS and tokens[i].kind is TokenKind.OP:
            if depth == 0:
                start = i
                break
            depth -= 1
    if start is None:
        start = next((i for i in range(position, len(tokens)) if tokens[i].text == "("), None)
        if start is None:
            return None
    parts: list[Part] = []
    begin = start + 1
    depth = 0
    for i in range(start + 1, len(tokens)):
        text = tokens[i].text
        if tokens[i].kind is TokenKind.OP and text in OPENERS:
            depth += 1
        elif tokens[i].kind is TokenKind.OP and text in CLOSERS:
            if depth == 0:
                if i > begin:
                    parts.append((begin, i))
                site.memo["arguments"] = tokens
                return tokens[start], tokens[i], parts
            depth -= 1
        elif text == "," and depth == 0:
            if i > begin:
                parts.append((begin, i))
            begin = i + 1
    return None


def _tokens(site: Site) -> list[Token]:
    tokens = site.memo["arguments"]
    assert isinstance(tokens, list)
    return tokens


def _offsets(site: Site) -> str:
    return "\n".join(site.lines[site.first : site.last])


def _text(site: Site, part: Part) -> str:
    tokens = _tokens(site)
    return _offsets(site)[tokens[part[0]].start : tokens[part[1] - 1].end]


def _part_at(site: Site, parts: list[Part]) -> int:
    tokens = _tokens(site)
    for index, (_, stop) in enumerate(parts):
        last = tokens[stop - 1]
        if (last.line, last.column + len(last.text)) > (site.line, site.column):
            return index
    return len(parts) - 1


def _rank(site: Site, part: Part) -> int:
    text = _text(site, part)
    if text.startswith("**"):
        return 3
    if text.startswith("*"):
        return 1
    call = "follows keyword" in site.fault.message or "unpacking" in site.fault.message
    if re.match(r"^\w+\s*(?::[^=]*)?=(?!=)", text):
        return 2 if call else 1
    return 0


def _rebuild(site: Site, opener: Token, closer: Token, parts: list[Part], op: Op, title: str, detail: str) -> Change:
    return _replaced(site, opener, closer, parts, [_text(site, part) for part in parts], title, detail, op)


def _rewritten(
    site: Site, opener: Token, closer: Token, parts: list[Part], index: int, text: str, title: str, detail: str
) -> Change:
    texts = [text if i == index else _text(site, part) for i, part in enumerate(parts)]
    return _replaced(site, opener, closer, parts, texts, title, detail + "-" + title.split()[0], Op.REWRITE)


def _replaced(
    site: Site, opener: Token, closer: Token, parts: list[Part], texts: list[str], title: str, detail: str,
    op: Op = Op.REWRITE,
) -> Change:  # fmt: skip
    """Write the arguments anew, one a line where they stood one a line."""
    first, last = site.lines[opener.line], site.lines[closer.line]
    head, tail = first[: opener.column + 1], last[closer.column :]
    spread = closer.line > opener.line and not last[: closer.column].strip()
    if spread and first[opener.column + 1 :].strip() == "":
        inner = site.lines[opener.line + 1]
        indent = inner[: len(inner) - len(inner.lstrip())]
        trailing = (
            "," if last[: closer.column].strip() == "" and site.lines[closer.line - 1].rstrip().endswith(",") else ""
        )
        rows = [indent + text + "," for text in texts]
        if rows and not trailing:
            rows[-1] = rows[-1][:-1]
        lines: tuple[str, ...] = (head, *rows, last[: closer.column] + tail)
    else:
        joined = ", ".join(texts)
        lines = tuple((head + joined + tail).split("\n"))
    return Change(opener.line, closer.line + 1, lines, op, Kind.SIGNATURE, title, detail=detail)
