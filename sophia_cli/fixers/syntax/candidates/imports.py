"""Imports in the wrong place: a late `from __future__`, a line that a tool put into the middle of a block."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_IMPORT = re.compile(r"\s*(?:import\s+\w|from\s+[.\w]+\s+import\b)")
_FUTURE = re.compile(r"from\s+__future__\s+import\b")


def propose(site: Site) -> Iterator[Change]:
    """Yield moves and removals of imports that stand where none may stand."""
    if "__future__" in site.fault.message:
        yield from _future(site)
    yield from _injected(site)
    yield from _import_list(site)


def _future(site: Site) -> Iterator[Change]:
    index = site.line
    if not _FUTURE.match(site.lines[index].strip()):
        return
    target = _after_docstring(site.lines, index)
    end = site.statement_end(index)
    moved = tuple(line.strip() if i == 0 else line for i, line in enumerate(site.lines[index:end]))
    rest = tuple(site.lines[target:index])
    yield Change(
        target,
        end,
        (*moved, *rest),
        Op.MOVE_LINE,
        Kind.LATE_FUTURE,
        "move `from __future__` to the top",
        detail="future",
    )
    yield Change(index, end, (), Op.DELETE_LINE, Kind.LATE_FUTURE, "remove a late `from __future__`", detail="future")
    above = [i for i in range(target, index) if is_code(site.lines[i]) and i not in site.inside_string]
    if len(above) == 1 and _IMPORT.match(site.lines[above[0]]):
        yield Change(
            above[0],
            above[0] + 1,
            (),
            Op.DELETE_LINE,
            Kind.LATE_FUTURE,
            "remove the line before it",
            detail="before-future",
        )


def _after_docstring(lines: list[str], limit: int) -> int:
    """The line where the first statement after comments and the module docstring may stand."""
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
    """A line at the margin that interrupts a block, a bracket or a `try`."""
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
        line = site.lines[index]
        if not _IMPORT.match(line):
            continue
        end = index + 1
        target = _import_home(site, index)
        if target is not None and target < index:
            rest = tuple(site.lines[target:index])
            yield Change(
                target, end, (line.strip(), *rest), Op.MOVE_LINE, Kind.INJECTED_LINE, "move an import out of the block",
                detail="import",
            )  # fmt: skip
        yield Change(index, end, (), Op.DELETE_LINE, Kind.INJECTED_LINE, "remove an injected import", detail="import")


def _import_home(site: Site, index: int) -> int | None:
    """The line before the top-level statement that encloses `index`, behind the last plain import."""
    enclosing: int | None = None
    for up in range(index - 1, -1, -1):
        line = site.lines[up]
        if is_code(line) and width_of(line) == 0 and line[:1] not in ")]}'\"":
            enclosing = up
            break
    if enclosing is None:
        return None
    while enclosing > 0 and site.lines[enclosing - 1].startswith("@"):
        enclosing -= 1
    return enclosing


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
