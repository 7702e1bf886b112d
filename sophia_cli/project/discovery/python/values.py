"""Ports, numbers of processes, and names of applications, that the tree of a file gives to what serves."""

from __future__ import annotations

import ast

from sophia_cli.core.values import dataclass

_HIGHEST = 65535


@dataclass(frozen=True, slots=True)
class PortReader:
    """What names and options of one file stand for. `configs` are variables that hold a `uvicorn.Config`."""

    values: dict[str, ast.expr]
    options: dict[str, ast.expr]
    configs: dict[str, ast.Call]

    @classmethod
    def of(cls, tree: ast.Module) -> PortReader:
        """Return what the names of a tree stand for; of a name that is bound twice, the first."""
        values: dict[str, ast.expr] = {}
        options: dict[str, ast.expr] = {}
        configs: dict[str, ast.Call] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    name = dotted_name(target)
                    if name:
                        values.setdefault(name, node.value)
                    if name and isinstance(node.value, ast.Call) and _is_config(node.value):
                        configs.setdefault(name, node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                _defaults(node.args, values)
            elif isinstance(node, ast.Call) and node.args and _called(node) in ("add_argument", "option", "Option"):
                _option(node, options)
        return cls(values, options, configs)

    def port_of(self, call: ast.Call, position: int | None = None) -> int | None:
        """Return the port that a call serves on, None where it cannot be told from this file.

        `position` is the place of the port among the arguments without a name.
        """
        for keyword in call.keywords:
            if keyword.arg in ("port", "server_port"):
                return self.number(keyword.value)
            if keyword.arg in ("bind", "listen") and isinstance(keyword.value, ast.Constant):
                return port_in(str(keyword.value.value))
        if (config := self._config_of(call)) is not None:
            return self.port_of(config)
        if call.args:
            first = call.args[0]
            if isinstance(first, ast.Name):
                first = self.values.get(first.id, first)
            if isinstance(first, ast.Tuple) and len(first.elts) == 2:
                return self.number(first.elts[1])
        if position is not None and position < len(call.args):
            return self.number(call.args[position])
        return None

    def workers_of(self, call: ast.Call) -> int | None:
        """Return how many processes a call asks for, 0 where it cannot be told, None where it says nothing."""
        for keyword in call.keywords:
            if keyword.arg == "workers":
                says_nothing = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
                return None if says_nothing else self.number(keyword.value) or 0
        config = self._config_of(call)
        return None if config is None else self.workers_of(config)

    def _config_of(self, call: ast.Call) -> ast.Call | None:
        """Return the `uvicorn.Config` that a call is given, None where it is given none."""
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "config"), None)
        first = call.args[0] if call.args else given
        if first is None:
            return None
        config = first if isinstance(first, ast.Call) and _is_config(first) else self.configs.get(dotted_name(first))
        return None if config is call else config

    def address(self, node: ast.expr) -> int | None:
        """Return the port of an address: a text that ends with it, or a pair of host and port."""
        match node:
            case ast.Constant(value=str() as text):
                return port_in(text)
            case ast.JoinedStr(values=[*_, ast.FormattedValue() as last]):
                return self.number(last.value)
            case ast.JoinedStr(values=[*_, ast.Constant(value=str() as text)]):
                return port_in(text)
            case ast.Tuple(elts=[_, port]):
                return self.number(port)
            case ast.Name() if node.id in self.values and not isinstance(self.values[node.id], ast.Name):
                return self.address(self.values[node.id])
        return None

    def config_target(self, call: ast.Call) -> str | None:
        """Return what the `uvicorn.Config` that a call is given serves: `module:name`, or the name of a variable."""
        config = self._config_of(call)
        if config is None:
            return None
        first = config.args[0] if config.args else next((k.value for k in config.keywords if k.arg == "app"), None)
        if isinstance(first, ast.Constant):
            return str(first.value)
        return dotted_name(first) if first is not None else None

    def number(self, node: ast.expr, depth: int = 4) -> int | None:
        """Return what an expression stands for: a number above 0, a default of the environment or of an option."""
        if depth == 0:
            return None
        match node:
            case ast.Constant(value=int() as port) if not isinstance(port, bool) and 0 < port <= _HIGHEST:
                return port
            case ast.Constant(value=str() as text) if text.isdigit() and 0 < int(text) <= _HIGHEST:
                return int(text)
            case ast.BoolOp(op=ast.Or()):
                found = [self.number(value, depth - 1) for value in node.values]
                return next((value for value in found if value is not None), None)
            case ast.IfExp():
                return self.number(node.body, depth - 1) or self.number(node.orelse, depth - 1)
            case ast.Call(args=[argument]) if dotted_name(node.func) == "int":
                return self.number(argument, depth - 1)
            case ast.Call(args=[_, default]) if _called(node) in ("get", "getenv", "environ", "int", "config", "env"):
                return self.number(default, depth - 1)
            case ast.Call() if _called(node) in ("Field", "get", "getenv", "int", "config", "env"):
                given = [k.value for k in node.keywords if k.arg == "default"]
                return self.number(given[0], depth - 1) if given else None
            case ast.Name() | ast.Attribute():
                name = dotted_name(node)
                last = node.attr if isinstance(node, ast.Attribute) else name
                value = self.values.get(name)
                if value is not None and value is not node:
                    found_value = self.number(value, depth - 1)
                    if found_value is not None:
                        return found_value
                option = self.options.get(last)
                return None if option is None else self.number(option, depth - 1)
        return None


def port_in(text: str) -> int | None:
    """Return the port at the end of an address such as `0.0.0.0:8000`."""
    tail = text.rpartition(":")[2]
    return int(tail) if tail.isdigit() and 0 < int(tail) <= _HIGHEST else None


def dotted_name(node: ast.expr) -> str:
    """Return `a.b.c` for names and attributes of names, an empty string for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else dotted_name(call.func)


def _is_config(call: ast.Call) -> bool:
    return _called(call) == "Config"


def _defaults(arguments: ast.arguments, values: dict[str, ast.expr]) -> None:
    named = [*arguments.posonlyargs, *arguments.args]
    for argument, default in zip(reversed(named), reversed(arguments.defaults), strict=False):
        values.setdefault(argument.arg, default)
    for argument, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if given is not None:
            values.setdefault(argument.arg, given)


def _option(call: ast.Call, options: dict[str, ast.expr]) -> None:
    default = next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)
    for argument in call.args:
        if default is not None and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            options.setdefault(argument.value.lstrip("-").replace("-", "_"), default)
