"""Block headers without a block: a missing body, a missing colon, a header that should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code

_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b")
_DECORATOR = re.compile(r"\s*@[\w.]+(?:\(.*\))?\s*(?:#.*)?$")
_FUNCTION = re.compile(r"\s*(?:(?:async\s+)?def|class)\b")
_TRY = re.compile(r"\s*try\s*:")


def propose(site: Site) -> Iterator[Change]:
    """Yield colons at the end of headers, `pass` bodies, missing `except` clauses."""
    yield from _colons(site)
    yield from _joined_body(site)
    yield from _bodies(site)
    yield from _missing_except(site)
    yield from _late_decorators(site)


def _colons(site: Site) -> Iterator[Change]:
    candidates = [site.line]
    previous = site.previous_code(site.line)
    if previous is not None:
        candidates.append(previous)
        candidates.append(site.statement_end(previous) - 1)
    if site.header is not None:
        candidates.append(site.header)
    for index in dict.fromkeys(candidates):
        if not 0 <= index < len(site.lines):
            continue
        code = site.code_tokens(index)
        if not code or code[-1].text == ":":
            continue
        last = code[-1]
        cut = last.column + len(last.text.split("\n")[-1])
        line = site.lines[index]
        header = bool(_HEADER.match(line))
        detail = "header" if header else "other"
        ends = [cut]
        if last.text in (";", ".", ",", "=", "{"):
            yield _colon(site, index, line[: last.column].rstrip() + ":" + line[cut:], "replaces")
        for position in ends:
            yield _colon(site, index, line[:position] + ":" + line[position:], detail)


def _joined_body(site: Site) -> Iterator[Change]:
    """Something stands behind the colon of a header whose block follows: it starts the block, or it is junk."""
    previous = site.previous_code(site.line)
    if previous is None or not _HEADER.match(site.lines[previous]):
        return
    for last in dict.fromkeys((site.statement_end(previous) - 1, previous)):
        yield from _joined_at(site, previous, last)


def _joined_at(site: Site, header: int, last: int) -> Iterator[Change]:
    code = site.code_tokens(last)
    depth = 0
    for position, token in enumerate(code[:-1]):
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind is TokenKind.OP else 0
        if token.text == ":" and depth <= 0 and token.kind is TokenKind.OP:
            line = site.lines[last]
            head, rest = line[: token.column + 1], line[code[position + 1].column :]
            body = indent_of(site.lines[header]) + site.unit + rest
            yield Change(
                last, last + 1, (head, body), Op.SPLIT_LINE, Kind.MISSING_TOKEN, "start the block on a new line",
                detail="header",
            )  # fmt: skip
            yield Change(
                last, last + 1, (head,), Op.DELETE_TOKENS, Kind.JUNK, f"remove `{rest[:30]}`", token="rest",
                detail="after-header",
            )  # fmt: skip
            break


def _colon(site: Site, index: int, text: str, detail: str) -> Change:
    return Change(
        index, index + 1, (text,), Op.ADD_COLON, Kind.MISSING_TOKEN, "add the missing `:`", token=":", detail=detail
    )


def _bodies(site: Site) -> Iterator[Change]:
    headers = {site.header} if site.header is not None else set()
    if "expected an indented block" in site.fault.message or site.fault.type == "IndentationError":
        previous = site.previous_code(site.line)
        if previous is not None:
            headers.add(previous)
    if "expected 'except'" in site.fault.message:
        return
    last = len(site.lines) - 1
    if site.line >= last and site.lines and _HEADER.match(site.lines[last]):
        headers.add(last)
    for header in headers:
        if header is None or not 0 <= header < len(site.lines):
            continue
        end = header + 1
        while end < site.last and (
            end in site.inside_string or end in site.bracket_starts or site.lines[end - 1].rstrip().endswith("\\")
        ):
            end += 1
        body = indent_of(site.lines[header]) + site.unit + "pass"
        yield Change(end, end, (body,), Op.INSERT_PASS, Kind.EMPTY_SUITE, "give the empty block a `pass`", "pass")
        after = end
        while after < len(site.lines) and site.lines[after].strip().startswith("#"):
            after += 1
        if after > end:
            yield Change(
                after, after, (body,), Op.INSERT_PASS, Kind.EMPTY_SUITE, "give the empty block a `pass`", "pass",
                "after-comments",
            )  # fmt: skip
        if _TRY.match(site.lines[header]):
            indent = indent_of(site.lines[header])
            rows = (body, indent + "except Exception:", indent + site.unit + "raise")
            yield Change(
                after, after, rows, Op.ADD_HEADER, Kind.TRUNCATED, "close the empty `try` block", detail="empty-try"
            )
        yield from _one_line_removals(site, header, end)


def _one_line_removals(site: Site, header: int, end: int) -> Iterator[Change]:
    """The header itself is the leftover: it goes, or what it tests becomes what is returned."""
    yield Change(header, end, (), Op.DELETE_LINES, Kind.EMPTY_SUITE, "remove a header without a block", detail="header")
    line = site.lines[header]
    match = re.match(r"(\s*)if\s+(.*):\s*(#.*)?$", line)
    if match and end == header + 1:
        text = f"{match.group(1)}return {match.group(2)}"
        yield Change(
            header, end, (text,), Op.REWRITE, Kind.EMPTY_SUITE, "return the tested value", detail="if-to-return"
        )


def _missing_except(site: Site) -> Iterator[Change]:
    if "expected 'except'" not in site.fault.message:
        return
    index = site.line
    for candidate in range(min(site.line, len(site.lines) - 1), site.first - 1, -1):
        if _TRY.match(site.lines[candidate]) and candidate not in site.inside_string:
            indent = indent_of(site.lines[candidate])
            end = candidate + 1
            for index in range(candidate + 1, site.last):
                line = site.lines[index]
                if is_code(line) and index not in site.inside_string and index not in site.bracket_starts:
                    if len(indent_of(line)) <= len(indent):
                        break
                    end = index + 1
                elif index in site.inside_string or index in site.bracket_starts:
                    end = index + 1
            yield Change(
                end, end, (indent + "finally:", indent + site.unit + "pass"), Op.ADD_HEADER, Kind.TRUNCATED,
                "close the `try` block", detail="finally",
            )  # fmt: skip
            yield Change(
                end, end, (indent + "except Exception:", indent + site.unit + "raise"), Op.ADD_HEADER, Kind.TRUNCATED,
                "close the `try` block", detail="except-raise",
            )  # fmt: skip
            body = [
                line[len(site.unit) :] if line.startswith(indent + site.unit) else line
                for line in site.lines[candidate + 1 : end]
            ]
            yield Change(
                candidate, end, tuple(body), Op.REWRITE, Kind.TRUNCATED, "unwrap a `try` without `except`",
                detail="unwrap-try",
            )  # fmt: skip
            break
    for token in site.tokens:
        if (
            token.kind is TokenKind.NAME
            and token.text in ("catch", "expect", "excpet", "exept")
            and (site.lines[token.line][: token.column].strip() == "")
        ):
            line = site.lines[token.line]
            text = line[: token.column] + "except" + line[token.column + len(token.text) :]
            yield Change(
                token.line, token.line + 1, (text,), Op.KEYWORD_TYPO, Kind.JUNK, f"`{token.text}` becomes `except`"
            )


def _late_decorators(site: Site) -> Iterator[Change]:
    """A decorator stands below the header of its function, or among the parameters: it goes above."""
    index = site.line
    if not _DECORATOR.match(site.lines[index]):
        return
    header = site.previous_code(index)
    opener = site.open_brackets[0].line if site.open_brackets else None
    for function in (header, opener):
        if function is None or function >= index or not _FUNCTION.match(site.lines[function]):
            continue
        end = index + 1
        while end < len(site.lines) and _DECORATOR.match(site.lines[end]):
            end += 1
        below = next((line for line in site.lines[end:] if is_code(line)), "")
        inside = function == opener
        if not inside and len(indent_of(below)) <= len(indent_of(site.lines[function])):
            continue
        indent = indent_of(site.lines[function])
        moved = tuple(indent + line.strip() for line in site.lines[index:end])
        yield Change(
            function, end, (*moved, *site.lines[function:index]), Op.MOVE_LINE, Kind.INJECTED_LINE,
            "move a decorator above its function", detail="decorator",
        )  # fmt: skip
        return
