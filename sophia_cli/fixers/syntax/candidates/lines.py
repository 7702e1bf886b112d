"""Whole lines: removed, split, joined, commented out."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import REPEATED, REPEATED_AT_LEAST, Change, Op
from sophia_cli.fixers.syntax.lexer import TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_LONGEST_REPEATED = 40  # lines that were pasted twice


def propose(site: Site) -> Iterator[Change]:
    """Yield joins and splits first, removals last."""
    if not site.lines:
        return
    yield from _join(site)
    yield from _split(site)
    yield from _remove(site)


def _join(site: Site) -> Iterator[Change]:
    for index in (site.line - 1, site.line, site.line - 2):
        if index < site.first or index + 1 >= len(site.lines):
            continue
        following = index + 1
        while following < len(site.lines) and not site.lines[following].strip():
            following += 1
        if following >= len(site.lines):
            continue
        code = site.code_tokens(index)
        if not code or "\n" in code[-1].text or code[-1].text == ":":
            continue
        first, second = site.lines[index], site.lines[following]
        head = first[: code[-1].column + len(code[-1].text)]
        remark = first[len(head) :].strip()
        tail = second.strip()
        joiner = "" if head.endswith(("(", "[", "{", ".")) or tail[:1] in ".,)]}:" else " "
        operator = code[-1].kind is TokenKind.OP and code[-1].text not in ")]}"
        detail = "operator" if operator else "plain"
        text = head + joiner + tail + ("  " + remark if remark else "")
        yield Change(
            index,
            following + 1,
            (text,),
            Op.JOIN_LINES,
            Kind.MISSING_TOKEN,
            "join the line with the next",
            detail=detail,
        )
        if head.endswith("\\"):
            continue
        ends_statement = head.endswith((":", ",")) or site.fault.type != "SyntaxError"
        if not remark and (operator or not ends_statement):
            yield Change(
                index, index + 1, (head + " \\",), Op.JOIN_LINES, Kind.MISSING_TOKEN, "continue the line",
                token="\\", detail=detail + "-backslash",
            )  # fmt: skip
        if first.rstrip().endswith("\\"):
            bare = first.rstrip()[:-1].rstrip()
            yield Change(
                index,
                index + 1,
                (bare,),
                Op.DELETE_TOKEN,
                Kind.JUNK,
                "remove a stray `\\`",
                token="\\",
                detail="backslash",
            )
    line = site.lines[site.line - 1] if site.line > 0 else ""
    if line.rstrip().endswith("\\"):
        yield Change(
            site.line - 1, site.line, (line.rstrip()[:-1].rstrip(),), Op.DELETE_TOKEN, Kind.JUNK, "remove a stray `\\`",
            token="\\", detail="backslash",
        )  # fmt: skip
    here = site.lines[site.line]
    if "\\" in here and not here.rstrip().endswith("\\"):
        column = here.rfind("\\")
        yield Change(
            site.line, site.line + 1, (here[:column] + here[column + 1 :],), Op.DELETE_TOKEN, Kind.JUNK,
            "remove a stray `\\`", token="\\", detail="inner-backslash",
        )  # fmt: skip
    elif here.rstrip() != here and here.rstrip().endswith("\\"):
        yield Change(
            site.line,
            site.line + 1,
            (here.rstrip(),),
            Op.REWRITE,
            Kind.JUNK,
            "remove blanks after `\\`",
            detail="blanks",
        )


def _split(site: Site) -> Iterator[Change]:
    for index in (site.line, site.line - 1):
        if not site.first <= index < len(site.lines):
            continue
        code = site.code_tokens(index)
        line = site.lines[index]
        base = indent_of(line)
        at = next((i for i, t in enumerate(code) if t.column + len(t.text) > site.column), len(code))
        positions = [at, at + 1, at - 1, at - 2] if index == site.line else []
        for position in positions:
            if not 0 < position < len(code):
                continue
            column = code[position].column
            head, tail = line[:column].rstrip(), line[column:]
            indents = [base, base + site.unit] if head.endswith(":") else [base]
            following = site.next_code(index + 1)
            if following is not None:
                indents.append(indent_of(site.lines[following]))
            for indent in dict.fromkeys(indents):
                yield Change(
                    index, index + 1, (head, indent + tail), Op.SPLIT_LINE, Kind.MISSING_TOKEN, "split the line in two",
                    detail="same" if indent == base else "other",
                )  # fmt: skip
            if following is not None and (deeper := indent_of(site.lines[following])) != base:
                yield Change(
                    index, index + 1, (deeper + head.strip(), deeper + tail), Op.SPLIT_LINE, Kind.MISSING_TOKEN,
                    "split the line in two", detail="both-moved",
                )  # fmt: skip
        if index == site.line and 0 < at < len(code):
            rows = _split_statements(line, [t.column for t in code if t.text in _STARTERS and t.column > 0])
            if len(rows) > 2:
                yield Change(
                    index, index + 1, tuple(base + row.strip() for row in rows), Op.SPLIT_LINE, Kind.MISSING_TOKEN,
                    "one statement a line", detail="all",
                )  # fmt: skip


_STARTERS = frozenset(
    {"from", "import", "return", "raise", "def", "class", "if", "for", "with", "print", "try", "while"}
)


def _split_statements(line: str, columns: list[int]) -> list[str]:
    rows: list[str] = []
    start = 0
    for column in columns:
        head = line[start:column].strip()
        if head and not (head.startswith("from") and " import" not in head):
            rows.append(head)
            start = column
    rows.append(line[start:].strip())
    return rows


def _remove(site: Site) -> Iterator[Change]:
    targets = [site.line]
    previous = site.previous_code(site.line)
    if previous is not None:
        targets.append(previous)
    if site.header is not None and 0 <= site.header < len(site.lines):
        targets.append(site.header)
    if site.line + 1 < len(site.lines):
        targets.append(site.line + 1)
    for index in dict.fromkeys(targets):
        if not is_code(site.lines[index]):
            continue
        where = "fault" if index == site.line else ("before" if index < site.line else "after")
        end = site.statement_end(index)
        yield Change(
            index, index + 1, (), Op.DELETE_LINE, Kind.JUNK, "remove a line that is not Python here", detail=where
        )
        if end > index + 1:
            yield Change(
                index, end, (), Op.DELETE_LINES, Kind.JUNK, "remove a statement that is not Python here",
                detail=where + "-statement",
            )  # fmt: skip
        line = site.lines[index]
        commented = indent_of(line) + "# " + line.lstrip()
        yield Change(
            index, index + 1, (commented,), Op.COMMENT_LINES, Kind.PROSE, "comment out a line that is not Python",
            detail=where,
        )  # fmt: skip
    yield from _repeated(site)
    yield from _remove_runs(site)


def _repeated(site: Site) -> Iterator[Change]:
    """Lines that were pasted twice: the second time goes, the longest run of them first."""
    lines = site.lines
    for start in (site.line, site.line - 1, site.line + 1):
        longest = True
        for size in range(min(start, len(lines) - start, _LONGEST_REPEATED), 0, -1):
            if lines[start : start + size] == lines[start - size : start] and is_code(lines[start]):
                yield _second_time(start, size, longest=longest)
                longest = False
    first = site.line
    if not is_code(lines[first]):
        return
    best = max(
        (_same_lines(lines, start, first) for start in range(max(0, first - _LONGEST_REPEATED), first)), default=0
    )
    for size in range(best, 1, -1):
        yield _second_time(first, size, longest=size == best)


def _same_lines(lines: list[str], earlier: int, later: int) -> int:
    """How many lines stand at both places alike, without the blank ones at the end."""
    size = 0
    while earlier + size < later and later + size < len(lines) and lines[earlier + size] == lines[later + size]:
        size += 1
    while size and not lines[later + size - 1].strip():
        size -= 1
    return size


def _second_time(start: int, size: int, *, longest: bool) -> Change:
    title = "remove lines that stand here twice"
    token = "part" if not longest else "short" if size < REPEATED_AT_LEAST else ""
    return Change(start, start + size, (), Op.DELETE_LINES, Kind.JUNK, title, token, REPEATED)


def _remove_runs(site: Site) -> Iterator[Change]:
    width = width_of(site.lines[site.line])
    start = site.line
    ends: dict[int, str] = {}
    for index in range(start + 1, min(site.last, start + 40)):
        line = site.lines[index]
        if not line.strip():
            ends.setdefault(index, "blank")
            continue
        if is_code(line) and width_of(line) < width:
            ends.setdefault(index, "dedent")
            break
        if line.strip()[:1] in ")]}":
            ends.setdefault(index + 1, "closer")
        elif index - start <= 3:
            ends.setdefault(index, "step")
        if (
            index > start
            and width_of(line) <= width
            and line.lstrip().startswith(("def ", "class ", "@", "async def "))
        ):
            ends.setdefault(index, "definition")
            break
    else:
        ends.setdefault(min(site.last, start + 40), "end")
    previous = site.previous_code(start)
    for first in dict.fromkeys([start, *([previous] if previous is not None else [])]):
        for end, detail in ends.items():
            if end - first < 2:
                continue
            yield Change(
                first, end, (), Op.DELETE_LINES, Kind.JUNK, f"remove {end - first} lines that are not Python here",
                detail=detail,
            )  # fmt: skip
            commented = tuple(
                indent_of(line) + "# " + line.lstrip() if line.strip() else line for line in site.lines[first:end]
            )
            yield Change(
                first, end, commented, Op.COMMENT_LINES, Kind.PROSE, f"comment out {end - first} lines", detail=detail
            )
