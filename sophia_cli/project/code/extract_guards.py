"""What stands around a statement: the tests, handlers and definitions that decide when it runs and who catches it."""

from __future__ import annotations

import ast
from enum import Enum

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass, field
from sophia_cli.project.code.facts import Guard, Scope

_MISSING = frozenset({"ImportError", "ModuleNotFoundError"})
_ALL = frozenset({"Exception", "BaseException"})
_FLAG = late_pattern(r"_?(?:HAS|HAVE|WITH)_\w+|\w+_(?:AVAILABLE|INSTALLED)|PY[23]|_?has_\w+|\w+_available")
_ASSERTING = ("raises", "assertRaises", "assert_raises")
_SYS = frozenset({"version_info", "platform", "implementation", "hexversion", "version", "maxsize"})
_PLATFORMS = late_pattern(
    r"_?(?:IS_|ON_)?(?:WINDOWS|WIN(?:32|64)?|LINUX|MACOS|MAC_?OSX?|OSX|DARWIN|POSIX|BSD|FREEBSD|OPENBSD|NETBSD|SUNOS|AIX"
    r"|CYGWIN|ANDROID|IOS|PYPY|CPYTHON|JYTHON|IRONPYTHON|EMSCRIPTEN|WASM)|_?(?:is|on)_(?:windows|linux|mac\w*|darwin|pypy)"
)
_EXITS = frozenset({"exit", "_exit", "quit", "abort"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a statement stands. `is_sure` tells that it runs whenever the module is imported, `is_fatal` that what
    catches a failing import raises again or ends the program."""

    scope: Scope = Scope.MODULE
    for_types: bool = False
    is_caught: bool = False
    is_fallback: bool = False
    is_conditional: bool = False
    is_sure: bool = True
    is_fatal: bool = False
    is_expected: bool = False

    @property
    def guard(self) -> Guard:
        """The guard that counts where several stand around: what never runs, then what is caught."""
        if self.for_types:
            return Guard.TYPE_CHECKING
        if self.is_expected:
            return Guard.EXPECTED
        if self.is_caught:
            return Guard.TRY
        if self.is_fallback:
            return Guard.FALLBACK
        return Guard.CONDITION if self.is_conditional else Guard.NONE

    def inside(
        self,
        scope: Scope | None = None,
        *,
        for_types: bool = False,
        caught: bool = False,
        fallback: bool = False,
        conditional: bool = False,
        fatal: bool = False,
        expected: bool = False,
    ) -> Surroundings:
        """Return what stands around a block inside this one, which need not run.

        Whoever calls a function does so later, out of the reach of the `try` around its definition.
        """
        stays = self.is_caught and scope is not Scope.FUNCTION
        # An inner `try` that gives up leaves the failure to the outer one.
        is_fatal = (caught or stays) and (fatal or not caught) and (self.is_fatal or not stays)
        return Surroundings(
            scope or self.scope,
            self.for_types or for_types,
            caught or stays,
            self.is_fallback or fallback,
            self.is_conditional or conditional,
            False,
            is_fatal,
            expected or (self.is_expected and scope is not Scope.FUNCTION),
        )


class Test(Enum):
    """What an `if` asks, as far as it matters to whether its body runs."""

    OTHER = "other"
    TYPES = "types"
    NOT_TYPES = "not-types"
    MAIN = "main"
    NOT_MAIN = "not-main"
    CONDITION = "condition"

    def branches(self, around: Surroundings) -> tuple[Surroundings, Surroundings]:
        """Return what stands around the two branches of an `if` that asks this."""
        plain = around.inside()
        match self:
            case Test.TYPES:
                return around.inside(for_types=True), plain
            case Test.NOT_TYPES:
                return plain, around.inside(for_types=True)
            case Test.MAIN if around.scope is Scope.MODULE:
                return around.inside(Scope.MAIN), plain
            case Test.NOT_MAIN if around.scope is Scope.MODULE:
                return plain, around.inside(Scope.MAIN)
            case Test.CONDITION:
                return (around.inside(conditional=True),) * 2
        return plain, plain


_OPPOSITE = {
    Test.TYPES: Test.NOT_TYPES,
    Test.NOT_TYPES: Test.TYPES,
    Test.MAIN: Test.NOT_MAIN,
    Test.NOT_MAIN: Test.MAIN,
}


@dataclass(slots=True)
class GuardNames:
    """Names of one file that tests are made of: those that stand for `TYPE_CHECKING`, and flags that a `try` around
    an import sets."""

    types: set[str] = field(default_factory=lambda: {"TYPE_CHECKING", "MYPY"})
    flags: set[str] = field(default_factory=set)

    def test(self, test: ast.expr) -> Test:
        """Return what a test asks."""
        match test:
            case ast.Name(id=name) if name in self.types:
                return Test.TYPES
            case ast.Attribute(attr="TYPE_CHECKING"):
                return Test.TYPES
            case ast.Constant(value=value):
                return Test.NOT_TYPES if value else Test.TYPES
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                found = self.test(operand)
                return _OPPOSITE.get(found, found)
            case ast.BoolOp(op=operator, values=values):
                return _joined([self.test(value) for value in values], isinstance(operator, ast.And))
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if _is_main(left, right):
                return Test.NOT_MAIN if isinstance(operator, ast.NotEq) else Test.MAIN
        return Test.CONDITION if any(self._is_condition(node) for node in ast.walk(test)) else Test.OTHER

    def _is_condition(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self.flags or name == "find_spec" or _is_flag(name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner.strip("_") in ("sys", "os", "platform"):
                return owner.strip("_") == "platform" or (name in _SYS if "sys" in owner else name == "name")
            case ast.Attribute(attr=name):
                return name == "find_spec" or _is_flag(name)
        return False


def _is_flag(name: str) -> bool:
    return _FLAG.fullmatch(name) is not None or _PLATFORMS.fullmatch(name) is not None


def _joined(parts: list[Test], is_and: bool) -> Test:
    if is_and:
        for wanted in (Test.TYPES, Test.MAIN, Test.CONDITION):
            if wanted in parts:
                return wanted
        return Test.OTHER
    if all(part is parts[0] for part in parts):
        return parts[0]
    return Test.CONDITION if Test.CONDITION in parts else Test.OTHER


def _is_main(left: ast.expr, right: ast.expr) -> bool:
    match (left, right):
        case (ast.Name(id="__name__"), ast.Constant(value="__main__")):
            return True
        case (ast.Constant(value="__main__"), ast.Name(id="__name__")):
            return True
    return False


class Catch(Enum):
    """What a handler does about an import that fails."""

    NOTHING = "nothing"
    MISSING = "missing"
    ANYTHING = "anything"


def catch_of(caught: ast.expr | None) -> Catch:
    """Return whether a handler for `caught` (None: a bare `except`) meets failing imports, by name or with all else."""
    if caught is None:
        return Catch.ANYTHING
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    names = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}
    if names & _MISSING:
        return Catch.MISSING
    return Catch.ANYTHING if names & _ALL else Catch.NOTHING


def gives_up(body: list[ast.stmt]) -> bool:
    """Whether a handler ends by raising or leaving the program, so that it provides for nothing."""
    match body[-1]:
        case ast.Raise():
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name in _EXITS
    return False


def is_suppressed(items: list[ast.withitem]) -> bool:
    """Whether a `with` swallows failing imports: `contextlib.suppress(ImportError)`."""
    return any(
        _called(item) == "suppress" and any(catch_of(part) is not Catch.NOTHING for part in item.context_expr.args)
        for item in items
        if isinstance(item.context_expr, ast.Call)
    )


def is_expected(items: list[ast.withitem]) -> bool:
    """Whether a `with` asserts that an import in it fails: `pytest.raises(ImportError)`."""
    return any(
        _called(item).startswith(_ASSERTING)
        and item.context_expr.args
        and catch_of(item.context_expr.args[0]) is Catch.MISSING
        for item in items
        if isinstance(item.context_expr, ast.Call)
    )


def _called(item: ast.withitem) -> str:
    match item.context_expr:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""
