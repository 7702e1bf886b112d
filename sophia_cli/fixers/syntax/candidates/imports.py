"""Imports in the wrong place: a late `from __future__`, a line that a tool put into the middle of a block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_IMPORT = re.compile(r"\s*(?:import\s+\w|from\s+[.\w]+\s+import\b)")
_ONE_LINE = re.compile(r"\s*(?:import\s+\w[^(\\]*|from\s+[.\w]+\s+import\b[^(\\]*)$")
_WORD = re.compile(r"\w+")
_LIST = re.compile(r"from\s+[.\w]+\s+import\s*\(")
_STATEMENT = re.compile(r"[\w.]+(?:\s*:\s*[\w.]+)?\s*=(?!=).*[^,\s]$|[\w.]+\(.*\)$")
_FUTURE = re.compile(r"from\s+__future__\s+import\b")


def propose(site: Site) -> Iterator[Change]:
    """Yield moves and removals of imports that stand where none may stand."""
    if "__future__" in site.fault.message:
        yield from _future(site)
        return
    yield from _injected(site)
    yield from _statement_in_list(site)
    yield from _import_list(site)


def _future(site: Site) -> Iterator[Change]:
    index = site.line
    match = _FUTURE.match(site.lines[index].strip())
    if not match:
        return
    end = site.statement_end(index)
    moved = tuple(line.strip() if i == 0 else line for i, line in enumerate(site.lines[index:end]))
    target = after_docstring(site.lines, index)
    if not _again(site, target, index, end):
        yield Change(
            target, end, (*moved, *site.lines[target:index]), Op.MOVE_LINE, Kind.LATE_FUTURE,
            "move `from __future__` to the top", detail="future",
        )  # fmt: skip
        yield from _before_docstring(site, target, index, moved)
        yield Change(
            index, end, (), Op.DELETE_LINE, Kind.LATE_FUTURE, "remove a late `from __future__`", detail="future"
        )
    else:
        yield Change(
            index, end, (), Op.DELETE_LINE, Kind.LATE_FUTURE, "remove a second `from __future__`", detail="future-twice"
        )
    above = [i for i in range(target, index) if is_code(site.lines[i]) and i not in site.inside_string]
    if len(above) == 1 and _IMPORT.match(site.lines[above[0]]):
        yield Change(
            above[0], above[0] + 1, (), Op.DELETE_LINE, Kind.LATE_FUTURE, "remove the line before it",
            detail="before-future",
        )  # fmt: skip


def _again(site: Site, target: int, index: int, end: int) -> bool:
    """Whether every name of a late `from __future__` is imported from there at the top already."""
    names = set(_WORD.findall(" ".join(site.lines[index:end]).partition("import")[2].partition("#")[0]))
    first = next((line for line in site.lines[target:index] if is_code(line)), "")
    return bool(_FUTURE.match(first)) and names <= set(_WORD.findall(first.partition("import")[2]))


def _before_docstring(site: Site, target: int, index: int, moved: tuple[str, ...]) -> Iterator[Change]:
    """Imports were put above the docstring: it comes first again, then the late import, then they."""
    first = target
    while first < index and (_IMPORT.match(site.lines[first]) or not site.lines[first].strip()):
        first += 1
    if first == target or not re.match(r"[rRuU]?[\"']", site.lines[first]):
        return
    stop = after_docstring(site.lines[first:index], index - first) + first
    if first < stop <= index:
        end = site.statement_end(index)
        pushed = tuple(line for line in site.lines[target:first] if line.strip())
        rest = site.lines[stop:index]
        blank = ("",) if rest and not rest[0].strip() else ()
        rows = (*site.lines[first:stop], *blank, *moved, *pushed, *rest[len(blank) :])
        yield Change(
            target, end, rows, Op.MOVE_LINE, Kind.LATE_FUTURE, "put the docstring and `from __future__` first",
            detail="docstring-first",
        )  # fmt: skip


def after_docstring(lines: Sequence[str], limit: int) -> int:
    """Return the line where the first statement after comments and the module docstring may stand."""
    index = 0
    while index < limit and (not lines[index].strip() or lines[index].lstrip().startswith("#")):
        index += 1
    match = re.match(r"[rRuU]?(\"\"\"|''')", lines[index]) if index < limit else None
    if match:
        quote = match.group(1)
        if lines[index].count(quote) >= 2:
            return index + 1
        for end in range(index + 1, limit):
            if quote in lines[end]:
                return end + 1
    elif index < limit and re.match(r"[rRuU]?([\"']).*\1\s*$", lines[index]):
        return index + 1
    return index


def _injected(site: Site) -> Iterator[Change]:
    """Imports at the margin that interrupt a block, a bracket or a `try`."""
    spots = [site.line, site.line - 1, site.line - 2]
    opener = site.open_brackets[-1].line + 1 if site.open_brackets else None
    if opener is not None:
        spots.append(opener)
    for index in range(site.line - 1, max(site.first, site.line - 40) - 1, -1):
        if _IMPORT.match(site.lines[index]) and width_of(site.lines[index]) == 0 and index > 0:
            above = site.lines[index - 1]
            if width_of(above) > 0 or above.rstrip().endswith((":", "(", ",")):
                spots.append(index)
                break
    for index in dict.fromkeys(spots):
        if not site.first <= index < len(site.lines) or not is_code(site.lines[index]):
            continue
        if not _IMPORT.match(site.lines[index]):
            continue
        first, end = _run(site.lines, index)
        lines = tuple(line.strip() for line in site.lines[first:end])
        manner = "import" if width_of(site.lines[index]) == 0 and _interrupts(site.lines, first, end) else "import-edge"
        for target in _import_homes(site, first):
            yield Change(
                target, end, (*lines, *site.lines[target:first]), Op.MOVE_LINE, Kind.INJECTED_LINE,
                "move an import out of the block", detail=manner,
            )  # fmt: skip
        yield Change(
            index, index + 1, (), Op.DELETE_LINE, Kind.INJECTED_LINE, "remove an injected import", detail="import"
        )


def _statement_in_list(site: Site) -> Iterator[Change]:
    """A statement at the margin among imported names: above the import where it stands first, else behind it."""
    opener = site.open_brackets[0].line if site.open_brackets else site.line
    if opener == site.line or not _LIST.match(site.lines[opener]):
        return
    first = site.line
    if not _STATEMENT.match(site.lines[first].rstrip()):
        return
    end = first + 1
    while end < len(site.lines) and _STATEMENT.match(site.lines[end].rstrip()):
        end += 1
    start, stop = opener, end
    moved, rest = site.lines[first:end], site.lines[opener:first]
    rows = (*moved, *rest)
    if any(is_code(line) for line in rest[1:]):
        stop = next((i for i in range(end, len(site.lines)) if site.lines[i].lstrip().startswith(")")), -1) + 1
        if not stop:
            return
        start, rows = first, (*site.lines[end:stop], *moved)
    yield Change(
        start, stop, rows, Op.MOVE_LINE, Kind.INJECTED_LINE, "move a statement out of the imported names",
        detail="statement",
    )  # fmt: skip


def _run(lines: Sequence[str], index: int) -> tuple[int, int]:
    """The imports of one line each around `index` that stand at its level."""
    width = width_of(lines[index])
    first, end = index, index + 1
    while first > 0 and _ONE_LINE.match(lines[first - 1]) and width_of(lines[first - 1]) == width:
        first -= 1
    while end < len(lines) and _ONE_LINE.match(lines[end]) and width_of(lines[end]) == width:
        end += 1
    return (first, end) if _ONE_LINE.match(lines[index]) else (index, index + 1)


def _interrupts(lines: Sequence[str], first: int, end: int) -> bool:
    """Whether the lines before and behind belong together: neither stands at the margin."""
    before = next((line for line in reversed(lines[:first]) if is_code(line)), "")
    after = next((line for line in lines[end:] if is_code(line)), "")
    opens = before.rstrip().endswith(("(", "[", "{", ","))
    return (width_of(before) > 0 or opens or before.rstrip().endswith(":")) and (width_of(after) > 0 or opens)


def _import_homes(site: Site, index: int) -> list[int]:
    """Where an import above the statement that encloses `index` may go: behind the imports at the top of the module,
    else right before that statement."""
    enclosing: int | None = None
    for up in range(index - 1, -1, -1):
        line = site.lines[up]
        if is_code(line) and width_of(line) == 0 and line[:1] not in ")]}'\"" and up not in site.inside_string:
            enclosing = up
            break
    if enclosing is None:
        return []
    while enclosing > 0 and site.lines[enclosing - 1].startswith("@"):
        enclosing -= 1
    head = after_docstring(site.lines, enclosing)
    last: int | None = None
    for at in range(head, enclosing):
        line = site.lines[at]
        if _ONE_LINE.match(line) and width_of(line) == 0:
            last = at + 1
        elif is_code(line) and not (_IMPORT.match(line) or width_of(line) > 0 or line[:1] == ")"):
            break
    return [last if last is not None else enclosing]


def _import_list(site: Site) -> Iterator[Change]:
    """Lists of imported names: a missing or a trailing comma."""
    line = site.lines[site.line]
    if "import" not in line:
        return
    stripped = line.rstrip()
    if stripped.endswith(","):
        yield Change(
            site.line, site.line + 1, (stripped[:-1],), Op.DELETE_TOKEN, Kind.JUNK, "remove the last `,`", token=",",
            detail="import-tail",
        )  # fmt: skip
        follow = site.line + 1
        while follow < len(site.lines) and width_of(site.lines[follow]) > width_of(line) and site.lines[follow].strip():
            follow += 1
        if follow > site.line + 1:
            head, _, names = stripped.partition(" import ")
            rows = (f"{head} import ({names}", *site.lines[site.line + 1 : follow - 1], site.lines[follow - 1] + ")")
            yield Change(
                site.line, follow, rows, Op.REWRITE, Kind.BRACKET, "put the imported names in brackets", detail="import"
            )
    yield from _relative(site)
    match = re.match(r"(\s*)(?:import|from)\s+([\w.\-]+)", line)
    if match and "-" in match.group(2):
        text = line.replace(match.group(2), match.group(2).replace("-", "_"), 1)
        yield Change(
            site.line,
            site.line + 1,
            (text,),
            Op.REWRITE,
            Kind.JUNK,
            "`-` becomes `_` in a module name",
            detail="hyphen",
        )
    if indent_of(line) and re.search(r"\bimport\b.*\bimport\b", line):
        return


def _relative(site: Site) -> Iterator[Change]:
    """`import .models` is written `from . import models`."""
    line = site.lines[site.line]
    match = re.match(r"(\s*)import\s+(\.+)((?:\w+\.)*)(\w+)(.*)$", line)
    if match:
        indent, dots, package, name, rest = match.groups()
        text = f"{indent}from {dots}{package.removesuffix('.')} import {name}{rest}"
        yield Change(
            site.line, site.line + 1, (text,), Op.REWRITE, Kind.OTHER, "import from the package", detail="relative"
        )
