"""`setup.py`, read as a tree and never run: literal lists, names bound to them, files that they are read from."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.dependencies.entry import quoted_entry
from sophia_cli.project.dependencies.list_places import entry_range
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Problem, Requirement, Role
from sophia_cli.project.dependencies.requirements_file import resolve
from sophia_cli.project.dependencies.text import DeclarationText, read_text

_ROLES = {
    "install_requires": Role.MAIN,
    "requires": Role.MAIN,
    "extras_require": Role.OPTIONAL,
    "tests_require": Role.DEV,
    "setup_requires": Role.BUILD,
}
_FILE = re.compile(r"[\w./-]*(?:req|dep|constraint)[\w./-]*\.(?:txt|in|pip)|requirements/[\w.-]+", re.IGNORECASE)
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[\w, -]*\])?\s*(?:[<>=!~;@%{]|$)")
_DEEPEST = 12


def read_setup_py(path: str, data: bytes) -> Declaration:
    """Read the calls of `setup`; a file that does not parse is a problem, never an exception."""
    text = read_text(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        return Declaration(path, Format.SETUP_PY, (), problems=(Problem(path, line, "this file does not compile"),))
    reading = _Reading(path, text, _bindings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "setup":
            reading.call(node)
    return Declaration(
        path,
        Format.SETUP_PY,
        tuple(dict.fromkeys(sorted(reading.requirements, key=lambda one: one.span.start))),
        tuple(dict.fromkeys(reading.includes)),
        tuple(reading.problems),
        distribution=reading.distribution,
        dynamic=tuple(dict.fromkeys(reading.dynamic)),
        declares_main=reading.has_call,
    )


@dataclass(frozen=True, slots=True)
class _Literal:
    """A string in a list: `array` is the node of the list, None for one that stands alone."""

    node: ast.Constant
    words: str
    array: ast.expr | None


@dataclass(frozen=True, slots=True)
class _Bindings:
    """What names are bound to anywhere in the file, functions included; one name may have several values."""

    values: dict[str, list[ast.expr]]
    functions: dict[str, ast.FunctionDef]
    files: dict[str, list[ast.expr]]


def _bindings(tree: ast.Module) -> _Bindings:
    values: dict[str, list[ast.expr]] = {}
    files: dict[str, list[ast.expr]] = {}
    functions: dict[str, ast.FunctionDef] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    key = _target(target)
                    if key:
                        values.setdefault(key, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                values.setdefault(name, []).append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value]):
                values.setdefault(name, []).append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update"), args=given, keywords=keywords):
                values.setdefault(name, []).extend(given)
                for keyword in keywords:
                    values.setdefault(f"{name}[{keyword.arg}]", []).append(keyword.value)
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                files.setdefault(name, []).append(value)
            case ast.For(target=ast.Name(id=name), iter=value):
                files.setdefault(name, []).append(value)
            case ast.FunctionDef(name=name):
                functions[name] = node
            case _:
                pass
    return _Bindings(values, functions, files)


def _target(target: ast.expr) -> str | None:
    match target:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key)):
            return f"{name}[{key}]"
        case _:
            return None


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _named_by(item: ast.expr) -> tuple[ast.Constant, str] | None:
    """Return the text that an entry put together at run time begins with, and the distribution that it names.

    None for other entries. The versions of such an entry are not known.
    """
    match item:
        case ast.BinOp(left=ast.Constant(value=str() as text) as begin, op=ast.Add() | ast.Mod()):
            pass
        case ast.JoinedStr(values=[ast.Constant(value=str() as text) as begin, *_]):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text) as begin, attr="format")):
            pass
        case _:
            return None
    found = _NAME.match(text)
    return (begin, found.group(1)) if found else None


@dataclass(slots=True)
class _Reading:
    path: str
    text: DeclarationText
    bindings: _Bindings
    requirements: list[Requirement] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    dynamic: list[str] = field(default_factory=list)
    distribution: str = ""
    has_call: bool = False

    def call(self, node: ast.Call) -> None:
        self.has_call = True
        for keyword in node.keywords:
            if keyword.arg is None:
                self.unpacked(keyword.value)
            else:
                self.argument(keyword.arg, keyword.value)

    def unpacked(self, value: ast.expr) -> None:
        """Read `setup(**arguments)` where the arguments are literals, set one by one or all together.

        What else they may hold nobody knows where nothing of them can be read.
        """
        is_read = False
        for one in self.resolved(value):
            if isinstance(one, ast.Dict):
                is_read = True
                for key, inner in zip(one.keys, one.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self.argument(key.value, inner)
            elif isinstance(one, ast.Call) and _last_name(one.func) == "dict":
                is_read = True
                for keyword in one.keywords:
                    self.argument(keyword.arg or "", keyword.value)
        prefix = f"{value.id}[" if isinstance(value, ast.Name) else None
        for target, bound in self.bindings.values.items() if prefix else ():
            if prefix and target.startswith(prefix):
                is_read = True
                for inner in bound:
                    self.argument(target[len(prefix) : -1], inner)
        if not is_read:
            self.dynamic.append("install_requires")

    def argument(self, name: str, value: ast.expr) -> None:
        if name == "name":
            words = [literal.words for literal in self.literals(value, None, 0)]
            self.distribution = words[0] if words else ""
        role = _ROLES.get(name)
        if role is None:
            return
        before = len(self.requirements) + len(self.includes)
        if role is Role.OPTIONAL:
            self.extras(value)
        else:
            self.listed(value, role, "")
        is_empty = isinstance(value, (ast.List, ast.Tuple, ast.Dict)) and not ast.unparse(value).strip("[](){}")
        if before == len(self.requirements) + len(self.includes) and not is_empty:
            self.dynamic.append(name)

    def extras(self, value: ast.expr) -> None:
        for one in self.resolved(value):
            if isinstance(one, ast.Dict):
                for key, inner in zip(one.keys, one.values, strict=True):
                    group = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
                    self.listed(inner, Role.OPTIONAL, group)
            else:
                self.listed(one, Role.OPTIONAL, "")
        if isinstance(value, ast.Name):
            for target, values in self.bindings.values.items():
                if target.startswith(f"{value.id}["):
                    for bound in values:
                        self.listed(bound, Role.OPTIONAL, target[len(value.id) + 1 : -1])

    def listed(self, value: ast.expr, role: Role, group: str) -> None:
        for literal in self.literals(value, None, 0):
            self.add(literal, role, group)
        for target in self.files(value, set(), 0):
            place = self.place(value.lineno, value.col_offset)
            self.includes.append(Include(target, resolve(self.path, target), role, self.text.line(place)))

    def add(self, literal: _Literal, role: Role, group: str) -> None:
        node = literal.node
        start = self.place(node.lineno, node.col_offset)
        end = self.place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        inner = self.text.text.find(literal.words, start, end)
        if literal.array is not None and inner >= 0:
            array = self.place(literal.array.lineno, literal.array.col_offset)
            whole = entry_range(self.text, start, end, array)
        else:
            inner, whole = max(inner, start), (start, start)
        found = quoted_entry(self.text, role, group, literal.words, place=inner, whole=whole)
        if isinstance(found, str):
            self.problems.append(Problem(self.path, node.lineno, found))
        else:
            self.requirements.append(found)

    def place(self, line: int, column: int) -> int:
        start = self.text.starts[min(line, len(self.text.starts)) - 1]
        if self.text.text.isascii():
            return start + column
        words = self.text.text[start : self.text.line_end(start)]
        return start + len(words.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def resolved(self, value: ast.expr) -> list[ast.expr]:
        """Return what a name is bound to, or the expression itself."""
        if isinstance(value, ast.Name):
            return self.bindings.values.get(value.id, [])
        return [value]

    def literals(self, value: ast.expr, array: ast.expr | None, depth: int) -> Iterator[_Literal]:
        """Yield the strings of a list that can be read without running anything."""
        if depth > _DEEPEST:
            return
        below = depth + 1
        match value:
            case ast.Constant(value=str() as words):
                if array is not None or "\n" not in words.strip():
                    yield _Literal(value, words.strip(), array)
                else:
                    for line in words.splitlines():
                        if line.strip() and not line.strip().startswith("#"):
                            yield _Literal(value, line.strip(), None)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                for item in items:
                    if (named := _named_by(item)) is not None:
                        # Its text ends elsewhere, so it has no place of its own that could be taken out.
                        yield _Literal(named[0], named[1], None)
                    else:
                        yield from self.literals(item, None if isinstance(item, ast.Starred) else value, below)
            case ast.Starred(value=inner):
                yield from self.literals(inner, None, below)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self.literals(left, None, below)
                yield from self.literals(right, None, below)
            case ast.IfExp(body=left, orelse=right):
                yield from self.literals(left, None, below)
                yield from self.literals(right, None, below)
            case ast.Name(id=name):
                for one in self.bindings.values.get(name, ()):
                    yield from self.literals(one, None, below)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key)):
                yield from self.entries(name, key, below)
            case ast.Call(func=ast.Attribute(value=inner, attr="split" | "splitlines" | "strip")):
                yield from self.literals(inner, None, below)
            case ast.Call(func=ast.Name(id="list" | "set" | "sorted" | "tuple"), args=[inner]):
                yield from self.literals(inner, None, below)
            case ast.ListComp(generators=[ast.comprehension(iter=inner)]):
                yield from self.literals(inner, None, below)
            case _:
                return

    def entries(self, name: str, key: str, depth: int) -> Iterator[_Literal]:
        """Yield the strings of `name[key]` where `name` is a literal dictionary."""
        for one in self.bindings.values.get(name, ()):
            if isinstance(one, ast.Dict):
                for word, inner in zip(one.keys, one.values, strict=True):
                    if isinstance(word, ast.Constant) and word.value == key:
                        yield from self.literals(inner, None, depth)
        for one in self.bindings.values.get(f"{name}[{key}]", ()):
            yield from self.literals(one, None, depth)

    def files(self, value: ast.AST, seen: set[str], depth: int) -> Iterator[str]:
        """Yield the names of requirements files that an expression is read from, through names and local functions."""
        if depth > _DEEPEST:
            return
        for node in ast.walk(value):
            match node:
                case ast.Constant(value=str() as words) if _FILE.fullmatch(words):
                    yield words
                case ast.Name(id=name) if name not in seen:
                    seen.add(name)
                    for one in (*self.bindings.values.get(name, ()), *self.bindings.files.get(name, ())):
                        yield from self.files(one, seen, depth + 1)
                    if name in self.bindings.functions:
                        yield from self.files(self.bindings.functions[name], seen, depth + 1)
                case _:
                    pass
