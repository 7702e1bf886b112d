"""What one Python file says about calls, as values: the callables it defines and the calls it makes.

Nothing here knows any other file. What a name means is written down as an `Expression`, a short text that
`project.calls` works out once it sees all files.
"""

from __future__ import annotations

from enum import Enum
from typing import NewType

from sophia_cli.core.values import dataclass

Expression = NewType("Expression", str)
"""What an object is, as far as the text tells: a root and steps from it.

Roots: `name` (of the module's own level), `<..a.b>` (a module, dots as in an import), `&3` (`functions[3]`), `$3`
(`classes[3]`), `@3` (an instance of that class: `self`), `^3` (`super()` in a method of it), `:3` (any of `locals[3]`),
`?` (nobody knows). Steps: `.name` (attribute), `()` (what a call gives), `!` (an instance of it: an annotation),
`~` (what `await` gives), `%` (what `with` binds), `[]` (a class for these parameters, or an item).
"""

UNKNOWN = Expression("?")


class Relay(Enum):
    """What a function does when it is used as a decorator, as far as its text tells.

    SAME: it gives back the function it gets. WRAPS: it gives back a wrapper that takes anything and passes it on as it
    is. The `MAKES_` forms are called first, and what they give back is the decorator; EITHER works with and without.
    """

    NONE = "none"
    SAME = "same"
    WRAPS = "wraps"
    MAKES_SAME = "makes-same"
    MAKES_WRAPS = "makes-wraps"
    EITHER = "either"


class FieldKind(Enum):
    """How an annotated name in a class body counts: a value, one of the class alone, one for the constructor alone, the
    mark `_: KW_ONLY`, a value that may be None or anything, or one that is `Annotated`."""

    VALUE = "value"
    CLASS = "class"
    INIT = "init"
    KEYWORD_MARK = "keyword-mark"
    OPTIONAL = "optional"
    DESCRIBED = "described"


@dataclass(frozen=True, slots=True)
class Made:
    """A decorator, or the call that makes a field.

    `options` are a keyword, `=` and its literal (`init=False`), or the keyword alone where the value is something
    else; `*` stands for a positional argument (`...` for that very one), `**` for options that cannot be read.
    `is_called` is false for a decorator without parentheses.
    """

    callee: Expression
    options: tuple[str, ...] = ()
    is_called: bool = True

    def has(self, option: str) -> bool:
        """Whether the option is given, with whatever value."""
        start = option + "="
        return any(given == option or given.startswith(start) for given in self.options)

    def says(self, option: str, literal: str) -> bool:
        """Whether the option is given this literal."""
        return f"{option}={literal}" in self.options


@dataclass(frozen=True, slots=True)
class Field:
    """A name in a class body that may become an argument of the constructor: annotated, or assigned a call.

    `default` tells that a value is assigned; `maker` is the call that gives it (`field(...)`), None for a plain value.
    """

    name: str
    kind: FieldKind
    is_annotated: bool
    has_default: bool
    maker: Made | None


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method.

    `parameters` are written as in a `def`, without annotations, and with nothing behind `=`: `a,b=,/,*,c=,**rest`.
    `decorators` stand in the order of the text. `returns` is what a call gives (of a coroutine: what awaiting it
    gives), empty where nobody knows.
    """

    name: str
    parameters: str
    decorators: tuple[Made, ...] = ()
    returns: tuple[Expression, ...] = ()
    is_async: bool = False
    is_generator: bool = False
    relay: Relay = Relay.NONE


@dataclass(frozen=True, slots=True)
class Name:
    """A name and all that is bound to it, `?` among it where something is that nobody can read from the text."""

    name: str
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Class:
    """A class. `members` are bound in its body; `attributes` are set on instances or declared by annotations."""

    name: str
    bases: tuple[Expression, ...] = ()
    metaclass: Expression | None = None
    decorators: tuple[Made, ...] = ()
    fields: tuple[Field, ...] = ()
    members: tuple[Name, ...] = ()
    attributes: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of a call and where it stands: line and column from 1, in characters."""

    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call. `line` and `column` are where the callee begins; `written` is the callee as written (`self.store.get`).

    With `has_star` or `has_double_star` more is passed than the text shows. `positional` does not count `*` arguments.
    """

    callee: Expression
    written: str
    line: int
    column: int
    positional: int
    keywords: tuple[Keyword, ...]
    has_star: bool = False
    has_double_star: bool = False


@dataclass(frozen=True, slots=True)
class CallSurface:
    """The callables that a file defines and the calls that it makes of what may be defined in the project.

    `names` are those of the module's own level. `locals` are alternatives of one name within a function. `stars` are
    modules (as in `<..a.b>`, without the brackets) that it imports everything from. `replaced` are names of attributes
    that the file sets on objects other than `self`. Calls that are meant to fail (within `pytest.raises`, in a `try`
    that catches TypeError) are left out.
    """

    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    names: tuple[Name, ...] = ()
    locals: tuple[tuple[Expression, ...], ...] = ()
    stars: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
