"""Wordings that Python does not have: typographic characters, and constructs of other languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, TokenKind, scan
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "−": "-", "（": "(", "）": ")",
     "，": ",", "：": ":", "；": ";", "．": ".", "＝": "=", "【": "[", "】": "]", "…": "...", "×": "*", "÷": "/",
     "≤": "<=", "≥": ">=", "≠": "!=", "\u00a0": " ", "\u200b": "", "\ufeff": "", "\u2028": " ", "\u3000": " ",
     "\u202f": " ", "\u2009": " ", "\u00ad": "", "\u200e": "", "\u200f": "", "\u2060": "", "`": "'", "´": "'"}
)  # fmt: skip


_LAMBDA = re.compile(r"\blambda\s*\(([^()]*)\)\s*:")


def propose(site: Site) -> Iterator[Change]:
    """Yield the fault's line in Python's own wording."""
    if site.lines:
        yield from _characters(site)
        yield from _conditional(site)
        yield from _wordings(site)


def _characters(site: Site) -> Iterator[Change]:
    """Typographic characters that an editor or a web page put in the place of ASCII."""
    for index in {site.line, min(site.fault.end_line - 1, len(site.lines) - 1)}:
        line = site.lines[index]
        plain = line.translate(_QUOTES)
        if plain != line:
            yield Change(
                index, index + 1, (plain,), Op.FIX_QUOTES, Kind.JUNK, "typographic characters become ASCII",
                detail="characters",
            )  # fmt: skip
        junk = [t for t in site.by_line.get(index, []) if t.kind is TokenKind.JUNK]
        if junk:
            text = line
            for token in reversed(junk):
                text = text[: token.column] + text[token.column + len(token.text) :]
            yield Change(
                index, index + 1, (text,), Op.DELETE_TOKENS, Kind.JUNK, "remove characters that are not Python",
                token="junk", detail="junk",
            )  # fmt: skip
            head = text.lstrip(" ")
            yield Change(
                index, index + 1, (line[: len(line) - len(line.lstrip())] + head.strip(),), Op.DELETE_TOKENS,
                Kind.JUNK, "remove characters that are not Python", token="junk", detail="junk-strip",
            )  # fmt: skip


def _conditional(site: Site) -> Iterator[Change]:
    """`x if c for x in y` and `c ? a : b`: filters and choices written in another language's order."""
    code = site.code_tokens(site.line)
    line = site.lines[site.line]
    words = [token.text for token in code]
    if "if" in words and "for" in words and words.index("if") < words.index("for"):
        start, stop = code[words.index("if")], code[words.index("for")]
        condition = line[start.column : stop.column].strip()
        depth = 0
        for token in code[words.index("for") :]:
            depth += (token.text in OPENERS) - (token.text in CLOSERS)
            if depth < 0:
                text = line[: start.column] + line[stop.column : token.column] + " " + condition + line[token.column :]
                yield Change(
                    site.line, site.line + 1, (text,), Op.REWRITE, Kind.MISSING_TOKEN, "move the filter to the end",
                    detail="filter",
                )  # fmt: skip
                break
        text = line[: stop.column] + "else None " + line[stop.column :]
        yield Change(
            site.line, site.line + 1, (text,), Op.INSERT_TOKEN, Kind.MISSING_TOKEN, "add `else None`", token="else",
            detail="choice",
        )  # fmt: skip
    if "else" in site.fault.message and "if" in words and "for" not in words:
        yield from _half_choice(site, line)
    if "?" in words and ":" in words[words.index("?") :]:
        mark = words.index("?")
        colon = words.index(":", mark)
        begin = next(
            (i + 1 for i in range(mark - 1, -1, -1) if words[i] in ("=", "(", ",", "return", "[", "{", ":")), 0
        )
        stop_column = next((t.column for t in code[colon + 1 :] if t.text in (",", ")", "]", "}")), len(line.rstrip()))
        test = line[code[begin].column : code[mark].column].strip()
        yes = line[code[mark].column + 1 : code[colon].column].strip()
        no = line[code[colon].column + 1 : stop_column].strip()
        negated = test.removeprefix("not ") if test.startswith("not ") else None
        texts = [f"{yes} if {test} else {no}"]
        if negated is not None:
            texts.append(f"{no} if {negated} else {yes}")
        for text in texts:
            changed = line[: code[begin].column] + text + line[stop_column:]
            yield Change(
                site.line, site.line + 1, (changed,), Op.REWRITE, Kind.OTHER, "write the choice as `a if test else b`",
                detail="ternary",
            )  # fmt: skip


def _half_choice(site: Site, line: str) -> Iterator[Change]:
    """`x if c` is no value: it is `None` otherwise."""
    code = site.code_tokens(site.line)
    start = next((i for i, t in enumerate(code) if t.column >= site.column), 0)
    depth = 0
    end = code[-1].column + len(code[-1].text)
    for token in code[start:]:
        depth += (token.text in OPENERS) - (token.text in CLOSERS)
        if depth < 0 or (depth == 0 and token.text == ","):
            end = token.column
            break
    text = line[:end] + " else None" + line[end:]
    yield Change(
        site.line, site.line + 1, (text,), Op.INSERT_TOKEN, Kind.MISSING_TOKEN, "add `else None`", token="else",
        detail="choice-end",
    )  # fmt: skip


def _wordings(site: Site) -> Iterator[Change]:
    """Whole lines in a wording that Python does not have."""
    line = site.lines[site.line]
    found: list[tuple[str, str, str]] = []
    lone = re.match(r"(\s*)from\s+([\w.]+)\s*(#.*)?$", line)
    if lone:
        found.append((f"{lone.group(1)}import {lone.group(2)}", "from-import", "`from` becomes `import`"))
    choice = re.match(r"(\s*)else\s*(\(.*|\s\S.*):", line)
    if choice:
        found.append((line.replace("else", "elif", 1), "elif", "`else` with a condition becomes `elif`"))
    if "ambda" in line and "parenthesized" in site.fault.message:
        bare = _LAMBDA.sub(r"lambda \1:", line)
        found.append((bare, "lambda", "remove the brackets of the parameters"))
        yield from _lambdas(site)
    if "\\'" in line or '\\"' in line:
        found.append((line.replace("\\'", "'").replace('\\"', '"'), "unescape", "remove backslashes before quotes"))
    version = re.search(r"(?<![\w.\"'])\d+(?:\.\d+){2,}\w*", line)
    if version:
        quoted = line[: version.start()] + '"' + version.group() + '"' + line[version.end() :]
        found.append((quoted, "version", "put the version into quotes"))
    found.extend(_python_2(line, site.fault.message))
    for text, detail, title in found:
        if text != line:
            yield Change(site.line, site.line + 1, (text,), Op.REWRITE, Kind.OTHER, title, detail=detail)


def _lambdas(site: Site) -> Iterator[Change]:
    """Every `lambda` with bracketed parameters at once: who wrote one wrote them all."""
    rows = [_LAMBDA.sub(r"lambda \1:", line) for line in site.lines]
    changed = [i for i, row in enumerate(rows) if row != site.lines[i]]
    if len(changed) > 1:
        first, end = changed[0], changed[-1] + 1
        yield Change(
            first, end, tuple(rows[first:end]), Op.REWRITE, Kind.OTHER, "remove the brackets of the parameters",
            detail="lambda-all",
        )  # fmt: skip


def _python_2(line: str, message: str) -> Iterator[tuple[str, str, str]]:
    """Statements of Python 2 in a file that is not of it as a whole."""
    code, remark = _without_remark(line)
    shown = re.match(r"(\s*)print\s+(.+?)\s*$", code)
    if shown and "print" in message:
        indent, words = shown.groups()
        if words.endswith(","):
            words = words[:-1].rstrip() + ', end=" "'
        yield f"{indent}print({words}){remark}", "print", "`print` is a function"
    spoken = re.match(r"(\s*(?:raise|return|yield)\s+)([\w.]+)\s+([rRbBfFuU]{0,2}[\"'].*?)\s*$", code)
    if spoken:
        head, called, words = spoken.groups()
        yield f"{head}{called}({words}){remark}", "call", "put the argument into brackets"
    raised = re.match(r"(\s*)raise\s+([\w.]+)\s*,\s*(.+?)\s*$", code)
    if raised:
        indent, error, words = raised.groups()
        yield f"{indent}raise {error}({words}){remark}", "raise", "raise an instance"
    caught = re.match(r"(\s*)except\s+([\w.]+|\([\w., ]+\))\s*,\s*([a-z_]\w*)\s*:(.*)$", code)
    if caught:
        indent, error, name, rest = caught.groups()
        yield f"{indent}except {error} as {name}:{rest}{remark}", "except", "name the exception with `as`"


def _without_remark(line: str) -> tuple[str, str]:
    """A line of code and the remark behind it, with the blanks between them."""
    comment = next((t for t in scan(line) if t.kind is TokenKind.COMMENT), None)
    code = line[: comment.column].rstrip() if comment is not None else line.rstrip()
    return code, line[len(code) :] if comment is not None else ""
