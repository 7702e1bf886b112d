"""Changes of `sys.path` in a tree, as far as the folder can be told without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.facts import PathEdit

_SELF = "\0"
_SAME = frozenset({"abspath", "realpath", "normpath", "fspath", "str", "Path", "PurePath", "PosixPath"})
_SAME_METHODS = frozenset({"resolve", "absolute", "as_posix", "expanduser", "__str__", "__fspath__"})
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Folder:
    """A path; `_SELF` stands for the file that is read, in its own folder."""

    parts: tuple[str, ...]
    from_file: bool

    def parent(self) -> _Folder:
        if self.parts and self.parts[-1] != "..":
            return _Folder(self.parts[:-1], self.from_file)
        return _Folder((*self.parts, ".."), self.from_file)

    def joined(self, written: str) -> _Folder | None:
        """Return the path below this one; None for an absolute one."""
        if written.startswith(("/", "~")):
            return None
        result = self
        for part in written.replace("\\", "/").split("/"):
            if part == "..":
                result = result.parent()
            elif part not in ("", "."):
                result = _Folder((*result.parts, part), result.from_file)
        return result


def path_edits(tree: ast.Module, statements: list[ast.stmt]) -> tuple[PathEdit, ...]:
    """Return the edits of `sys.path` in `statements`, which are simple statements of `tree` that may hold one."""
    names = _Names(tree)
    found: dict[tuple[tuple[str, ...], bool], PathEdit] = {}
    for statement in statements:
        for value in _added(statement):
            for folder in _folders(value, names, value.lineno, 0):
                parts = folder.parts[:-1] if folder.parts and folder.parts[-1] == _SELF else folder.parts
                if _SELF not in parts:
                    edit = PathEdit(parts, folder.from_file, statement.lineno)
                    found.setdefault((parts, folder.from_file), edit)
    return tuple(found.values())


def _added(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions that a statement puts on the path."""
    match statement:
        case ast.Assign(targets=[target], value=value) if _is_path(target):
            yield from _elements(value)
        case ast.AugAssign(target=target, value=value) if _is_path(target):
            yield from _elements(value)
        case _:
            for node in ast.walk(statement):
                match node:
                    case ast.Call(func=ast.Attribute(value=owner, attr="insert"), args=[_, value]) if _is_path(owner):
                        yield value
                    case ast.Call(func=ast.Attribute(value=owner, attr="append"), args=[value]) if _is_path(owner):
                        yield value
                    case ast.Call(func=ast.Attribute(value=owner, attr="extend"), args=[value]) if _is_path(owner):
                        yield from _elements(value)
                    case ast.Call(func=ast.Attribute(attr="addsitedir") | ast.Name(id="addsitedir"), args=[value, *_]):
                        yield value


def _is_path(node: ast.expr) -> bool:
    """Whether this is `sys.path` or a slice of it."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner), attr="path"):
            return owner.strip("_") == "sys"
        case ast.Subscript(value=value):
            return _is_path(value)
    return False


def _elements(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            yield from elements
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _elements(left)
            yield from _elements(right)


class _Names:
    """What the names of a file are bound to, anywhere in it, with lines: by assignments and loops over literal lists.

    The statements are gone through when the first name is asked for; most edits of the path need none.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._bound: dict[str, list[tuple[int, ast.expr]]] | None = None

    def of(self, name: str) -> list[tuple[int, ast.expr]]:
        """Return what a name is bound to, with lines."""
        if self._bound is None:
            self._bound = {}
            for statement in _statements(self._tree.body):
                for target, value in _bound_by(statement):
                    self._bound.setdefault(target, []).append((statement.lineno, value))
        return self._bound.get(name, [])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    pending = [*body]
    while pending:
        statement = pending.pop()
        yield statement
        for field in ("body", "orelse", "finalbody"):
            pending.extend(getattr(statement, field, ()))
        for handler in getattr(statement, "handlers", ()):
            pending.extend(handler.body)


def _bound_by(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
    elif isinstance(statement, ast.AnnAssign):
        if isinstance(statement.target, ast.Name) and statement.value is not None:
            yield statement.target.id, statement.value
    elif (
        isinstance(statement, ast.For)
        and isinstance(statement.target, ast.Name)
        and isinstance(statement.iter, ast.List | ast.Tuple)
    ):
        yield statement.target.id, statement.iter


def _folders(value: ast.expr, names: _Names, line: int, depth: int) -> list[_Folder]:
    """Return the paths that an expression may stand for; none when it cannot be told."""
    if depth > _DEEPEST:
        return []

    def inner(node: ast.expr) -> list[_Folder]:
        return _folders(node, names, line, depth + 1)

    match value:
        case ast.Constant(value=str(written)):
            return _kept([_Folder((), False).joined(written)])
        case ast.Name(id="__file__"):
            return [_Folder((_SELF,), True)]
        case ast.Name(id=name):
            known = [bound for bound in names.of(name) if bound[1] is not value]
            before = [bound for bound in known if bound[0] < line] or known
            if not before:
                return []
            at, expression = max(before, key=lambda bound: bound[0])
            return _folders(expression, names, at, depth + 1)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [folder for element in elements[:_DEEPEST] for folder in inner(element)]
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _below(inner(left), [_texts(right, names, line)])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _below(inner(left), [_after_slash(_texts(right, names, line))])
        case ast.JoinedStr(values=[ast.FormattedValue(value=first), *rest]):
            if len(rest) > 1:
                return []
            return _below(inner(first), [_after_slash(_texts(part, names, line)) for part in rest])
        case ast.Attribute(value=inside, attr="parent"):
            return [folder.parent() for folder in inner(inside)]
        case ast.Attribute(attr="curdir"):
            return [_Folder((), False)]
        case ast.Attribute(attr="pardir"):
            return [_Folder(("..",), False)]
        case ast.Subscript(value=ast.Attribute(value=inside, attr="parents"), slice=ast.Constant(value=int(number))):
            return [_climbed(folder, number + 1) for folder in inner(inside)] if 0 <= number < _DEEPEST else []
        case ast.Subscript(
            value=ast.Call(func=ast.Attribute(attr="split"), args=[inside]), slice=ast.Constant(value=0)
        ):
            return [folder.parent() for folder in inner(inside)]
        case ast.Subscript(value=ast.Attribute(attr="path"), slice=ast.Constant(value=0)):
            return [_Folder((), True)]
        case ast.Call():
            return _called(value, names, line, depth)
    return []


def _called(call: ast.Call, names: _Names, line: int, depth: int) -> list[_Folder]:
    function, arguments = call.func, call.args
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in ("getcwd", "cwd"):
        return [_Folder((), False)]
    if name in ("getfile", "getsourcefile"):
        return [_Folder((_SELF,), True)]
    if name in _SAME and not arguments:
        return [_Folder((), False)]
    if name in ("dirname", *_SAME, "join", "joinpath") and arguments:
        first = arguments[0]
        below = arguments[1:]
        if name == "joinpath" and isinstance(function, ast.Attribute):
            first, below = function.value, arguments
        folders = _folders(first, names, line, depth + 1)
        if name == "dirname":
            return [folder.parent() for folder in folders]
        if not folders and below and isinstance(first, ast.Call):
            # What `root()` answers is not known; what lies below it is, and the project tells where that is.
            folders = [_Folder((), False)]
        return _below(folders, [_texts(argument, names, line) for argument in below])
    if name in _SAME_METHODS and isinstance(function, ast.Attribute):
        return _folders(function.value, names, line, depth + 1)
    return []


def _texts(node: ast.expr, names: _Names, line: int) -> list[str]:
    """Return the texts that an expression may stand for; none when it cannot be told."""
    match node:
        case ast.Constant(value=str(written)):
            return [written]
        case ast.Attribute(attr="pardir"):
            return [".."]
        case ast.Attribute(attr="curdir"):
            return ["."]
        case ast.Name(id=name):
            for at, expression in names.of(name):
                elements = expression.elts if isinstance(expression, ast.List | ast.Tuple) else [expression]
                texts = [part.value for part in elements if isinstance(part, ast.Constant)]
                if at < line and texts:
                    return [text for text in texts if isinstance(text, str)]
    return []


def _after_slash(written: list[str]) -> list[str]:
    """Return what texts add to a path that they are put behind; only behind a slash they begin a part of their own."""
    return [text[1:] for text in written if text.startswith("/")]


def _below(folders: list[_Folder], parts: list[list[str]]) -> list[_Folder]:
    for part in parts:
        folders = _kept([folder.joined(text) for folder in folders for text in part[:_DEEPEST]][:_DEEPEST])
    return folders


def _kept(folders: list[_Folder | None]) -> list[_Folder]:
    return [folder for folder in folders if folder is not None]


def _climbed(folder: _Folder, steps: int) -> _Folder:
    for _ in range(steps):
        folder = folder.parent()
    return folder
