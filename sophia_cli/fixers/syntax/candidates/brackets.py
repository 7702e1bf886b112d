"""Unbalanced brackets: an opener never closed, a closer too many, or one of the wrong shape."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_STATEMENT = frozenset(
    {"def", "class", "return", "import", "from", "raise", "with", "while", "try", "except", "del", "pass", "assert"}
)

_FUNCTIONS = frozenset(
    {
        "print",
        "len",
        "str",
        "int",
        "float",
        "list",
        "dict",
        "set",
        "tuple",
        "range",
        "sorted",
        "sum",
        "min",
        "max",
        "open",
    }
)
_MOST_OPENERS = 30  # that one fault is blamed on, innermost first


def propose(site: Site) -> Iterator[Change]:
    """Yield closers at plausible ends, and removals and replacements of closers that match nothing."""
    # An opener that has its partner further down needs none here, unless the partners themselves do not match.
    doubtful = site.group in ("unmatched", "mismatch") or len(site.unclosed) > 0
    openers = [*(site.open_brackets[-_MOST_OPENERS:] if doubtful else ()), *site.unclosed[-_MOST_OPENERS:]]
    seen: set[tuple[int, int]] = set()
    for opener in reversed(openers):
        if (opener.line, opener.column) not in seen:
            seen.add((opener.line, opener.column))
            yield from _close(site, opener)
            yield from _drop(site, opener)
    yield from _close_all(site)
    yield from _mismatched(site)
    if site.group in ("indent", "invalid", "comma"):
        yield from _early_closer(site, site.line)


def _close(site: Site, opener: Token) -> Iterator[Change]:
    closer = OPENERS[opener.text]
    lines = 0
    for index in range(opener.line, min(site.last, opener.line + 60)):
        code = site.code_tokens(index)
        if index in site.inside_string and not code:
            continue
        if index > opener.line and code:
            first = code[0]
            below = width_of(site.lines[index]) <= width_of(site.lines[opener.line])
            if first.text in _STATEMENT and first.kind is TokenKind.NAME and below:
                yield _closer_line(site, opener, index, closer)
                break
            if below and index > site.line:
                break
        if not code:
            if not site.lines[index].strip() and index > opener.line:
                yield _closer_line(site, opener, index, closer)
            continue
        lines += 1
        yield from _close_on_line(site, opener, index, code, closer)
        if index > max(site.line + 3, opener.line + 25):
            break
    else:
        yield _closer_line(site, opener, min(site.last, opener.line + 60), closer)


def _close_on_line(site: Site, opener: Token, index: int, code: list[Token], closer: str) -> Iterator[Change]:
    line = site.lines[index]
    near = index in (site.line, opener.line)
    usable = [t for t in code if index > opener.line or t.column > opener.column]
    if index == opener.line and not usable:
        yield _insert(site, index, opener.column + 1, closer, "empty")
        return
    for position, token in enumerate(usable):
        end = token.column + len(token.text)
        if "\n" in token.text:
            continue
        last = position == len(usable) - 1
        following = usable[position + 1].text if not last else ""
        if not last and not near:
            continue
        if token.text == "." and position == 0 and token.column == opener.column + 1:
            yield _insert(site, index, token.column, closer, "before-dot")
            continue
        if token.kind is TokenKind.NUMBER and token.text.endswith(".") and following.isidentifier():
            yield _insert(site, index, end - 1, closer, "before-dot")
            continue
        if (
            token.text in OPENERS
            or token.text in (".", "=", ":", "->")
            or (token.kind is TokenKind.OP and token.text not in CLOSERS and token.text != ",")
        ):
            if token.text == ":" and last:
                yield _insert(site, index, token.column, closer, "before-colon")
            continue
        if last:
            if token.text == ",":
                yield _insert(site, index, token.column, closer, "before-comma")
            yield _insert(site, index, end, closer, "line-end")
        elif token.text != ",":
            detail = {":": "before-colon", ",": "before-comma"}.get(following, "middle")
            if following in CLOSERS:
                detail = "before-closer"
            yield _insert(site, index, end, closer, detail)
    header = opener.text == "(" and re.match(r"\s*(?:(?:async\s+)?def|class)\s", site.lines[opener.line])
    if header and usable and "\n" not in usable[-1].text:
        last_token = usable[-1]
        column = last_token.column + (0 if last_token.text == "," else len(last_token.text))
        rest = line[last_token.column + len(last_token.text) :]
        yield Change(
            index, index + 1, (line[:column] + "):" + rest,), Op.CLOSE_BRACKET, Kind.BRACKET, "add the missing `):`",
            token="):", detail="header",
        )  # fmt: skip
    if line.rstrip().endswith(","):
        cut = line.rstrip()[:-1]
        text = cut + closer
        yield Change(
            index, index + 1, (text,), Op.CLOSE_BRACKET, Kind.BRACKET, f"`{closer}` in place of the last comma",
            token=closer, detail="replaces-comma",
        )  # fmt: skip


def _insert(site: Site, index: int, column: int, closer: str, detail: str) -> Change:
    line = site.lines[index]
    return Change(
        index, index + 1, (line[:column] + closer + line[column:],), Op.CLOSE_BRACKET, Kind.BRACKET,
        f"add the missing `{closer}`", token=closer, detail=detail,
    )  # fmt: skip


def _closer_line(site: Site, opener: Token, index: int, closer: str) -> Change:
    at = index
    while at > opener.line + 1 and not site.lines[at - 1].strip():
        at -= 1
    text = indent_of(site.lines[opener.line]) + closer
    if site.code_tokens(opener.line)[-1:] and site.lines[opener.line].lstrip().startswith(("def ", "async def ")):
        text += ":"
    return Change(
        at, at, (text,), Op.CLOSE_BRACKET, Kind.BRACKET, f"add the missing `{closer}`", token=closer, detail="own-line"
    )


def _drop(site: Site, opener: Token) -> Iterator[Change]:
    line = site.lines[opener.line]
    text = line[: opener.column] + line[opener.column + 1 :]
    yield Change(
        opener.line, opener.line + 1, (text,), Op.DELETE_BRACKET, Kind.BRACKET, f"remove an extra `{opener.text}`",
        token=opener.text, detail="opener",
    )  # fmt: skip
    for shape in OPENERS:
        if shape != opener.text:
            text = line[: opener.column] + shape + line[opener.column + 1 :]
            yield Change(
                opener.line, opener.line + 1, (text,), Op.REPLACE_BRACKET, Kind.BRACKET,
                f"`{opener.text}` becomes `{shape}`", token=shape, detail="opener",
            )  # fmt: skip


def _close_all(site: Site) -> Iterator[Change]:
    """Close everything that is open at once, at the end of the lines around the fault."""
    for stack in (site.open_brackets, site.unclosed):
        if len(stack) < 2:
            continue
        for count in range(2, min(len(stack), 6) + 1):
            closers = "".join(OPENERS[token.text] for token in reversed(stack[-count:]))
            inner = stack[-1].line
            for index in sorted({inner, site.line - 1, site.line, len(site.lines) - 1}):
                if not inner <= index < len(site.lines):
                    continue
                code = site.code_tokens(index)
                if not code or "\n" in code[-1].text:
                    continue
                column = code[-1].column + len(code[-1].text)
                if code[-1].text in (":", ","):
                    yield _insert(site, index, code[-1].column, closers, "several")
                yield _insert(site, index, column, closers, "several")
            base = indent_of(site.lines[stack[-count].line])
            if site.last >= len(site.lines):
                rows = tuple(
                    indent_of(site.lines[token.line]) + OPENERS[token.text] for token in reversed(stack[-count:])
                )
                end = len(site.lines)
                yield Change(
                    end, end, rows, Op.CLOSE_BRACKET, Kind.TRUNCATED, "close what is open at the end of the file",
                    token=closers, detail="own-lines" if base is not None else "",
                )  # fmt: skip


def _mismatched(site: Site) -> Iterator[Change]:
    stack: list[Token] = []
    for token in site.tokens:
        if token.kind is not TokenKind.OP:
            continue
        if token.line > site.line + 1:
            break
        if token.text in OPENERS:
            stack.append(token)
        elif token.text in CLOSERS:
            if stack and stack[-1].text == CLOSERS[token.text]:
                stack.pop()
                if token.line < site.line - 1:
                    continue
                if token.line == site.line:
                    yield from _closer_removed(site, token, "matched")
                continue
            if token.line >= site.line - 1:
                yield from _closer_removed(site, token, "unmatched")
                for shape in CLOSERS:
                    if shape != token.text and (not stack or OPENERS[stack[-1].text] == shape):
                        yield _replace(site, token, shape)
                if stack:
                    yield _insert_before(site, token, OPENERS[stack[-1].text])
                yield from _opener_missing(site, token)


def _closer_removed(site: Site, token: Token, detail: str) -> Iterator[Change]:
    line = site.lines[token.line]
    text = line[: token.column] + line[token.column + 1 :]
    yield Change(
        token.line, token.line + 1, (text,), Op.DELETE_BRACKET, Kind.BRACKET, f"remove an extra `{token.text}`",
        token=token.text, detail=detail,
    )  # fmt: skip
    if not text.strip():
        yield Change(
            token.line, token.line + 1, (), Op.DELETE_BRACKET, Kind.BRACKET, f"remove an extra `{token.text}`",
            token=token.text, detail=detail + "-line",
        )  # fmt: skip
    if site.lines[token.line][: token.column].strip() == "":
        yield from _early_closer(site, token.line)


def _early_closer(site: Site, index: int) -> Iterator[Change]:
    """The line before `index` closes a bracket too early: its closer becomes a comma, or goes."""
    previous = index - 1
    while previous > site.first and not is_code(site.lines[previous]):
        previous -= 1
    code = site.code_tokens(previous) if previous >= site.first else []
    if not code or code[-1].text not in CLOSERS:
        return
    line, last = site.lines[previous], code[-1]
    for text, op, title in (
        (",", Op.REPLACE_BRACKET, f"`{last.text}` becomes `,`"),
        ("", Op.DELETE_BRACKET, f"remove an early `{last.text}`"),
    ):
        changed = line[: last.column] + text + line[last.column + 1 :]
        yield Change(
            previous, previous + 1, (changed,), op, Kind.BRACKET, title, token=last.text, detail="early-closer"
        )
    if width_of(site.lines[index]) <= width_of(line) and not site.fault.message.startswith("unexpected indent"):
        return
    end = index
    while end < min(site.last, index + 20) and site.lines[end].strip() and not site.lines[end].strip().endswith(":"):
        end += 1
        if end < len(site.lines) and width_of(site.lines[end]) < width_of(site.lines[index]):
            break
    tail = site.code_tokens(end - 1) if end > index else []
    if tail and tail[-1].text not in CLOSERS:
        opened = line[: last.column] + "," + line[last.column + 1 :]
        final = site.lines[end - 1]
        cut = tail[-1].column + (0 if tail[-1].text == "," else len(tail[-1].text))
        closed = final[:cut] + last.text + final[tail[-1].column + len(tail[-1].text) :]
        rows = (opened, *site.lines[previous + 1 : end - 1], closed)
        yield Change(
            previous, end, rows, Op.CLOSE_BRACKET, Kind.BRACKET, f"move `{last.text}` to the end of the call",
            token=last.text, detail="moved",
        )  # fmt: skip


def _replace(site: Site, token: Token, shape: str) -> Change:
    line = site.lines[token.line]
    text = line[: token.column] + shape + line[token.column + 1 :]
    return Change(
        token.line, token.line + 1, (text,), Op.REPLACE_BRACKET, Kind.BRACKET, f"`{token.text}` becomes `{shape}`",
        token=shape, detail="closer",
    )  # fmt: skip


def _insert_before(site: Site, token: Token, closer: str) -> Change:
    line = site.lines[token.line]
    text = line[: token.column] + closer + line[token.column :]
    return Change(
        token.line, token.line + 1, (text,), Op.CLOSE_BRACKET, Kind.BRACKET, f"add the missing `{closer}`",
        token=closer, detail="before-closer",
    )  # fmt: skip


def _glued(site: Site, word: str) -> Iterator[int]:
    """Where a word falls into two that are known: `lenrows` with `len`, `def loadself` with `self`."""
    for cut in range(2, len(word) - 1):
        head, tail = word[:cut], word[cut:]
        if tail in ("self", "cls") or ((head in _FUNCTIONS or site.words[head]) and site.words[tail]):
            yield cut


def _opener_missing(site: Site, closer: Token) -> Iterator[Change]:
    opener = CLOSERS[closer.text]
    for token in site.code_tokens(closer.line):
        if token.column >= closer.column or token.kind is not TokenKind.NAME or opener != "(":
            continue
        for cut in list(_glued(site, token.text))[:3]:
            column = token.column + cut
            line = site.lines[closer.line]
            yield Change(
                closer.line, closer.line + 1, (line[:column] + opener + line[column:],), Op.OPEN_BRACKET, Kind.BRACKET,
                f"add the missing `{opener}`", token=opener, detail="in-word",
            )  # fmt: skip
    before = [t for t in site.code_tokens(closer.line) if t.column < closer.column]
    line = site.lines[closer.line]
    for token in before[::-1][:14]:
        if token.text in CLOSERS or (token.kind is TokenKind.NAME and keyword.iskeyword(token.text)):
            continue
        if token.kind is TokenKind.OP and token.text not in OPENERS and token.text not in ("-", "*", "**", "~"):
            continue
        text = line[: token.column] + opener + line[token.column :]
        yield Change(
            closer.line, closer.line + 1, (text,), Op.OPEN_BRACKET, Kind.BRACKET, f"add the missing `{opener}`",
            token=opener, detail="before-" + ("name" if token.kind is TokenKind.NAME else "other"),
        )  # fmt: skip
