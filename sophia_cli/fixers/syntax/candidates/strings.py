"""Strings and docstrings: quotes missing, too many, of the wrong kind, or glued to the next statement."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import REST, Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code

# Code between two strings begins or ends like this; words that somebody quoted do not.
_BETWEEN_STRINGS = re.compile(r"^\s*[,:=+)\]}]|^\s+\w.*[,:=+]\s*$|[,:=+(\[{]\s*$")
_MOST_INNER = 12  # quotes inside a string that are exchanged together
_LONGEST_REST = 40  # lines of a docstring whose opening is lost
_TRIPLE = re.compile(r'"""|\'\'\'')
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s|\s*@\w|(?:import|from)\s")
_HEADER = re.compile(r"\s*(?:(?:async\s+)?def|class)\s.*:\s*(?:#.*)?$|\s*\).*:\s*(?:#.*)?$")


def propose(site: Site) -> Iterator[Change]:
    """Yield quotes added, removed and exchanged near the fault."""
    if not site.lines:
        return
    yield from _unterminated(site)
    yield from _lost_opening(site)
    yield from _triple(site)
    yield from _glued(site)
    yield from _prefix(site)
    yield from _nested_quotes(site)
    yield from _quote_words(site)


def _change(site: Site, index: int, text: str, op: Op, title: str, detail: str) -> Change:
    return Change(index, index + 1, (text,), op, Kind.STRING, title, detail=detail)


def _unterminated(site: Site) -> Iterator[Change]:
    for index in (site.line, site.line - 1):
        if not site.first <= index < len(site.lines):
            continue
        opened = next(
            (t for t in site.by_line.get(index, []) if t.kind is TokenKind.OPEN_STRING and "\n" not in t.text), None
        )
        if opened is None or opened.text.endswith(('"""', "'''")):
            continue
        quote = opened.text.lstrip("rRbBfFuU")[:1]
        line = site.lines[index]
        body_start = opened.column + len(opened.text) - len(opened.text.lstrip("rRbBfFuU")) + 1
        stripped = line.rstrip()
        yield _change(site, index, stripped + quote, Op.CLOSE_STRING, "close the string", "line-end")
        if closers := _closers_of(site.by_line[index], opened):
            text = stripped + quote + closers
            yield _change(site, index, text, Op.CLOSE_STRING, "close the string and its brackets", "line-end-brackets")
        tail = re.search(r"[\s)\]},:;]*$", stripped)
        if tail:
            for position in range(tail.start(), len(stripped)):
                if position > body_start:
                    text = line[:position] + quote + line[position:]
                    yield _change(site, index, text, Op.CLOSE_STRING, "close the string", "before-" + line[position])
        for match in list(re.finditer(r"[,)\]}:] ?|\s+#| \+| %|\.format", line[body_start:]))[:8]:
            position = body_start + match.start()
            text = line[:position] + quote + line[position:]
            yield _change(site, index, text, Op.CLOSE_STRING, "close the string", "middle")
        yield _change(
            site, index, line[: opened.column] + line[body_start:], Op.DELETE_QUOTES, "remove a stray quote", "open"
        )
        other = "'" if quote == '"' else '"'
        if other in line[body_start:]:
            cut = line.rfind(other)
            text = line[:cut] + quote + line[cut + 1 :]
            yield _change(site, index, text, Op.FIX_QUOTES, "close the string with its own quote", "close-other")
            start = body_start - 1
            text = line[:start] + other + line[start + 1 :]
            yield _change(site, index, text, Op.FIX_QUOTES, "open the string with its closing quote", "open-other")
        inner = [m.start() for m in re.finditer(re.escape(quote), line)]
        for position in inner[-3:]:
            if position != opened.column:
                text = line[:position] + "\\" + line[position:]
                # A quote typed twice at the end is no part of the text.
                manner = "escape-last" if line[position + 1 :].rstrip() in ("", quote) else "escape"
                yield _change(site, index, text, Op.FIX_QUOTES, "escape a quote inside the string", manner)
                removed = line[:position] + line[position + 1 :]
                yield _change(site, index, removed, Op.DELETE_QUOTES, "remove a stray quote", "inner")
        yield from _over_lines(site, index, opened, quote)
        yield from _earlier_end(site, index, opened, quote)


def _earlier_end(site: Site, index: int, opened: Token, quote: str) -> Iterator[Change]:
    """The quote is missing at the end of an earlier string of the line, which ran into the next one."""
    line = site.lines[index]
    before = [t for t in site.code_tokens(index) if t.kind is TokenKind.STRING and t.column < opened.column]
    for token in before[::-1][:6]:
        if "\n" in token.text or not token.text.endswith(quote):
            continue
        for match in list(re.finditer(r"[,:)\]}]", token.text[:-1]))[:4]:
            position = token.column + match.start()
            text = line[:position] + quote + line[position:]
            yield _change(site, index, text, Op.CLOSE_STRING, "close the string", "earlier")


def _over_lines(site: Site, index: int, opened: Token, quote: str) -> Iterator[Change]:
    """The string runs over several lines: concatenate its pieces, or make it triple-quoted."""
    prefix = opened.text[: len(opened.text) - len(opened.text.lstrip("rRbBfFuU"))]
    for end in range(index + 1, min(index + 12, len(site.lines))):
        line = site.lines[end]
        if quote not in line:
            continue
        middle = site.lines[index + 1 : end]
        pieces = [site.lines[index].rstrip() + " " + quote]
        pieces.extend(f"{indent_of(x)}{prefix}{quote}{x.strip()} {quote}" for x in middle)
        pieces.append(f"{indent_of(line)}{prefix}{quote}{line.strip()}")
        yield Change(
            index, end + 1, tuple(pieces), Op.CLOSE_STRING, Kind.STRING, "join the pieces of a broken string",
            detail="pieces",
        )  # fmt: skip
        cut = opened.column + len(prefix)
        first = site.lines[index][:cut] + quote * 3 + site.lines[index][cut + 1 :]
        close = line.find(quote)
        last = line[:close] + quote * 3 + line[close + 1 :]
        yield Change(
            index, end + 1, (first, *middle, last), Op.FIX_QUOTES, Kind.STRING, "use triple quotes", detail="triple"
        )
        begin = site.lines[index].rstrip()
        # Nothing of the string stands on its first line: the break came with the quote, not between two words.
        blank = "" if begin.endswith(quote) else " "
        joined = begin + blank + " ".join(x.strip() for x in [*middle, line])
        yield Change(
            index,
            end + 1,
            (joined,),
            Op.JOIN_LINES,
            Kind.STRING,
            "join the lines of a broken string",
            detail="string" if blank else "string-empty",
        )
        break


def _triple(site: Site) -> Iterator[Change]:
    text = "\n".join(site.lines[site.first : site.last])
    marks = list(_TRIPLE.finditer(text))
    if not marks or (len(marks) % 2 == 0 and "unterminated triple" not in site.fault.message):
        near = [m for m in marks if abs(text.count("\n", 0, m.start()) + site.first - site.line) <= 3]
        if not near:
            return
        marks = near[:6]
    opened = [t for t in site.tokens if t.kind is TokenKind.OPEN_STRING and "\n" in t.text]
    rows: list[tuple[int, int, str]] = []
    for mark in marks[-40:]:
        index = text.count("\n", 0, mark.start()) + site.first
        rows.append((index, mark.start() - (text.rfind("\n", 0, mark.start()) + 1), mark.group()))
    for index, column, quote in rows:
        line = site.lines[index]
        alone = line.strip() == quote
        removed = line[:column] + line[column + 3 :]
        if alone:
            yield Change(
                index, index + 1, (), Op.DELETE_QUOTES, Kind.STRING, f"remove a stray `{quote}`", detail="triple-line"
            )
        else:
            yield _change(site, index, removed, Op.DELETE_QUOTES, f"remove a stray `{quote}`", "triple")
            yield _change(
                site,
                index,
                line.rstrip() + quote,
                Op.CLOSE_STRING,
                "close the docstring on its line",
                "triple-same-line",
            )
            other = "'''" if quote == '"""' else '"""'
            if not line[:column].strip() and re.search(r"[^\"'\\\s][\"']\s*$", line[column + 3 :]):
                text = line.rstrip()[:-1] + quote
                yield _change(site, index, text, Op.FIX_QUOTES, "close the docstring with its own quotes", "triple-own")
            if column < line.rfind(other) == len(line.rstrip()) - 3:
                text = line[: line.rfind(other)] + quote
                yield _change(site, index, text, Op.FIX_QUOTES, "close the docstring with its own quotes", "triple-own")
            if index == site.line or abs(index - site.line) < 3:
                yield _change(
                    site, index, line[:column] + quote[0] + line[column + 3 :], Op.FIX_QUOTES, "use one quote", "single"
                )
                if line[:column].endswith("\\"):
                    fixed = line[: column - 1] + line[column:].replace('\\"', '"')
                    yield _change(site, index, fixed, Op.STRIP_PREFIX, "remove a stray backslash", "backslash")
    openers = {row[0] for row in rows} | {t.line for t in opened}
    quote = rows[-1][2] if rows else '"""'
    for index in sorted(openers)[-25:]:
        yield from _close_docstring(site, index, quote)


def _closers_of(tokens: list[Token], last: Token) -> str:
    """What closes the brackets that a line opens before its last token, the innermost first."""
    waiting: list[str] = []
    for token in tokens:
        if token is last:
            break
        if token.text in OPENERS:
            waiting.append(OPENERS[token.text])
        elif waiting and token.text == waiting[-1]:
            waiting.pop()
    return "".join(reversed(waiting))


def _lost_opening(site: Site) -> Iterator[Change]:
    """The rest of a docstring stands among code without the line that opened it: open it where it does not parse."""
    if site.group not in ("invalid", "comma", "indent", "literal", "character", "string"):
        return
    first = site.line
    for end in range(first, min(first + _LONGEST_REST, len(site.lines))):
        line = site.lines[end]
        mark = _TRIPLE.search(line)
        if mark is None and not (end > first and _DEFINITION.match(line)):
            continue
        if mark is not None and end > first and not line[mark.end() :].strip():
            indent = indent_of(site.lines[first])
            yield Change(
                first, first, (indent + mark.group(),), Op.OPEN_STRING, Kind.STRING, "open the docstring", detail=REST
            )
        return


def _close_docstring(site: Site, index: int, quote: str) -> Iterator[Change]:
    indent = indent_of(site.lines[index])
    spots: dict[int, str] = {}
    for end in range(index + 1, min(index + 60, len(site.lines))):
        line = site.lines[end]
        previous = site.lines[end - 1]
        if _DEFINITION.match(line) and len(indent_of(line)) <= len(indent):
            spots.setdefault(end, "definition")
            break
        if not line.strip():
            spots.setdefault(end, "blank")
        elif not previous.strip() and end - 1 > index:
            spots.setdefault(end - 1, "blank")
        elif len(indent_of(line)) < len(indent) or re.match(r"\s*\w+(\.\w+)*\s*(=|\()", line) or _statement(line):
            spots.setdefault(end, "statement")
        if len(spots) >= 8:
            break
    else:
        end = min(index + 60, len(site.lines))
        spots.setdefault(end, "end")
    for position, detail in spots.items():
        yield Change(
            position, position, (indent + quote,), Op.CLOSE_STRING, Kind.STRING, "close the docstring",
            detail="triple-" + detail,
        )  # fmt: skip
        before = position - 1
        if before > index and is_code(site.lines[before]) and detail in ("definition", "blank", "end"):
            yield Change(
                before, position, (site.lines[before] + quote,), Op.CLOSE_STRING, Kind.STRING, "close the docstring",
                detail="triple-append",
            )  # fmt: skip
    if index == site.line and site.last >= len(site.lines):
        end = len(site.lines)
        while end > index + 1 and not site.lines[end - 1].strip():
            end -= 1
        yield Change(
            end, end, (indent + quote,), Op.CLOSE_STRING, Kind.STRING, "close the docstring", detail="triple-file-end"
        )
    for up in range(index - 1, max(site.first, index - 40) - 1, -1):
        line = site.lines[up]
        if _HEADER.match(line):
            yield Change(
                up + 1, up + 1, (indent + quote,), Op.OPEN_STRING, Kind.STRING, "open the docstring", detail="header"
            )
            if up + 1 < index:
                first = site.lines[up + 1]
                yield Change(
                    up + 1, up + 2, (indent_of(first) + quote + first.strip(),), Op.OPEN_STRING, Kind.STRING,
                    "open the docstring", detail="same-line",
                )  # fmt: skip
            break
    else:
        if site.first == 0:
            top = 0
            while top < index and (not site.lines[top].strip() or site.lines[top].startswith("#")):
                top += 1
            yield Change(top, top, (quote,), Op.OPEN_STRING, Kind.STRING, "open the docstring", detail="top")


def _statement(line: str) -> bool:
    return bool(re.match(r"\s*(?:if|for|while|return|try|with|raise|import|from|assert|self\.)\b", line))


def _glued(site: Site) -> Iterator[Change]:
    """Code stands right behind the end of a string: `\"\"\"text\"\"\"import os`."""
    for token in site.tokens:
        if token.kind is not TokenKind.STRING:
            continue
        end_line = token.line + token.text.count("\n")
        if end_line not in (site.line, site.line - 1, site.line - 2):
            continue
        column = len(token.text.split("\n")[-1]) + (token.column if "\n" not in token.text else 0)
        line = site.lines[end_line]
        rest = line[column:]
        first = site.lines[token.line]
        if not rest.strip() or first[: token.column].strip() or rest.lstrip()[:1] in CLOSERS:
            continue
        indent = indent_of(first)
        for text, detail in ((rest.strip(), "plain"), (re.sub(r"[.;,]+$", "", rest.strip()), "trailing-junk")):
            if text:
                yield Change(
                    end_line, end_line + 1, (line[:column], indent + text), Op.SPLIT_LINE, Kind.STRING,
                    "start a new line after the docstring", detail="docstring-" + detail,
                )  # fmt: skip
        yield _change(site, end_line, line[:column], Op.DELETE_TOKENS, "remove what follows the docstring", "docstring")


def _prefix(site: Site) -> Iterator[Change]:
    """Junk in front of the quotes of a docstring."""
    line = site.lines[site.line]
    match = re.search(r'\\?(?:"""|\'\'\'|\\"\\"\\")', line)
    if (match and line[: match.start()].strip()) or (match and match.group().startswith("\\")):
        quote = match.group().replace("\\", "")
        rest = line[match.end() :]
        for indent in dict.fromkeys((indent_of(line), "")):
            yield _change(
                site, site.line, indent + quote + rest, Op.STRIP_PREFIX, "remove junk before the docstring", "quotes"
            )
        if "=" not in line[: match.start()] and "(" not in line[: match.start()]:
            words = line[: match.start()]
            yield _change(
                site, site.line, indent_of(line) + quote + words.strip() + rest, Op.OPEN_STRING,
                "put the text into the docstring", "swallow",
            )  # fmt: skip


def _nested_quotes(site: Site) -> Iterator[Change]:
    """A quote inside a string ends it early: exchange the inner or the outer quotes, or escape."""
    for index in dict.fromkeys((site.line, min(site.fault.end_line - 1, len(site.lines) - 1))):
        line = site.lines[index]
        for quote, other in (('"', "'"), ("'", '"')):
            places = [m.start() for m in re.finditer(rf"(?<!\\){quote}", line)]
            if len(places) < 4 or quote * 3 in line:
                continue
            for first in range(min(len(places) - 3, 4)):
                for last in range(min(len(places) - 1, first + 1 + _MOST_INNER), first + 2, -1):
                    inner = places[first + 1 : last]
                    if len(inner) % 2 or (not _is_format(line, places[first]) and _swallows_code(line, inner)):
                        continue
                    body = "".join(other if i in inner else c for i, c in enumerate(line))
                    if other not in line[places[first] : places[last]]:
                        yield _change(site, index, body, Op.FIX_QUOTES, "exchange the inner quotes", "nested")
                    outer = "".join(other if i in (places[first], places[last]) else c for i, c in enumerate(line))
                    if other not in line[places[first] + 1 : places[last]]:
                        yield _change(site, index, outer, Op.FIX_QUOTES, "exchange the outer quotes", "nested-outer")
                    if len(places) > 6:
                        break
            if len(places) == 3:
                escaped = line[: places[1]] + "\\" + line[places[1] :]
                yield _change(site, index, escaped, Op.FIX_QUOTES, "escape a quote inside the string", "escape")
        for quote, other in (('"', "'"), ("'", '"')):
            places = [m.start() for m in re.finditer(rf"(?<!\\){quote}", line)]
            if len(places) == 3 and other not in line[places[0] + 1 : places[2]]:
                outer = "".join(other if i in (places[0], places[2]) else c for i, c in enumerate(line))
                yield _change(site, index, outer, Op.FIX_QUOTES, "exchange the outer quotes", "three")
                escaped = line[: places[1]] + "\\" + line[places[1] :]
                yield _change(site, index, escaped, Op.FIX_QUOTES, "escape a quote inside the string", "escape")


def _is_format(line: str, quote: int) -> bool:
    """Whether the string that opens with a quote is an f-string, which holds code itself."""
    return re.search(r"\b[rR]?[fF][rR]?$", line[:quote]) is not None


def _swallows_code(line: str, inner: list[int]) -> bool:
    """Whether what stands between two of the quotes, as code does, is no part of a text: `"a": 1, "b"`."""
    pairs = zip(inner[::2], inner[1::2], strict=True)
    return any(_BETWEEN_STRINGS.search(line[first + 1 : last]) for first, last in pairs)


def _quote_words(site: Site) -> Iterator[Change]:
    """Bare text where a string belongs, as in `{✅ if ok else ❌}` or an argument without its quotes."""
    line = site.lines[site.line]
    if any(ord(char) > 0x2000 for char in line):
        for inner, pattern in (("'", r"[^\x00-\u2000]+(?: [A-Z]+(?: [A-Z]+)*)?"), ("'", r"[^\x00-\u2000]+")):
            for quote in (inner, '"'):
                text = re.sub(pattern, lambda m, q=quote: q + m.group().strip() + q, line)  # type: ignore[misc]  # bound default
                if text != line:
                    yield _change(site, site.line, text, Op.CLOSE_STRING, "quote the text", "symbols")
    code = site.code_tokens(site.line)
    for position, token in enumerate(code[:-1]):
        if token.kind is TokenKind.NAME and token.column <= site.column <= token.column + len(token.text) + 40:
            end = position
            while end + 1 < len(code) and code[end + 1].kind in (TokenKind.NAME, TokenKind.NUMBER, TokenKind.JUNK):
                end += 1
            if end > position:
                last = code[end]
                stop = last.column + len(last.text)
                text = line[: token.column] + '"' + line[token.column : stop] + '"' + line[stop:]
                yield _change(site, site.line, text, Op.CLOSE_STRING, "quote the text", "words")
            break
    match = re.search(r"(\"|')\s*$", line)
    if match and line.count(match.group(1)) % 2 == 1:
        quote = match.group(1)
        for token in code[:8]:
            if token.kind is not TokenKind.OPEN_STRING and token.text not in ("=", "return", "(", ","):
                text = line[: token.column] + quote + line[token.column :]
                yield _change(site, site.line, text, Op.OPEN_STRING, "open the string", "word")
