"""A literal `__all__`, gathered from the statements that build it."""

from __future__ import annotations

import ast

from sophia_cli.core.values import dataclass, field


@dataclass(slots=True)
class Exports:
    """What `__all__` holds so far. `names` is None when there is none, or a part of it is no literal."""

    _names: dict[str, None] = field(default_factory=dict)
    _is_known: bool = False
    _is_literal: bool = True

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names in their order, None without a literal `__all__`."""
        return tuple(self._names) if self._is_known and self._is_literal else None

    def assign(self, value: ast.expr | None) -> None:
        """Take in `__all__ = value`."""
        self._is_known = True
        self._add(value)

    def extend(self, value: ast.expr) -> None:
        """Take in `__all__ += value`."""
        self._add(value)

    def call(self, call: ast.Call) -> None:
        """Take in a call of a method of `__all__`; of other calls nothing."""
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="__all__"), attr=method), args=[value]):
                match method, value:
                    case "extend", _:
                        self._add(value)
                    case "append", ast.Constant(value=str(name)):
                        self._names[name] = None
                    case "remove", ast.Constant(value=str(name)):
                        self._names.pop(name, None)
                    case _:
                        self._is_literal = False

    def _add(self, value: ast.expr | None) -> None:
        names = _literal(value)
        if names is None:
            self._is_literal = False
        else:
            self._names.update(dict.fromkeys(names))


def _literal(value: ast.expr | None) -> list[str] | None:
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            names = [part.value for part in elements if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            return names if len(names) == len(elements) else None
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _literal(left), _literal(right)
            return None if first is None or second is None else first + second
    return None
