"""Names and modules that a program reaches by strings: loading calls, and writes to a module's own names."""

from __future__ import annotations

import ast
import re

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass

_LOADERS = frozenset({"import_module", "__import__", "importorskip"})
_DOTTED = late_pattern(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_PREFIX = late_pattern(r"(\.*(?:[^\W\d]\w*\.)*)")
_ALIAS = late_pattern(
    r"^[ \t]*(\w+)\s*(?::[^=\n]*)?=\s*(?:(?:\w+\.)?modules\[__name__\]|globals\(\))[ \t]*(?:#.*)?$", re.MULTILINE
)
_GROWING = late_pattern(r"^[ \t]+__all__\.append\(\s*\w", re.MULTILINE)
_OWN = frozenset({"globals", "vars", "locals"})
_READERS = frozenset(
    {"eval", "getattr", "hasattr", "getmembers", "get_type_hints", "isinstance", "len", "print", "repr"}
)
_WRITERS = frozenset({"update", "setdefault", "__setitem__", "pop", "clear"})


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A module that a call loads. `literal` is the text that names it; None where only the beginning of the name is
    known, which then ends in `.*`."""

    module: str
    level: int
    literal: ast.Constant | None
    may_skip: bool = False


def loaded_module(call: ast.Call) -> LoadedModule | None:
    """Return the module that `import_module`, `__import__` or `pytest.importorskip` loads, None for other calls and
    names that cannot be read."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in _LOADERS or not call.args or len(call.args) > 4 or any(k.arg == "level" for k in call.keywords):
        return None
    match call.args[0]:
        case ast.Constant(value=str(written)) as literal:
            module = written.lstrip(".")
            if not _DOTTED.fullmatch(module):
                return None
            level = len(written) - len(module)
            if not level:
                return LoadedModule(module, 0, literal, name == "importorskip")
            return _relative(call, module, level, literal) if name == "import_module" else None
        case computed:
            begin = _beginning(computed)
            if begin:
                return LoadedModule(begin.lstrip(".") + "*", len(begin) - len(begin.lstrip(".")), None)
    return None


def _relative(call: ast.Call, module: str, level: int, literal: ast.Constant) -> LoadedModule | None:
    packages = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "package")]
    match packages:
        case [ast.Constant(value=str(package))] if _DOTTED.fullmatch(package):
            parts = package.split(".")
            kept = parts[: len(parts) - level + 1]
            return LoadedModule(".".join([*kept, module]), 0, literal) if kept else None
        case [ast.Name(id="__package__" | "__name__")]:
            return LoadedModule(module, level, literal)
    return None


def _beginning(computed: ast.expr) -> str:
    """Return the packages that a name built at run time is sure to begin with, with a dot at the end; else nothing.

    A name that begins with the module's own becomes a relative one.
    """
    match computed:
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            pass
        case ast.JoinedStr(
            values=[
                ast.FormattedValue(value=ast.Name(id="__name__" | "__package__")),
                ast.Constant(value=str(text)),
                *_,
            ]
        ):
            pass
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add() | ast.Mod()):
            text = text.partition("%")[0]
        case ast.BinOp(
            left=ast.BinOp(left=ast.Name(id="__name__" | "__package__"), right=ast.Constant(value=str(text)))
        ):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            text = text.partition("{")[0]
        case _:
            return ""
    found = _PREFIX.match(text)
    return found.group() if found else ""


def writes_names(statement: ast.stmt, is_module_level: bool) -> bool:
    """Whether a simple statement may give the module names that the text does not show."""
    for target in _targets(statement):
        match target:
            case ast.Subscript(value=ast.Call(func=ast.Name(id=name))) if _is_own(name, is_module_level):
                return not isinstance(target.slice, ast.Constant)
            case ast.Attribute(value=owner, attr="__class__" | "__getattr__" | "__dict__"):
                if _is_this_module(owner):
                    return True
        if _is_this_module(target):
            return True
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and getattr(value.func, "id", "") == "globals":
        return is_module_level
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(_call_writes(call, is_module_level) for call in calls)


def writes_through_alias(text: str) -> bool:
    """Whether a text may give the module names through a variable for itself: `this = sys.modules[__name__]`.

    A variable for `globals()` counts too. What only reads through it does not.
    """
    if "modules[__name__]" not in text and "= globals()" not in text:
        return False
    aliases = "|".join({re.escape(name) for name in _ALIAS.findall(text)})
    written = (
        rf"\bsetattr\(\s*({aliases})\s*,|\b({aliases})(?:\.__dict__)?(?:\[[^\]\n]+\]\s*=[^=]|\.update\(|\.setdefault\()"
    )
    return bool(aliases) and re.search(written, text) is not None


def grows_unseen(text: str) -> bool:
    """Whether a function of a text adds to `__all__` what it sets on the module by `setattr`, under names of others."""
    return "__all__.append(" in text and "setattr(" in text and _GROWING.search(text) is not None


def finds_modules(text: str) -> bool:
    """Whether a text puts an importer of its own on `sys.meta_path`, as a rule for modules below itself."""
    return "meta_path" in text and ("def find_spec" in text or "def find_module" in text)


def written_name(statement: ast.stmt, is_module_level: bool) -> str | None:
    """Return the name that `globals()["name"] = ...` binds, None for other statements."""
    for target in _targets(statement):
        match target:
            case ast.Subscript(value=ast.Call(func=ast.Name(id=owner)), slice=ast.Constant(value=str(name))):
                if _is_own(owner, is_module_level):
                    return name
    return None


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AugAssign | ast.AnnAssign) else []


def _is_own(name: str, is_module_level: bool) -> bool:
    return name == "globals" or (is_module_level and name in _OWN)


def _is_this_module(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")):
            return True
    return False


def _call_writes(call: ast.Call, is_module_level: bool) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id=name), args=[]), attr=method) if method in _WRITERS:
            return _is_own(name, is_module_level)
        case ast.Attribute(value=ast.Attribute(value=owner, attr="__dict__")) if _is_this_module(owner):
            return True
        case ast.Name(id="exec"):
            return is_module_level or any(_is_globals(argument) for argument in call.args)
        case ast.Name(id="setattr") if call.args and _is_this_module(call.args[0]):
            return True
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _READERS:
        return False
    given = call.args
    if is_module_level and name.endswith("_module") and name not in _LOADERS and _is_own_name(given):
        # `recreate_module(__name__, ...)` and the like put another object in the module's place.
        return True
    return is_module_level and any(_is_globals(argument) or _is_this_module(argument) for argument in given)


def _is_own_name(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Name) and arguments[0].id == "__name__"


def _is_globals(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="globals"), args=[]):
            return True
    return False
