"""What in a mended text tells that the file may have been meant otherwise, however plausible the repair looks."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.line_diff import Hunk, hunks
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import is_code, width_of

_WORD = re.compile(r"[^\W\d]\w*")
_LAST_WORD = re.compile(r"[^\W\d]\w*$")
_CLOSED_BEHIND_COMMA = re.compile(r"[(\[{].*,.*,\s*[)\]}]+$")
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_DOES_SOMETHING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.ListComp)
_BUILTINS = frozenset(dir(builtins))
# Lines that stand twice in a row by chance are shorter; so are names that begin like another one by chance.
_LONG_LINE = 8
_LONG_WORD = 3
# In a file with fewer words besides the mended lines a name that nothing binds tells nothing.
_FEW_WORDS = 12
_LONG_ARGUMENT = 200  # characters of an argument's dump; a shorter one may be passed twice for good reasons


class Doubt(Enum):
    """A reason to let a person look at a repair first."""

    NO_EFFECT = "a statement does nothing"
    UNREACHABLE = "a statement is never reached"
    UNEVEN = "a suite is not one step deeper than its header"
    UNKNOWN_NAME = "it has the only name that the file does not know"
    CUT_WORD = "a word looks cut off"
    UNBOUND = "a name has its value only under a condition, and is read after it"
    UNUSED = "a loop does not use its variable"
    CHAINED = "an assignment takes its value from the next line's"
    TWIN = "a line stands twice in a row"
    REPEATED = "an argument is passed twice"
    CUT_END = "a bracket is closed where the file ends"
    LOOSE_END = "a bracket is closed behind a comma"
    REMARK = "a remark holds the bracket"
    MISALIGNED = "a comma joins lines at different columns"
    SELF_OUTSIDE = "`self` is read where no method runs"
    EITHER_BRACKET = "the bracket that opens may be the wrong one of the two"


@dataclass(frozen=True, slots=True)
class _View:
    """The mended part of a text: its lines, its tree, and what changed; lines count from 1 in `changed`."""

    text: str
    old: list[str]
    lines: list[str]
    tree: ast.Module
    hunks: tuple[Hunk, ...]
    changed: frozenset[int]
    step: int

    def touches(self, node: ast.stmt) -> bool:
        """Whether a line of a statement changed."""
        return not self.changed.isdisjoint(range(node.lineno, (node.end_lineno or node.lineno) + 1))

    def touches_head(self, node: ast.stmt) -> bool:
        """Whether a line of a statement changed, a suite in it left out."""
        body = getattr(node, "body", None)
        end = body[0].lineno if isinstance(body, list) and body else (node.end_lineno or node.lineno) + 1
        return not self.changed.isdisjoint(range(node.lineno, max(end, node.lineno + 1)))

    def pairs(self) -> Iterator[tuple[int, str, str]]:
        """Yield the changed lines: number from 1, what stood there, what stands there."""
        for hunk in self.hunks:
            for row in range(hunk.good_start, hunk.good_end):
                at = hunk.start + row - hunk.good_start
                yield row + 1, self.old[at] if at < hunk.end else "", self.lines[row]


def doubts(
    text: str, parts: tuple[str, str], changes: Sequence[Change], step: int, unresolved: float
) -> frozenset[Doubt]:
    """Return what speaks against a repair of `text`.

    `parts` are where the text and the mended one differ (`losses.differing`), `step` the columns of an indentation,
    `unresolved` the names of the mended text that nothing in it binds.
    """
    old, new = parts[0].split("\n"), parts[1].split("\n")
    found = hunks(new, old)
    rows = (row + 1 for hunk in found for row in range(hunk.good_start, max(hunk.good_end, hunk.good_start + 1)))
    try:
        tree = ast.parse(parts[1])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    view = _View(text, old, new, tree, found, frozenset(rows), step)
    reasons = {*_of_lines(view), *_of_words(view, unresolved)}
    if any(change.op is Op.REPLACE_BRACKET for change in changes) and _may_open_wrong(view):
        reasons.add(Doubt.EITHER_BRACKET)
    indents = any(change.kind is Kind.INDENTATION or change.op is Op.ADD_HEADER for change in changes)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                reasons.update(_of_suite(view, node, body, indents=indents))
        if isinstance(node, (ast.Module, ast.ClassDef)) and any(map(_reads_self, node.body)):
            reasons.add(Doubt.SELF_OUTSIDE)
        if indents and isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
            reasons.update([Doubt.UNBOUND] if _leaves_unbound(view, node) else [])
    if any(change.op is Op.CLOSE_BRACKET for change in changes) and _is_cut_at_end(view):
        reasons.add(Doubt.CUT_END)
    return frozenset(reasons)


def uneven_suites(tree: ast.AST, step: int) -> int:
    """Return how many suites do not begin one step deeper than their header."""
    return sum(_is_uneven(node, step) for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _of_suite(view: _View, owner: ast.AST, body: list[ast.stmt], *, indents: bool) -> Iterator[Doubt]:
    touched = [view.touches(statement) for statement in body]
    if not any(touched):
        return
    for index, statement in enumerate(body):
        if not any(touched[max(0, index - 1) : index + 2]):
            continue
        if isinstance(statement, ast.Expr) and _does_nothing(statement.value, beside=not touched[index]):
            yield Doubt.NO_EFFECT
        if isinstance(statement, _EXITS) and index + 1 < len(body):
            yield Doubt.UNREACHABLE
        if indents and _is_uneven(statement, view.step):
            yield Doubt.UNEVEN
        if touched[index] and isinstance(statement, ast.Assign) and _is_chained(statement):
            yield Doubt.CHAINED
        if view.touches_head(statement) and any(isinstance(n, ast.Call) and _repeats(n) for n in ast.walk(statement)):
            yield Doubt.REPEATED
    if (
        indents
        and isinstance(owner, (ast.For, ast.AsyncFor))
        and body is owner.body
        and all(map(view.touches_head, body))
        and not _uses_target(owner)
    ):
        yield Doubt.UNUSED


def _does_nothing(value: ast.expr, *, beside: bool) -> bool:
    """Whether an expression stands alone for nothing; `beside` a change only what looks left over from a list."""
    if beside:
        return isinstance(value, ast.Tuple)
    if isinstance(value, ast.Constant):
        return not isinstance(value.value, str) and value.value is not Ellipsis
    return not isinstance(value, _DOES_SOMETHING)


def _is_chained(statement: ast.Assign) -> bool:
    """Whether the targets of an assignment stand on several lines: the value of the first one may be what lacks."""
    return any(one.end_lineno != other.lineno for one, other in pairwise(statement.targets))


def _repeats(call: ast.Call) -> bool:
    passed = Counter(ast.dump(one) for one in call.args)
    twice = [one for one, times in passed.items() if times > 1]
    return len(twice) > 1 or any(len(one) > _LONG_ARGUMENT for one in twice)


def _is_uneven(statement: ast.stmt, step: int) -> bool:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(statement, name, None)
        if not isinstance(body, list) or not body or not isinstance(body[0], ast.stmt):
            continue
        first = body[0]
        stands_alone = first.lineno > statement.lineno and not (name == "orelse" and isinstance(first, ast.If))
        if stands_alone and first.col_offset - statement.col_offset != step:
            return True
    return False


def _uses_target(loop: ast.For | ast.AsyncFor) -> bool:
    names = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    if not names or any(name.startswith("_") for name in names):
        return True
    inside = (node for statement in loop.body for node in ast.walk(statement))
    return any(isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load) for node in inside)


def _reads_self(statement: ast.stmt) -> bool:
    """Whether `self` or `cls` is read when the statement itself runs, in no function and no class of its own."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and node.id in ("self", "cls") and isinstance(node.ctx, ast.Load):
            return True
        if not isinstance(node, _SCOPES):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _leaves_unbound(view: _View, scope: ast.AST) -> bool:
    """Whether a suite that changed as a whole gives a value to a name that is read behind it and has none elsewhere."""
    nodes: list[ast.AST] = []
    stack = list(ast.iter_child_nodes(scope))
    while stack:
        node = stack.pop()
        nodes.append(node)
        if not isinstance(node, _SCOPES):
            stack.extend(ast.iter_child_nodes(node))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    for node in nodes:
        if not isinstance(node, (ast.If, ast.For, ast.AsyncFor, ast.While)) or not all(
            map(view.touches_head, node.body)
        ):
            continue
        if isinstance(node, ast.If) and node.orelse:
            continue
        first, last = node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno
        bound = [one for one in names if isinstance(one.ctx, ast.Store)]
        given = {one.id for one in bound if first <= one.lineno <= last}
        given -= {one.id for one in bound if not first <= one.lineno <= last}
        given -= {one.arg for one in nodes if isinstance(one, ast.arg)}
        if any(one.id in given and isinstance(one.ctx, ast.Load) and one.lineno > last for one in names):
            return True
    return False


def _of_words(view: _View, unresolved: float) -> Iterator[Doubt]:
    known = Counter(_WORD.findall(view.text))
    here = Counter(_WORD.findall("\n".join(new for _, _, new in view.pairs())))
    read = {
        node.id
        for node in ast.walk(view.tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.lineno in view.changed
    }
    strange = sum(1 for name in read - _BUILTINS if known[name] <= here[name])
    if 0 < unresolved <= strange and len(known - here) >= _FEW_WORDS:
        yield Doubt.UNKNOWN_NAME
    for _, old, new in view.pairs():
        word = _word_before_change(old, new)
        if len(word) >= _LONG_WORD and known[word] <= 1 and any(w != word and w.startswith(word) for w in known):
            yield Doubt.CUT_WORD


def _word_before_change(old: str, new: str) -> str:
    """The word behind which two lines begin to differ; none where the change makes it longer."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    if any(line[same : same + 1].isalnum() or line[same : same + 1] == "_" for line in (old, new)):
        return ""
    match = _LAST_WORD.search(old[:same])
    return match.group() if match else ""


def _of_lines(view: _View) -> Iterator[Doubt]:
    filled = [number for number, line in enumerate(view.lines, 1) if is_code(line)]
    below = dict(pairwise(filled))
    for number, following in below.items():
        line, other = view.lines[number - 1].strip(), view.lines[following - 1].strip()
        if line == other and len(line) >= _LONG_LINE and not view.changed.isdisjoint((number, following)):
            yield Doubt.TWIN
    for number, old, new in view.pairs():
        was, code = old.rstrip(), new.rstrip()
        if was.endswith(",") and len(code) > len(was) and _CLOSED_BEHIND_COMMA.search(code):
            yield Doubt.LOOSE_END
        remark = old.partition("#")[2]
        if sum(map(remark.count, ")]}")) > sum(map(remark.count, "([{")) and remark in new:
            yield Doubt.REMARK
        if code.endswith(",") and not was.endswith(",") and number in below:
            next_line = view.lines[below[number] - 1]
            if next_line.lstrip()[:1] not in (")", "]", "}") and width_of(next_line) != width_of(new):
                yield Doubt.MISALIGNED


def _is_cut_at_end(view: _View) -> bool:
    """Whether the last lines of the file are a statement of several lines that a change closed."""
    filled = [line for line in view.old if is_code(line)]
    if not filled or not view.text.rstrip().endswith(filled[-1].rstrip()):
        return False
    simple = [node for node in ast.walk(view.tree) if isinstance(node, ast.stmt) and not hasattr(node, "body")]
    last = max(simple, key=lambda node: node.end_lineno or node.lineno, default=None)
    return last is not None and (last.end_lineno or 0) > last.lineno and view.touches(last)


def _may_open_wrong(view: _View) -> bool:
    """Whether a bracket that was exchanged closes anything but a call: the one that opens could be meant instead."""
    ends = set()
    for number, old, new in view.pairs():
        if len(old) == len(new) and sum(one != other for one, other in zip(old, new, strict=True)) == 1:
            same = next(i for i, one in enumerate(old) if one != new[i])
            ends.add((number, len(new[: same + 1].encode())))
    nodes = (node for node in ast.walk(view.tree) if isinstance(node, ast.expr))
    closed = [node for node in nodes if (node.end_lineno, node.end_col_offset) in ends]
    return not any(isinstance(node, ast.Call) for node in closed)
