"""Wrong indentation: of a line, of a statement with its suite, of a run of lines, or of an earlier line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code, width_of

_METHOD = re.compile(r"\s*(?:async\s+)?def\s+\w+\s*\(\s*(?:self|cls)\b")
_SPLIT_DEFINITION = re.compile(r"(?:async\s+)?def\s+\w+\s*\(\s*(?:#.*)?$")
_FIRST_PARAMETER = re.compile(r"\s*(?:self|cls)\s*(?:[,)#]|$)")
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s|\s*@")
_TRY = re.compile(r"\s*try\s*:")
_HANDLER = re.compile(r"\s*(?:except|finally)\b")
_CLAUSE = re.compile(r"\s*(?:else|elif)\b")
_LONGEST_RUN = 60  # lines above the fault that stand too far out


def propose(site: Site) -> Iterator[Change]:
    """Yield reindentations of the fault's line, its neighbours, and lines that look out of step."""
    if not site.lines:
        return
    strays = _stray_methods(site) if site.fault.type == "IndentationError" else []
    for target in strays:
        yield _shift(site, target, site.statement_end(target), site.unit, Op.INDENT_LINE, "stray-method")
    yield from _run_above(site)
    yield from _run_within(site)
    for target in _targets(site, strays):
        yield from _reindented_to(site, target, _indents(site, target))
    if site.fault.type == "TabError" or any("\t" in indent_of(line) for line in site.lines[site.first : site.last]):
        yield from _tabs(site)


def _run_above(site: Site) -> Iterator[Change]:
    """The line stands where lines further up do: those between, which stand further out, belong there too."""
    if site.group != "indent" or not is_code(site.lines[site.line]):
        return
    indent = indent_of(site.lines[site.line])
    width = width_of(indent)
    first = site.line
    least = width
    index = site.previous_code(first)
    while index is not None and width_of(site.lines[index]) < width and site.line - index < _LONGEST_RUN:
        first, least = index, min(least, width_of(site.lines[index]))
        index = site.previous_code(index)
    if index is None or first == site.line or width_of(site.lines[index]) < width:
        return
    if width_of(site.lines[first]) == least:
        if _CLAUSE.match(site.lines[site.line]):
            indent += site.unit
        yield _shift(site, first, site.line, indent, Op.INDENT_RUN, "above")


def _run_within(site: Site) -> Iterator[Change]:
    """A `try` ends at lines that stand further out, and its body or its `except` follows: they belong into the body."""
    first = site.line
    above = site.previous_code(first)
    if site.group != "except" or above is None or not is_code(site.lines[first]):
        return
    header = next((i for i in range(above, site.first - 1, -1) if _TRY.match(site.lines[i])), None)
    body = None if header is None else site.next_code(header + 1)
    if header is None or body is None or not width_of(site.lines[first]) < width_of(site.lines[body]):
        return
    inner, index = first, site.next_code(site.statement_end(first))
    while index is not None and index - first < _LONGEST_RUN:
        width, line = width_of(site.lines[index]), site.lines[index]
        opens = site.lines[site.statement_end(inner) - 1].split("#")[0].rstrip().endswith(":")
        resumes = width > width_of(site.lines[inner]) and not opens and width == width_of(site.lines[body])
        if resumes or (_HANDLER.match(line) and width == width_of(site.lines[header]) > width_of(site.lines[first])):
            yield _shift(
                site, first, site.statement_end(inner), indent_of(site.lines[body]), Op.INDENT_RUN, "within"
            )  # fmt: skip
            return
        inner, index = index, site.next_code(site.statement_end(index))


def _targets(site: Site, strays: list[int]) -> list[int]:
    indentation_fault = site.fault.type in ("IndentationError", "TabError")
    targets = [site.line]
    here = site.line
    if not is_code(site.lines[here]):
        following = site.next_code(here)
        if following is not None:
            targets.append(following)
    previous: int | None = here
    for _ in range(3 if indentation_fault else 2):
        previous = site.previous_code(previous) if previous is not None else None
        if previous is not None:
            targets.append(previous)
    if site.header is not None and 0 <= site.header < len(site.lines):
        targets.append(site.header)
    targets.extend(strays)
    if indentation_fault or "block" in site.fault.message or "except" in site.fault.message:
        targets.extend(_out_of_step(site))
    else:
        targets.extend(_out_of_step(site)[:2])
    return list(dict.fromkeys(targets))


def _stray_methods(site: Site) -> list[int]:
    """Methods at the left margin above the fault, nearest first: the class around them ended too early."""
    found: list[int] = []
    for index in range(site.line, max(-1, site.line - 400), -1):
        line = site.lines[index]
        if line[:1] in ("d", "a") and (_METHOD.match(line) or _is_split_method(site, index)):
            found.append(index)
        elif line.startswith("class "):
            break
    return found[:2]


def _is_split_method(site: Site, index: int) -> bool:
    """Whether a method's header begins here and its first parameter stands on the next line."""
    if not _SPLIT_DEFINITION.match(site.lines[index]) or index + 1 >= len(site.lines):
        return False
    return _FIRST_PARAMETER.match(site.lines[index + 1]) is not None


def _out_of_step(site: Site) -> list[int]:
    """Lines before the fault whose indentation no enclosing block explains, nearest first."""
    found: list[int] = []
    step = max(1, width_of(site.unit))
    previous_width: int | None = None
    previous_line = ""
    for index in range(site.first, min(site.line + 1, site.last)):
        if not site.starts_statement(index):
            continue
        line = site.lines[index]
        width = width_of(line)
        odd = width % step != 0
        stray_method = bool(_METHOD.match(line)) and width == 0
        jumped = previous_width is not None and width > previous_width and not previous_line.rstrip().endswith(":")
        sunk = previous_width is not None and previous_line.rstrip().endswith(":") and width <= previous_width
        if odd or stray_method or jumped or sunk:
            found.append(index)
        previous_width, previous_line = width, line
    strays = [i for i in found if _METHOD.match(site.lines[i]) and width_of(site.lines[i]) == 0]
    return [*strays[::-1][:3], *found[::-1][:6]]


def _indents(site: Site, target: int) -> list[str]:
    current = indent_of(site.lines[target])
    previous = site.previous_code(target)
    following = site.next_code(site.statement_end(target))
    wanted: list[str] = []
    for neighbour in (previous, following):
        if neighbour is not None:
            base = indent_of(site.lines[neighbour])
            wanted.append(base)
            if neighbour == previous:
                wanted.append(base + site.unit)
            if base.endswith(site.unit):
                wanted.append(base[: -len(site.unit)])
    index, level = previous, None if previous is None else width_of(site.lines[previous])
    while index is not None and level:
        index = site.previous_code(index)
        if index is not None and width_of(site.lines[index]) < level:
            level = width_of(site.lines[index])
            wanted.append(indent_of(site.lines[index]))
    wanted.append(current + site.unit)
    wanted.append("")
    return [indent for indent in dict.fromkeys(wanted) if indent != current][:9]


def _reindented_to(site: Site, target: int, indents: list[str]) -> Iterator[Change]:
    """Yield the changes that move the statement at `target`, or a run of lines from there, to each of `indents`."""
    statement = site.statement_end(target)
    ends = _ends(site, target, statement)
    longest = max(statement, *ends)
    plain = _tails(site, target, longest, strings=False)
    with_strings = None
    in_string = [
        (end, detail)
        for end, detail in {statement: "line", **ends}.items()
        if any(index in site.inside_string for index in range(target, end))
    ]
    for indent in indents:
        moved = plain.under(indent)
        yield _reindented(target, moved[: statement - target], Op.INDENT_LINE, "line")
        for end, detail in ends.items():
            if end > target and end != statement:
                op = Op.INDENT_BLOCK if detail == "block" else Op.INDENT_RUN
                yield _reindented(target, moved[: end - target], op, detail)
        if in_string:
            with_strings = with_strings or _tails(site, target, longest, strings=True)
            moved = with_strings.under(indent)
            for end, detail in in_string:
                yield _reindented(target, moved[: end - target], Op.INDENT_WITH_STRINGS, detail)


def _ends(site: Site, target: int, statement: int) -> dict[int, str]:
    """Return the lines before which a run from `target` may end, and why there."""
    ends: dict[int, str] = {}
    width = width_of(site.lines[target])
    block = _block_end(site, target, statement, width)
    ends.setdefault(block, "block")
    same = statement
    blank: int | None = None
    steps: list[int] = []
    for index in range(statement, site.last):
        line = site.lines[index]
        if index in site.inside_string or index in site.bracket_starts:
            same = index + 1
            continue
        if not line.strip():
            if blank is None:
                blank = index
            continue
        if is_code(line):
            own = width_of(line)
            if own < width:
                break
            if own == width:
                steps.append(index)
                if index > statement and _DEFINITION.match(line):
                    ends.setdefault(same, "definition")
        same = index + 1
    ends.setdefault(same, "same")
    if blank is not None and blank > statement:
        ends.setdefault(blank, "blank")
    for step in steps[: 12 if site.fault.type != "SyntaxError" or "block" in site.fault.message else 3]:
        ends.setdefault(_without_blank_tail(site, target, step), "step")
    return ends


def _block_end(site: Site, target: int, statement: int, width: int) -> int:
    end = statement
    for index in range(statement, site.last):
        line = site.lines[index]
        if index in site.inside_string or index in site.bracket_starts:
            end = index + 1
            continue
        if not is_code(line):
            continue
        if width_of(line) <= width:
            break
        end = index + 1
    return end


def _without_blank_tail(site: Site, start: int, end: int) -> int:
    while end > start + 1 and not site.lines[end - 1].strip():
        end -= 1
    return end


def _shift(site: Site, start: int, end: int, indent: str, op: Op, detail: str) -> Change:
    return _reindented(start, _tails(site, start, end, strings=False).under(indent), op, detail)


def _reindented(start: int, moved: list[str], op: Op, detail: str) -> Change:
    lines = "a line" if len(moved) == 1 else f"{len(moved)} lines"
    end = start + len(moved)
    return Change(start, end, tuple(moved), op, Kind.INDENTATION, f"reindent {lines}", detail=detail)


@dataclass(frozen=True, slots=True)
class _Tails:
    """Lines that move as the first of them does: `base` is how wide that is indented.

    Of each line there is what stays as it is behind the new indentation. A line that does not begin as the first has
    its own width too; one that does not move (blank, or within a string) stands whole.
    """

    base: int
    rows: list[tuple[str, int | None]]
    moves: list[bool]

    def under(self, indent: str) -> list[str]:
        """Return the lines with the first, and with it all that move, at this indentation."""
        difference = width_of(indent) - self.base
        return [
            tail if not moves else indent + tail if width is None else " " * max(0, width + difference) + tail
            for (tail, width), moves in zip(self.rows, self.moves, strict=True)
        ]


def _tails(site: Site, start: int, end: int, *, strings: bool) -> _Tails:
    """Return the lines from `start` to `end`, ready to be moved; with `strings` also those within strings."""
    base = indent_of(site.lines[start])
    kept, cut = frozenset() if strings else site.inside_string, len(base)
    rows: list[tuple[str, int | None]] = []
    moves: list[bool] = []
    for index, line in enumerate(site.lines[start:end], start):
        stays = index in kept or not line.strip()
        moves.append(not stays)
        if stays:
            rows.append((line, None))
        elif line.startswith(base):
            rows.append((line[cut:], None))
        else:
            rows.append((line.lstrip(" \t\f"), width_of(line)))
    return _Tails(width_of(base), rows, moves)


def _tabs(site: Site) -> Iterator[Change]:
    for size in (8, 4, width_of(site.unit) if "\t" not in site.unit else 2):
        changed = [
            line if index in site.inside_string else indent_of(line).expandtabs(size) + line[len(indent_of(line)) :]
            for index, line in enumerate(site.lines[site.first : site.last], site.first)
        ]
        detail = str(size)
        yield Change(
            site.first, site.last, tuple(changed), Op.TABS_TO_SPACES, Kind.INDENTATION, "indent by spaces", "", detail
        )
        line = site.lines[site.line]
        alone = indent_of(line).expandtabs(size) + line[len(indent_of(line)) :]
        yield Change(
            site.line, site.line + 1, (alone,), Op.TABS_TO_SPACES, Kind.INDENTATION, "indent by spaces", "", detail
        )
