"""Comments that swallowed code: a call's opening line, or the rest of a line behind a remark."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import TokenKind, scan
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of

_MARK = re.compile(r"^(\s*)#+ ?(?:Original: |TODO: |FIXME: |REMOVED: |DISABLED: |Removed: |old: )?(.*)$")


def propose(site: Site) -> Iterator[Change]:
    """Yield comments taken apart into code and remark, and commented lines made code again."""
    yield from _swallowed_tail(site)
    yield from _commented_opening(site)


def _swallowed_tail(site: Site) -> Iterator[Change]:
    last = min(site.line + 1, site.last)
    first = max(site.first, site.line - 3)
    if site.open_brackets or site.unclosed:
        first = min([first, *(token.line for token in (*site.open_brackets, *site.unclosed)[-3:])])
    for index in range(first, last + 1):
        if index >= len(site.lines):
            break
        comment = next((t for t in site.by_line.get(index, []) if t.kind is TokenKind.COMMENT), None)
        if comment is None or not site.code_tokens(index):
            continue
        line = site.lines[index]
        code = line[: comment.column].rstrip()
        cuts = [m.start() for m in re.finditer(r",|\)|\]|\}|:", comment.text)]
        argument = re.search(r",\s*\w+\s*=(?!=)", comment.text)
        for cut in cuts[-14:]:
            tail = comment.text[cut:]
            remark = comment.text[:cut].rstrip()
            yield Change(
                index, index + 1, (f"{code}{tail}  {remark}",), Op.UNCOMMENT_TAIL, Kind.COMMENTED_CALL,
                "take the code out of the comment",
                detail="first-argument" if argument and argument.start() == cut else comment.text[cut],
            )  # fmt: skip
        if cuts and not code.endswith((",", "(", "[", "{", ":")):
            yield Change(
                index, index + 1, (f"{code},  {comment.text}",), Op.INSERT_TOKEN, Kind.MISSING_TOKEN,
                "add the missing `,` before the comment", token=",", detail="before-comment",
            )  # fmt: skip


def _commented_opening(site: Site) -> Iterator[Change]:
    """Uncomment the line above the fault, alone or with the comment lines around it."""
    index = site.line - 1
    found = 0
    while index >= max(site.first, site.line - 12) and found < 4:
        match = _MARK.match(site.lines[index])
        if match and match.group(2).strip() and _looks_like_code(match.group(2)):
            found += 1
            detail = "above" if index == site.line - 1 else "further"
            for indent in _indents_for(site, index, match.group(1)):
                yield Change(
                    index, index + 1, (indent + match.group(2),), Op.UNCOMMENT_LINE, Kind.COMMENTED_CALL,
                    "uncomment a line of code", detail=detail,
                )  # fmt: skip
        index -= 1
    yield from _commented_run(site)
    yield from _commented_lines(site)
    for index in range(site.line, min(site.line + 6, site.last)):
        match = _MARK.match(site.lines[index])
        if match and _looks_like_code(match.group(2)):
            text = match.group(1) + match.group(2)
            yield Change(
                index, index + 1, (text,), Op.UNCOMMENT_LINE, Kind.COMMENTED_CALL, "uncomment a line of code",
                detail="below",
            )  # fmt: skip
    end = site.line
    while end < min(site.last, site.line + 25):
        stripped = site.lines[end].strip()
        if not stripped:
            break
        end += 1
        if stripped[:1] in ")]}":
            break
    if end > site.line and site.line > 0 and site.lines[site.line - 1].lstrip().startswith("#"):
        commented = tuple(_commented(line) for line in site.lines[site.line : end])
        yield Change(
            site.line, end, commented, Op.COMMENT_LINES, Kind.COMMENTED_CALL, "comment out what is left of a call",
            detail="leftover",
        )  # fmt: skip


def _commented_lines(site: Site) -> Iterator[Change]:
    """The first lines of a call, all of them comments, from a line that opens a bracket on."""
    index = site.line
    if site.fault.type == "IndentationError" and "unindent" in site.fault.message:
        # The closer is what stands out; the arguments above it hang below the comments.
        while index > site.first and site.lines[index - 1].strip() and not _MARK.match(site.lines[index - 1]):
            index -= 1
    end = index
    rows: list[str] = []
    while index > site.first and end - index < 8:
        match = _MARK.match(site.lines[index - 1])
        if match is None:
            break
        index -= 1
        rows.insert(0, match.group(1) + match.group(2))
        if len(rows) > 1 and match.group(2).rstrip().endswith(("(", "[", "{", ",")):
            base = indent_of(rows[0])
            inner = indent_of(site.lines[end]) if end < len(site.lines) else base + site.unit
            kept = (rows[0], *(inner + row.strip() for row in rows[1:]))
            yield Change(
                index, end, kept, Op.UNCOMMENT_LINE, Kind.COMMENTED_CALL, "uncomment the first lines of a call",
                detail="run" if kept[0].rstrip().endswith(("(", "[", "{")) else "run-inner",
            )  # fmt: skip


def _indents_for(site: Site, index: int, own: str) -> list[str]:
    """The indentation of a line that becomes code again: its own, or what its neighbours suggest."""
    indents = [own]
    if own == "" and index + 1 < len(site.lines):
        below = indent_of(site.lines[index + 1])
        indents.extend((below, below.removesuffix(site.unit)))
        previous = site.previous_code(index)
        if previous is not None:
            above = indent_of(site.lines[previous])
            opens = site.lines[previous].rstrip().endswith(":")
            indents.append(above + site.unit if opens else above)
    return list(dict.fromkeys(indents))


def _commented_run(site: Site) -> Iterator[Change]:
    """A block header whose whole body was commented out."""
    header = site.header if site.header is not None else site.previous_code(site.line)
    if header is None or "block" not in site.fault.message:
        return
    first = site.statement_end(header)
    last = first
    rows: list[str] = []
    while last < len(site.lines):
        match = _MARK.match(site.lines[last])
        if match is None:
            break
        rows.append(match.group(1) + match.group(2))
        last += 1
    indent = indent_of(site.lines[header]) + site.unit
    for end in dict.fromkeys((last, first + 1)):
        if end > first and rows:
            kept = rows[: end - first]
            base = indent_of(kept[0])
            moved = tuple(indent + row[len(base) :] if row.startswith(base) else row for row in kept)
            for lines in dict.fromkeys((tuple(kept), moved)):
                yield Change(
                    first, end, lines, Op.UNCOMMENT_LINE, Kind.COMMENTED_CALL, "uncomment the body of the block",
                    detail="body",
                )  # fmt: skip


def _commented(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return line[:indent] + "# " + line[indent:] if line.strip() else line


def _looks_like_code(text: str) -> bool:
    tokens = scan(text)
    return any(t.text in ("(", "=", "[", "{", ":", ")", "]", "}", "import") for t in tokens)
