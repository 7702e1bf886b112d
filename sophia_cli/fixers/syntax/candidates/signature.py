"""Parameters and arguments: twice the same, in an order that Python refuses, or a value where a name belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import CLOSERS, OPENERS, Token, TokenKind
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site

_NAME = re.compile(r"\*{0,2}(\w+)\s*(?=[:=,)]|$)")
_TAIL = re.compile(r"[ \t]*,?[ \t]*\n")
_LAMBDA = re.compile(r"\blambda\s+([^:()\[\]{}\"']*):")
_ANNOTATED = re.compile(r"\w+\s*:")
_CALLED = re.compile(r"\w+\s*:[^=]*=\s*[\w.]+\(.*\)$", re.DOTALL)
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
    if "duplicate argument" in site.fault.message:
        yield from _lambda_twice(site)
    if span is None:
        return
    opener, closer, parts = span
    at = _part_at(site, parts)
    if "duplicate argument" in site.fault.message or "keyword argument repeated" in site.fault.message:
        yield from _twice(site, opener, closer, parts)
        return
    for index in dict.fromkeys([at, len(parts) - 1, *range(len(parts))]):
        if not 0 <= index < len(parts):
            continue
        near = "at" if index == at else ("before" if index < at else "after")
        text = _text(site, parts[index])
        yield _without(site, opener, closer, parts, index, f"remove `{text[:40]}`", near)
        if "=" in text and "follows default" in site.fault.message and near == "before":
            bare = text.split("=")[0].rstrip()
            yield _rewritten(site, opener, closer, parts, index, bare, "drop a default", near)
        if "follows default" in site.fault.message and "=" not in text and not text.startswith("*"):
            default = " = None" if ":" in text else "=None"
            yield _rewritten(site, opener, closer, parts, index, text + default, "give the parameter a default", near)
        if "follows keyword" in site.fault.message and re.match(r"^\w+$", text):
            yield _rewritten(site, opener, closer, parts, index, f"{text}={text}", "name the argument", near)
        match = re.match(r"^(\w+)\s*=\s*(.+)$", text, re.DOTALL)
        if "follows keyword" in site.fault.message and match and near == "before":
            yield _rewritten(site, opener, closer, parts, index, match.group(2), "pass by position", near)
        if text in ("*", "*,"):
            yield _without(site, opener, closer, parts, index, "remove a bare `*`", "star")
    ordered = sorted(parts, key=lambda part: _rank(site, part))
    if ordered != parts:
        yield _in_order(site, opener, closer, parts, ordered)
    if "follows default" in site.fault.message:
        yield from _defaults(site, opener, closer, parts)


def _defaults(site: Site, opener: Token, closer: Token, parts: list[Part]) -> Iterator[Change]:
    """Every parameter behind the first default gets one."""
    first = next((i for i, part in enumerate(parts) if "=" in _text(site, part)), len(parts))
    edits: list[tuple[int, int, str]] = []
    for part in parts[first + 1 :]:
        text, end = _text(site, part), _tokens(site)[part[1] - 1].end
        if text.startswith("*"):
            break
        if "=" not in text:
            edits.append((end, end, " = None" if ":" in text else "=None"))
    if edits:
        yield _spliced(site, opener, closer, edits, Op.REWRITE, "give the parameters defaults", "defaults")


Part = tuple[int, int]


def _twice(site: Site, opener: Token, closer: Token, parts: list[Part]) -> Iterator[Change]:
    """One name stands twice: the later one goes, or the earlier."""
    names = [_NAME.match(_text(site, part)) for part in parts]
    first: dict[str, int] = {}
    for index, match in enumerate(names):
        if match is None:
            continue
        earlier = first.setdefault(match.group(1), index)
        if earlier != index:
            for gone, detail in ((index, "twice"), (earlier, "twice-first")):
                title = f"remove a second `{match.group(1)}`"
                yield _without(site, opener, closer, parts, gone, title, detail)


def _lambda_twice(site: Site) -> Iterator[Change]:
    line = site.lines[site.line]
    for match in _LAMBDA.finditer(line):
        seen: set[str] = set()
        kept: list[str] = []
        for part in match.group(1).split(","):
            name = part.partition("=")[0].strip()
            if name not in seen:
                kept.append(part)
            seen.add(name)
        text = line[: match.start(1)] + ",".join(kept) + line[match.end(1) :]
        yield Change(
            site.line, site.line + 1, (text,), Op.DELETE_TOKENS, Kind.SIGNATURE, "remove a second parameter",
            detail="twice",
        )  # fmt: skip


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


def _without(
    site: Site, opener: Token, closer: Token, parts: list[Part], index: int, title: str, detail: str
) -> Change:  # fmt: skip
    """Remove one part with its comma, and its lines where it has them for itself."""
    text, tokens = _offsets(site), _tokens(site)
    start, end = tokens[parts[index][0]].start, tokens[parts[index][1] - 1].end
    head = text.rfind("\n", 0, start) + 1
    tail = _TAIL.match(text, end)
    if not text[head:start].strip() and tail and opener.end <= head and tail.end() <= closer.start:
        start, end = head, tail.end()
    elif index + 1 < len(parts) and "\n" not in text[end : tokens[parts[index + 1][0]].start]:
        end = tokens[parts[index + 1][0]].start
    elif index > 0:
        start = tokens[parts[index - 1][1] - 1].end
    return _spliced(site, opener, closer, [(start, end, "")], Op.DELETE_TOKENS, title, detail)


def _in_order(site: Site, opener: Token, closer: Token, parts: list[Part], ordered: list[Part]) -> Change:
    """Put the parts into another order; lines and comments between them stay."""
    tokens = _tokens(site)
    edits = [
        (tokens[slot[0]].start, tokens[slot[1] - 1].end, _text(site, part))
        for slot, part in zip(parts, ordered, strict=True)
    ]
    call = "follows keyword" in site.fault.message or "unpacking" in site.fault.message
    detail, title = ("sorted", "order the arguments") if call else ("parameters", "order the parameters")
    if not call and _are_injected(site, parts):
        detail = "injected"
    return _spliced(site, opener, closer, edits, Op.REORDER, title, detail)


def _are_injected(site: Site, parts: list[Part]) -> bool:
    """Whether annotated parameters come after such as have a call for a default: a framework passes them by name."""
    ranks = [_rank(site, part) for part in parts]
    last = max((i for i, rank in enumerate(ranks) if rank == 0), default=0)
    passed = [i for i in range(last) if ranks[i] and not _text(site, parts[i]).startswith("*")]
    late = [i for i in range(passed[0] if passed else last, last + 1) if ranks[i] == 0]
    annotated = all(_ANNOTATED.match(_text(site, parts[i])) for i in late)
    return bool(passed) and annotated and all(_CALLED.match(_text(site, parts[i])) for i in passed)


def _rewritten(
    site: Site, opener: Token, closer: Token, parts: list[Part], index: int, text: str, title: str, detail: str
) -> Change:  # fmt: skip
    tokens = _tokens(site)
    edits = [(tokens[parts[index][0]].start, tokens[parts[index][1] - 1].end, text)]
    return _spliced(site, opener, closer, edits, Op.REWRITE, title, detail + "-" + title.split()[0])


def _spliced(
    site: Site, opener: Token, closer: Token, edits: list[tuple[int, int, str]], op: Op, title: str, detail: str
) -> Change:  # fmt: skip
    """Replace ranges of the window's text, in order, within the lines of the brackets."""
    text = _offsets(site)
    position = text.rfind("\n", 0, opener.start) + 1
    stop = text.find("\n", closer.start)
    stop = len(text) if stop < 0 else stop
    pieces: list[str] = []
    for start, end, replacement in edits:
        pieces.extend((text[position:start], replacement))
        position = end
    pieces.append(text[position:stop])
    old, new = site.lines[opener.line : closer.line + 1], "".join(pieces).split("\n")
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    rows = tuple(new[head : len(new) - tail])
    return Change(opener.line + head, closer.line + 1 - tail, rows, op, Kind.SIGNATURE, title, detail=detail)
