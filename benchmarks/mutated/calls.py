"""Damage to calls, and a plain check of the calls whose callee is beyond doubt."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from random import Random

from benchmarks.mutated.damage import Change
from benchmarks.mutated.layout import Repository
from benchmarks.mutated.model import Model, State, Target, parsed


class CallKind(Enum):
    """What was done to a function, or to a call of it."""

    KEYWORD = "keyword misspelt"
    LEFT_OUT = "argument left out"
    PARAMETER = "parameter renamed"
    DROPPED = "parameter dropped"
    ADDED = "parameter added"


@dataclass(frozen=True, slots=True)
class WrongArgument:
    """An argument that a call gives and must not, or must give and does not."""

    path: str
    lines: tuple[int, int]
    callee: str
    argument: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class CallDamage:
    """What was done: the commit, the files it touches, the name that is wrong now and the one it stands for."""

    kind: CallKind
    change: Change
    touched: frozenset[str]
    wrong: str
    right: str
    place: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A call with the function that it surely calls."""

    path: str
    node: ast.Call
    home: str
    function: ast.FunctionDef | ast.AsyncFunctionDef
    skip: int


def wrong_arguments(repository: Repository) -> list[WrongArgument]:
    """Return what is wrong with the calls of module functions and of classes that write their own constructor."""
    found: list[WrongArgument] = []
    for known in _known_calls(repository):
        given = [keyword.arg for keyword in known.node.keywords if keyword.arg]
        lines = (known.node.lineno, known.node.end_lineno or known.node.lineno)
        callee = known.function.name
        names, required, is_open = _parameters(known)
        if not is_open:
            found += [WrongArgument(known.path, lines, callee, name, False) for name in given if name not in names]
        if any(keyword.arg is None for keyword in known.node.keywords):
            continue
        if any(isinstance(argument, ast.Starred) for argument in known.node.args):
            continue
        filled = {*names[: len(known.node.args)], *given}
        found += [WrongArgument(known.path, lines, callee, name, True) for name in required if name not in filled]
    return found


def call_damages(repository: Repository, random: Random, each: int, used: set[str]) -> Iterator[CallDamage]:
    """Yield up to `each` damages of every kind; no file takes part in two, nor one that is `used` already."""
    calls = [one for one in _known_calls(repository) if one.home not in used and one.path not in used]
    random.shuffle(calls)
    for kind in CallKind:
        count = 0
        for known in calls:
            if count == each:
                break
            damage = _make(repository, kind, known, random)
            if damage is not None and not damage.touched & used:
                used |= damage.touched
                count += 1
                yield damage


def _known_calls(repository: Repository) -> Iterator[_Known]:
    model = Model(repository)
    for path in repository.python_files():
        tree = parsed(repository.texts[path])
        if tree is None:
            continue
        bound: dict[str, list[Target | None]] = {}
        for one in model.taken_by(path):
            target = one.target if one.state is State.FINE and one.name else None
            bound.setdefault(one.local, []).append(target)
        stored = _stored(repository.texts[path])
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name = node.func.id
            targets = bound.get(name, [])
            if len(set(targets)) > 1 or (targets and name in stored) or stored[name] > 1:
                continue
            target = targets[0] if targets else Target(path, name) if name in stored else None
            found = _function(repository, target) if target is not None else None
            if found is not None and target is not None:
                yield _Known(path, node, target.path, *found)


@lru_cache(maxsize=4000)
def _stored(text: str) -> Counter[str]:
    """Count every name that anything in a text binds other than by an import."""
    tree = parsed(text)
    found: list[str] = []
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.arg):
            found.append(node.arg)
    return Counter(found)


def _function(repository: Repository, target: Target) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, int] | None:
    """Return the function that a target is, or its constructor, and how many parameters are filled already."""
    text = repository.texts.get(target.path, "")
    tree = parsed(text)
    if tree is None or _stored(text)[target.name] != 1:
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == target.name:
            return (node, 0) if not node.decorator_list else None
        if isinstance(node, ast.ClassDef) and node.name == target.name:
            plain = not node.decorator_list and not node.keywords
            plain = plain and all(
                isinstance(base, ast.Name) and base.id in ("object", "Exception") for base in node.bases
            )
            makers = [one for one in node.body if getattr(one, "name", "") in ("__init__", "__new__")]
            if plain and len(makers) == 1 and isinstance(makers[0], ast.FunctionDef) and not makers[0].decorator_list:
                return (makers[0], 1) if makers[0].name == "__init__" else None
    return None


def _parameters(known: _Known) -> tuple[list[str], list[str], bool]:
    """Return the parameters in order, those without a default, and whether there may be others."""
    given = known.function.args
    positional = [one.arg for one in (*given.posonlyargs, *given.args)]
    without = positional[: len(positional) - len(given.defaults)]
    required = [name for name in without if name not in positional[: known.skip]]
    only = [one.arg for one in given.kwonlyargs]
    required += [name for name, default in zip(only, given.kw_defaults, strict=True) if default is None]
    return [*positional[known.skip :], *only], required, given.kwarg is not None


def _make(repository: Repository, kind: CallKind, known: _Known, random: Random) -> CallDamage | None:
    match kind:
        case CallKind.KEYWORD:
            return _keyword(repository, known, random)
        case CallKind.LEFT_OUT:
            return _left_out(repository, known)
        case CallKind.PARAMETER:
            return _parameter(repository, known, random)
        case CallKind.DROPPED:
            return _dropped(repository, known)
        case CallKind.ADDED:
            return _added(repository, known)


def _keyword(repository: Repository, known: _Known, random: Random) -> CallDamage | None:
    names, _, is_open = _parameters(known)
    keywords = [keyword for keyword in known.node.keywords if keyword.arg and len(keyword.arg) > 3]
    if is_open or not keywords or not all(keyword.arg in names for keyword in keywords):
        return None
    keyword = random.choice(keywords)
    right = keyword.arg or ""
    wrong = random.choice([right + "s", right[:-1], f"the_{right}", right[0] + right[2] + right[1] + right[3:]])
    if wrong in names or wrong == right or not wrong.isidentifier():
        return None
    text = _replaced(repository.texts[known.path], keyword.lineno, keyword.col_offset, right, wrong)
    return _damage(CallKind.KEYWORD, {known.path: text}, wrong, right, known)


def _left_out(repository: Repository, known: _Known) -> CallDamage | None:
    _, required, _ = _parameters(known)
    lines = repository.texts[known.path].split("\n")
    for keyword in known.node.keywords:
        if keyword.arg in required and keyword.lineno == keyword.end_lineno:
            line = lines[keyword.lineno - 1].encode()
            before, after = line[: keyword.col_offset].decode(), line[keyword.end_col_offset :].decode()
            lines[keyword.lineno - 1] = before + after.lstrip(", ")
            text = "\n".join(lines)
            if parsed(text) is not None:
                return _damage(CallKind.LEFT_OUT, {known.path: text}, keyword.arg or "", "", known)
    return None


def _parameter(repository: Repository, known: _Known, random: Random) -> CallDamage | None:
    names, _, is_open = _parameters(known)
    given = [keyword.arg for keyword in known.node.keywords if keyword.arg in names and len(keyword.arg or "") > 3]
    if is_open or not given:
        return None
    old = given[0] or ""
    new = random.choice([f"{old}_value", f"new_{old}", old + "s"])
    text = repository.texts[known.home]
    lines = text.split("\n")
    first, last = known.function.lineno - 1, known.function.end_lineno or 0
    body = "\n".join(lines[first:last])
    if re.search(rf"\b{new}\b|[\"'.]{old}\b|\b{old}=(?!=)", re.sub(rf"\b{old}\s*=\s*[^,)]*[,)]", "", body, count=1)):
        return None
    lines[first:last] = re.sub(rf"\b{old}\b", new, body).split("\n")
    changed = "\n".join(lines)
    return _damage(CallKind.PARAMETER, {known.home: changed}, old, new, known) if parsed(changed) else None


def _dropped(repository: Repository, known: _Known) -> CallDamage | None:
    """Take a parameter away; only one with a default behind others, so that nothing else about calls changes."""
    given = known.function.args
    passed = {keyword.arg for keyword in known.node.keywords}
    for before, argument, default in zip(
        given.args[-len(given.defaults) - 1 :], given.args[-len(given.defaults) :], given.defaults, strict=False
    ):
        if not given.defaults or argument.arg not in passed or given.kwarg is not None or before is argument:
            continue
        start = before.end_lineno, before.end_col_offset
        position = given.args.index(argument) - (len(given.args) - len(given.defaults))
        if position:
            previous = given.defaults[position - 1]
            start = previous.end_lineno, previous.end_col_offset
        end = default.end_lineno, default.end_col_offset
        if start[0] != end[0] or start[0] is None:
            continue
        lines = repository.texts[known.home].split("\n")
        line = lines[start[0] - 1].encode()
        lines[start[0] - 1] = (line[: start[1]] + line[end[1] :]).decode()
        changed = "\n".join(lines)
        if parsed(changed) is not None:
            return _damage(CallKind.DROPPED, {known.home: changed}, argument.arg, "", known)
    return None


def _added(repository: Repository, known: _Known) -> CallDamage | None:
    given = known.function.args
    if given.vararg or given.kwonlyargs or given.kwarg or len(given.args) <= known.skip:
        return None
    last: ast.expr | ast.arg = given.args[-1]
    if given.defaults:
        last = given.defaults[-1]
    lines = repository.texts[known.home].split("\n")
    number = (last.end_lineno or 1) - 1
    line = lines[number].encode()
    lines[number] = (line[: last.end_col_offset] + b", *, tenant_zone" + line[last.end_col_offset or 0 :]).decode()
    changed = "\n".join(lines)
    return _damage(CallKind.ADDED, {known.home: changed}, "tenant_zone", "", known) if parsed(changed) else None


def _damage(kind: CallKind, texts: dict[str, str], wrong: str, right: str, known: _Known) -> CallDamage:
    touched = frozenset({*texts, known.path, known.home})
    place = f"{known.path}:{known.node.lineno} {known.function.name}"
    return CallDamage(kind, Change(dict(texts)), touched, wrong, right, place)


def _replaced(text: str, line: int, column: int, old: str, new: str) -> str:
    lines = text.split("\n")
    raw = lines[line - 1].encode()
    lines[line - 1] = (raw[:column] + new.encode() + raw[column + len(old.encode()) :]).decode()
    return "\n".join(lines)
