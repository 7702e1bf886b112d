"""Headers of blocks that say it nearly: the colon at the wrong place, the wrong keyword, a `try` that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|if|elif|for|while|with|except)\b")
_HANDLER = re.compile(r"(\s*)except\s+([\w.]+\s*\(.*\)|[\w.]+)\s*$")
_CLAUSE = re.compile(r"\s*(?:except\b.*|finally\s*):\s*(?:#.*)?$")
_LAMBDA = re.compile(r"\blambda\b")


def propose(site: Site) -> Iterator[Change]:
    """Yield headers with their colon at the end, `raise` for an `except` that catches nothing, and lost `try` lines."""
    if not site.lines:
        return
    yield from _early_colon(site)
    yield from _handler_for_raise(site)
    yield from _lost_try(site)


def _early_colon(site: Site) -> Iterator[Change]:
    """`def f() -> list:[int]`, `for x: in y`: the colon belongs to the end of the line."""
    for index in dict.fromkeys((site.line, site.previous_code(site.line))):
        if index is None or not _HEADER.match(site.lines[index]) or _LAMBDA.search(site.lines[index]):
            continue
        code = site.code_tokens(index)
        depth = 0
        for token in code[:-1]:
            if token.kind is not TokenKind.OP:
                continue
            depth += (token.text in OPENERS) - (token.text in CLOSERS)
            if token.text == ":" and depth == 0:
                line, last = site.lines[index], code[-1]
                end = last.column + (0 if last.text == ":" else len(last.text))
                after = line[token.column + 1 : end]
                glue = after.lstrip() if after.lstrip()[:1] in ("[", "(") else after
                text = line[: token.column] + glue.rstrip() + ":" + line[last.column + len(last.text) :]
                yield Change(
                    index, index + 1, (text,), Op.ADD_COLON, Kind.MISSING_TOKEN, "move the `:` to the end", token=":",
                    detail="moved",
                )  # fmt: skip
                break


def _handler_for_raise(site: Site) -> Iterator[Change]:
    """`except Wrong()` without a colon where no `try` is open: somebody meant to raise."""
    match = _HANDLER.match(site.lines[site.line])
    if match:
        yield Change(
            site.line, site.line + 1, (f"{match.group(1)}raise {match.group(2)}",), Op.KEYWORD_TYPO, Kind.JUNK,
            "`except` becomes `raise`", token="raise", detail="handler",
        )  # fmt: skip


def _lost_try(site: Site) -> Iterator[Change]:
    """A clause without its `try`: the line returns above the run of lines that stand further in, or above the
    statement before."""
    index = site.line
    if not _CLAUSE.match(site.lines[index]):
        return
    indent = indent_of(site.lines[index])
    width = width_of(indent)
    first = index
    above = site.previous_code(index)
    while above is not None and width_of(site.lines[above]) > width:
        first = above
        above = site.previous_code(above)
    if first < index:
        yield Change(
            first, first, (indent + "try:",), Op.ADD_HEADER, Kind.TRUNCATED, "add the missing `try:`", detail="try"
        )
        return
    if above is None or width_of(site.lines[above]) != width:
        return
    moved = [site.unit + line if is_code(line) else line for line in site.lines[above:index]]
    yield Change(
        above, index, (indent + "try:", *moved), Op.ADD_HEADER, Kind.TRUNCATED, "add the missing `try:`",
        detail="try-around",
    )  # fmt: skip
