"""Finds the error references that the code raises, by reading its source: what docs/errors.md is made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sophia_cli.core import errors
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import dataclass

_KEBAB = re.compile(r"[a-z]+(?:-[a-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class ErrorReference:
    """One reference: the exit codes it is raised with, and its messages (`...` for what is filled in)."""

    name: str
    exit_codes: tuple[int, ...]
    messages: tuple[str, ...]


def error_references(package: Path) -> tuple[ErrorReference, ...]:
    """Return every reference that the sources below `package` raise, ordered by name."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(package.rglob("*.py"))]
    codes = _exit_codes(trees)
    found: dict[str, tuple[set[int], set[str]]] = {}
    for tree in trees:
        for name, code, message in _raised(tree, codes):
            exit_codes, messages = found.setdefault(name, (set(), set()))
            exit_codes.add(code)
            if message:
                messages.add(message)
    return tuple(ErrorReference(name, tuple(sorted(c)), tuple(sorted(m))) for name, (c, m) in sorted(found.items()))


def _exit_codes(trees: list[ast.Module]) -> Mapping[str, int]:
    """Return the exit code of every error class, those of the core and those that other modules derive."""
    codes = {
        name: int(value.exit_code)
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, SophiaError)
    }
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    # Twice, so that a class may stand before the one that it derives from.
    for node in classes * 2:
        base = next((b.id for b in node.bases if isinstance(b, ast.Name) and b.id in codes), None)
        if base is not None and node.name not in vars(errors):
            codes[node.name] = _own_code(node) or codes[base]
    return codes


def _own_code(node: ast.ClassDef) -> int | None:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="exit_code")], value=ast.Attribute(attr=name)):
                return int(ExitCode[name])
            case ast.AnnAssign(target=ast.Name(id="exit_code"), value=ast.Attribute(attr=name)):
                return int(ExitCode[name])
    return None


def _raised(tree: ast.Module, codes: Mapping[str, int]) -> Iterator[tuple[str, int, str]]:
    owners = {
        id(inner): node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in codes
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if name in codes:
                code, literals = codes[name], node.args
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__") if id(node) in owners:
                code, literals = codes[owners[id(node)]], node.args
            case ast.Attribute(attr="mistake"):
                # Table.mistake(place, message, reference, hint)
                code, literals = int(ExitCode.USAGE), [node.args[2], node.args[1]] if len(node.args) > 2 else []
            case _:
                continue
        match literals:
            case [ast.Constant(value=str(reference)), *rest] if _KEBAB.match(reference):
                for one in _overrides(node) or (code,):
                    yield reference, one, _text(rest[0]) if rest else ""


def _overrides(call: ast.Call) -> tuple[int, ...]:
    """Return the exit codes that a call names, several where a condition chooses."""
    names: list[str] = []
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="exit_code", value=ast.Attribute(attr=name)):
                names.append(name)
            case ast.keyword(
                arg="exit_code", value=ast.IfExp(body=ast.Attribute(attr=one), orelse=ast.Attribute(attr=other))
            ):
                names += [one, other]
    return tuple(int(ExitCode[name]) for name in names if name in ExitCode.__members__)


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "..." for part in values]
            return re.sub(r"\.{4,}", "...", "".join(parts))
    return ""
