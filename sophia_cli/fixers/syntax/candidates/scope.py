"""Statements in the wrong scope: late `global`, `await` outside `async def`, `return` outside a function."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import takewhile

from sophia_cli.fixers.syntax.candidates.outside import outside
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_DEF = re.compile(r"(\s*)(async\s+)?def\s+\w+")
_CLASS = re.compile(r"\s*class\s")
_DECLARATION = re.compile(r"(\s*)(global|nonlocal)\s+(.+?)\s*(?:#.*)?$")


def propose(site: Site) -> Iterator[Change]:
    """Yield the moves that put the statement where it may stand."""
    message = site.fault.message
    if "global" in message or "nonlocal" in message:
        yield from _global(site)
    if "async" in message or "await" in site.lines[site.line] if site.lines else False:
        yield from _async(site)
    if "outside" in message and "async" not in message:
        yield from outside(site)
    if "default 'except:'" in message:
        yield from _default_except(site)
    if "cannot assign" in message or "cannot delete" in message or "illegal target" in message:
        yield from _assignment(site)


def _enclosing(site: Site, index: int) -> int | None:
    width = width_of(site.lines[index])
    for up in range(index - 1, -1, -1):
        line = site.lines[up]
        if is_code(line) and line.lstrip()[:1] in ")]}":
            continue
        if is_code(line) and width_of(line) < width:
            width = width_of(line)
            if _DEF.match(line):
                return up
            if _CLASS.match(line):
                return None
    return None


def _global(site: Site) -> Iterator[Change]:
    index = site.line
    match = _DECLARATION.match(site.lines[index])
    if not match:
        return
    word = match.group(2)
    yield Change(index, index + 1, (), Op.DELETE_LINE, Kind.SCOPE, f"remove a late `{word}`", detail="global")
    function = _enclosing(site, index)
    if function is not None:
        if any(_declares(line, match) for line in site.lines[function:index]):
            return
        target, indent = _body_of(site, function)
        moved = indent + site.lines[index].strip()
        yield Change(
            target, index + 1, (moved, *site.lines[target:index]), Op.MOVE_LINE, Kind.SCOPE,
            f"move `{word}` to the top of the function", detail="global",
        )  # fmt: skip
        again = [i for i in _same_function(site, function, index + 1) if _declares(site.lines[i], match)]
        if again:
            rows = [line for i, line in enumerate(site.lines[target : again[-1] + 1], target) if i not in again]
            rows.remove(site.lines[index])
            yield Change(
                target, again[-1] + 1, (moved, *rows), Op.MOVE_LINE, Kind.SCOPE,
                f"move `{word}` to the top of the function, once for all", detail="global-all",
            )  # fmt: skip
    if word == "nonlocal":
        yield from _other_name(site, index, match.group(3))
    other = "nonlocal" if word == "global" else "global"
    text = match.group(1) + other + site.lines[index][len(match.group(1)) + len(word) :]
    yield Change(index, index + 1, (text,), Op.REPLACE_TOKEN, Kind.SCOPE, f"`{word}` becomes `{other}`", token=other)


def _body_of(site: Site, function: int) -> tuple[int, str]:
    """The line of a function's first statement, behind its docstring, and the indentation of its body."""
    target = site.statement_end(function)
    body = site.next_code(target)
    if body is not None and body <= site.line and re.match(r"\s*[rRuU]?(\"\"\"|'''|\"|')", site.lines[body]):
        target = site.statement_end(body)
        body = site.next_code(target)
    return target, indent_of(site.lines[body]) if body is not None else indent_of(site.lines[function]) + site.unit


def _same_function(site: Site, function: int, first: int) -> Iterator[int]:
    """The lines of a function from `first` on."""
    width = width_of(site.lines[function])
    for index in range(first, len(site.lines)):
        line = site.lines[index]
        if site.starts_statement(index) and width_of(line) <= width:
            return
        yield index


def _declares(line: str, late: re.Match[str]) -> bool:
    match = _DECLARATION.match(line)
    return match is not None and match.group(2) == late.group(2) and match.group(3) == late.group(3)


def _other_name(site: Site, index: int, names: str) -> Iterator[Change]:
    """A name that no outer function has becomes the one that is most like it."""
    match = re.search(r"nonlocal '(\w+)'", site.fault.message)
    if match is None:
        return
    known = set(re.findall(r"(\w+)\s*(?::[^=\n]+)?=(?!=)", "\n".join(site.lines[site.first : index])))
    taken = {name.strip() for name in names.split(",")}
    for name in difflib.get_close_matches(match.group(1), sorted(known - taken), n=2, cutoff=0.6):
        text = re.sub(rf"\b{match.group(1)}\b", name, site.lines[index])
        yield Change(
            index, index + 1, (text,), Op.REWRITE, Kind.SCOPE, f"`{match.group(1)}` becomes `{name}`",
            detail="nonlocal-name",
        )  # fmt: skip


def _async(site: Site) -> Iterator[Change]:
    function = _enclosing(site, site.line)
    sync = False
    if function is not None and not site.lines[function].lstrip().startswith("async"):
        line = site.lines[function]
        text = indent_of(line) + "async " + line.lstrip()
        sync = _stays_sync(site, function)
        yield Change(
            function, function + 1, (text,), Op.ADD_ASYNC, Kind.AWAIT, "make the function `async`", token="async",
            detail="sync" if sync else "",
        )  # fmt: skip
    line = site.lines[site.line]
    for match in re.finditer(r"\bawait\s+", line):
        manner = "await" if sync or function is None or _also_plain(site, line[match.end() :]) else "await-in-function"
        if function is None and _is_coroutine(site, line[match.end() :]):
            manner = "await-of-coroutine"
        text = line[: match.start()] + line[match.end() :]
        yield Change(
            site.line, site.line + 1, (text,), Op.DELETE_TOKEN, Kind.AWAIT, "remove `await`", token="await",
            detail=manner,
        )  # fmt: skip
    header = re.match(r"(\s*)async\s+(with|for)\b", line)
    if header:
        manner = "async" if sync or function is None else "await-in-function"
        text = header.group(1) + line[header.start(2) :]
        yield Change(
            site.line, site.line + 1, (text,), Op.DELETE_TOKEN, Kind.AWAIT, "remove `async`", token="async",
            detail=manner,
        )  # fmt: skip
    elif function is None and "await" in line:
        wrapped = re.sub(r"\bawait\s+(.+)$", r"asyncio.run(\1)", line)
        yield Change(
            site.line, site.line + 1, (wrapped,), Op.REWRITE, Kind.AWAIT, "run the coroutine with `asyncio.run`",
            detail="asyncio-run",
        )  # fmt: skip


def _is_coroutine(site: Site, awaited: str) -> bool:
    """Whether what is awaited is a function of this text that has to be awaited."""
    call = re.match(r"(\w+)\(", awaited)
    return call is not None and any(
        re.match(rf"\s*async\s+def\s+{re.escape(call.group(1))}\b", line) for line in site.lines
    )


def _also_plain(site: Site, awaited: str) -> bool:
    """Whether what is awaited is called elsewhere without `await`."""
    call = re.match(r"[\w.]+\(", awaited)
    if call is None:
        return False
    plain = re.compile(rf"(?<!await )(?<![\w.]){re.escape(call.group())}")
    return any(plain.search(line) for line in site.lines)


def _stays_sync(site: Site, function: int) -> bool:
    """Whether a function can hardly be a coroutine: Python itself calls it, or it is read like a value."""
    name = re.match(r"\s*def\s+(\w+)", site.lines[function])
    if name and re.fullmatch(r"__(?!a)\w+__", name.group(1)):
        return True
    decorators = takewhile(lambda line: line.lstrip().startswith("@"), reversed(site.lines[:function]))
    return any(
        re.match(r"\s*@(?:property|cached_property|functools\.cached_property|\w+\.setter)\b", d) for d in decorators
    )


def _default_except(site: Site) -> Iterator[Change]:
    """A bare `except:` that is not last: move its block behind the others, or drop it."""
    for index in range(site.line, max(site.first, site.line - 60) - 1, -1):
        match = re.match(r"(\s*)except\s*:", site.lines[index])
        if not match:
            continue
        indent = match.group(1)
        ends = [
            i
            for i in range(index + 1, min(len(site.lines), index + 200))
            if re.match(rf"{indent}(?:except|else|finally)\b", site.lines[i])
        ]
        if not ends:
            continue
        first_end = ends[0]
        stop = next(
            (
                i
                for i in range(ends[-1] + 1, len(site.lines))
                if is_code(site.lines[i]) and width_of(site.lines[i]) <= width_of(indent)
            ),
            len(site.lines),
        )
        following = [i for i in ends if not site.lines[i].strip().startswith("except")]
        target = following[0] if following else stop
        block = site.lines[index:first_end]
        rest = site.lines[first_end:target]
        yield Change(
            index, target, (*rest, *block), Op.MOVE_LINE, Kind.SCOPE, "move the bare `except` behind the others",
            detail="except",
        )  # fmt: skip
        yield Change(
            index,
            first_end,
            (),
            Op.DELETE_LINES,
            Kind.SCOPE,
            "remove a bare `except` that is not last",
            detail="except",
        )
        break


def _assignment(site: Site) -> Iterator[Change]:
    line = site.lines[site.line]
    for match in re.finditer(r"(?<![=!<>:+\-*/%&|^@])=(?!=)", line):
        text = line[: match.start()] + "==" + line[match.end() :]
        yield Change(
            site.line, site.line + 1, (text,), Op.REPLACE_TOKEN, Kind.JUNK, "`=` becomes `==`", token="=>==",
            detail="assignment",
        )  # fmt: skip
    head, _, tail = line.partition("=")
    name = re.match(r"(\s*)([\w.]+)-([\w-]+)\s*$", head)
    if name:
        text = head.replace("-", "_") + "=" + tail
        yield Change(
            site.line, site.line + 1, (text,), Op.REWRITE, Kind.JUNK, "`-` becomes `_` in a name", detail="hyphen"
        )
    words = re.match(r"(\s*)(\w+(?: \w+)+)\s*$", head)
    if words and tail:
        text = words.group(1) + words.group(2).replace(" ", "_") + " =" + tail
        yield Change(
            site.line, site.line + 1, (text,), Op.REWRITE, Kind.JUNK, "join the words of a name", detail="name-words"
        )
