"""Syntax that only a newer Python reads: found, named with its version, and written in the older way.

Each lowering turns one construct into its older equal. A file that compiles once they are made is not broken: it is
valid for the newest version among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.fstrings import masked, older_strings
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.module_head import with_declarations

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lowered:
    """An older spelling of a text: the text, the version the original needs, and what was rewritten.

    Where `faithful` is false the text only proves that the original is valid for `needs`; it does not do the same.
    """

    text: str
    needs: Version
    constructs: tuple[str, ...]
    faithful: bool = True


@dataclass(slots=True)
class _Work:
    """A text on the way: what it needs at its head so far, and what was rewritten."""

    text: str
    mask: str
    needs: Version = (0, 0)
    constructs: list[str] = field(default_factory=list)
    typing_names: list[str] = field(default_factory=list)
    rows: dict[str, str] = field(default_factory=dict)
    faithful: bool = True

    def note(self, needs: Version, construct: str) -> None:
        self.needs = max(self.needs, needs)
        if construct not in self.constructs:
            self.constructs.append(construct)

    def splice(self, start: int, end: int, replacement: str) -> None:
        """Change text and mask alike; new words count as code, new strings are looked at by nobody."""
        self.text = self.text[:start] + replacement + self.text[end:]
        self.mask = self.mask[:start] + replacement + self.mask[end:]


_GENERIC = re.compile(r"^([ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)[ \t]*)\[", re.M)
_TYPE_ALIAS = re.compile(r"^([ \t]*)type[ \t]+(\w+)[ \t]*(?=[=\[])", re.M)
_EXCEPT = re.compile(r"^([ \t]*except\*?[ \t]+)([\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)[ \t]*:", re.M)
_OLD_STYLE_EXCEPT = re.compile(r"[\w.]+[ \t]*,[ \t]*[a-z_]\w*$")
_FORMATTED = re.compile(r"\b[rR]?[fFtT][rR]?[\"']")
_MAKERS = ("TypeVar", "TypeVarTuple", "ParamSpec")
_BINDING = r"^(?:class\s+{0}\b|(?:from\s+[\w.]+\s+)?import\b[^\n]*\b{0}\b|[ \t]+{0}\b,?[ \t]*$)"


def lower(text: str, fault: SyntaxFault) -> Lowered | None:
    """Return the older spelling of a text that only a newer Python can read; None when that is not what ails it.

    `fault` is what the compiler says of the text. Compiles at most once, and only when there is something to rewrite.
    """
    if fault.type in ("IndentationError", "TabError") or not any(sign.search(text) for sign in _SIGNS):
        return None
    strings = older_strings(text)
    if strings is None or (strings.templates and "templatelib" not in text):
        return None
    if not (strings.constructs or strings.templates or any(sign.search(text) for sign in _SIGNS_OF_CODE)):
        return None
    mask = masked(strings.text)
    if mask is None:
        return None
    work = _Work(strings.text, mask, faithful=strings.faithful)
    for construct in strings.constructs:
        work.note((3, 12), construct)
    if strings.templates:
        work.note((3, 14), "template strings")
    for attempt in _ATTEMPTS:
        if not attempt(work):
            return None
    if not work.constructs:
        return None
    rows = [*(f"{name} = {literal}" for name, literal in strings.constants.items()), *work.rows.values()]
    changed = with_declarations(work.text, work.mask, work.typing_names, rows)
    if compile_fault(changed) is not None:
        return None
    return Lowered(changed, work.needs, tuple(work.constructs), work.faithful)


def _generics(work: _Work) -> bool:
    """PEP 695: `def f[T](...)` and `class C[T]:` become type variables of the module."""
    declared: list[list[str]] = []
    for match in reversed(list(_GENERIC.finditer(work.mask))):
        close = _matching(work.mask, match.end() - 1)
        if close is None:
            return False
        parameters = _split(work, match.end(), close)
        is_class = match[1].split()[0] == "class"
        if is_class and _is_mistaken_bracket(work.mask, match.end(), close):
            return False
        if is_class:
            _give_base(work, close + 1, ", ".join(_name_of(p).replace("**", "") for p in parameters))
        work.splice(match.end(1), close + 1, "")
        declared.append(parameters)
        work.note((3, 12), "type parameters")
    _declare(work, (parameter for parameters in reversed(declared) for parameter in parameters))
    return True


def _is_mistaken_bracket(mask: str, start: int, end: int) -> bool:
    """`class Orders[Base]:` with a `Base` that the file imports or defines was meant to be `class Orders(Base):`."""
    names = mask[start:end].split(",")
    return mask[end + 1 :].lstrip(" \t").startswith(":") and all(
        re.fullmatch(r"\s*\w+\s*", name) and re.search(_BINDING.format(name.strip()), mask, re.M) for name in names
    )


def _give_base(work: _Work, position: int, names: str) -> None:
    """Add `Generic[names]` to the bases of the class whose head goes on at `position`."""
    bases = re.compile(r"[ \t]*\(").match(work.mask, position)
    close = _matching(work.mask, bases.end() - 1) if bases else None
    if bases is None or close is None:
        work.typing_names.append("Generic")
        work.splice(position, position, f"(Generic[{names}])")
        return
    arguments = _split(work, bases.end(), close)
    if "Protocol" in arguments:
        arguments[arguments.index("Protocol")] = f"Protocol[{names}]"
    else:
        work.typing_names.append("Generic")
        keywords = (i for i, a in enumerate(arguments) if re.match(r"\w+\s*=(?!=)|\*", a))
        arguments.insert(next(keywords, len(arguments)), f"Generic[{names}]")
    work.splice(bases.end(), close, ", ".join(arguments))


def _declare(work: _Work, parameters: Iterable[str]) -> None:
    """Note the type variables that the module does not have yet, and what makes them."""
    for parameter in parameters:
        head, _, default = _cut(parameter, "=")
        name, _, bound = _cut(head, ":")
        stars = len(name) - len(name.lstrip("*"))
        name, maker = name.lstrip("*").strip(), _MAKERS[stars]
        if default:
            work.faithful = False
            work.note((3, 13), "defaults of type parameters")
        if re.search(rf"^{name}\s*=\s*(?:typing\.)?(?:{'|'.join(_MAKERS)})\(", work.mask, re.M):
            continue
        row = f'{name} = {maker}("{name}"{_limits(" ".join(bound.split()))})'
        taken = work.rows.setdefault(name, row) != row
        if taken or re.search(rf"^(?:(?:class|def)\s+{name}\b|{name}\s*[:=][^=]|import\s+{name}$)", work.mask, re.M):
            work.faithful = False
        work.typing_names.append(maker)


def _limits(bound: str) -> str:
    """The arguments of a type variable for its bound or constraints, as text: they may be defined further below."""
    if not bound:
        return ""
    if bound.startswith("(") and bound.endswith(")"):
        return "".join(f", {part if part in _PLAIN else _quoted(part)}" for part in _parts(bound[1:-1]))
    return f", bound={bound if bound in _PLAIN else _quoted(bound)}"


_PLAIN = frozenset({"int", "float", "complex", "str", "bytes", "bool", "list", "dict", "set", "tuple", "object"})


def _quoted(expression: str) -> str:
    if re.fullmatch(r"\"[^\"]*\"|'[^']*'", expression):
        return expression
    return f'"{expression}"' if '"' not in expression else repr(expression)


def _type_aliases(work: _Work) -> bool:
    """PEP 695: `type X = ...` becomes an annotated assignment."""
    declared: list[list[str]] = []
    for match in reversed(list(_TYPE_ALIAS.finditer(work.mask))):
        position, parameters = match.end(), list[str]()
        if work.mask[position] == "[":
            close = _matching(work.mask, position)
            if close is None:
                return False
            parameters = _split(work, position + 1, close)
            position = close + 1
        equals = re.compile(r"[ \t]*=(?!=)[ \t]*").match(work.mask, position)
        if equals is None:
            return False
        end = _statement_end(work.mask, equals.end())
        value = work.text[equals.end() : end]
        if _is_ahead(work.mask, match[2], equals.end(), end):
            value = _quoted(" ".join(value.split()))
        work.splice(match.start(), end, f"{match[1]}{match[2]}: TypeAlias = {value}")
        work.typing_names.append("TypeAlias")
        declared.append(parameters)
        work.note((3, 12), "type statement")
    _declare(work, (parameter for parameters in reversed(declared) for parameter in parameters))
    return True


def _is_ahead(mask: str, name: str, start: int, end: int) -> bool:
    """Whether a value speaks of itself or of what is only defined below: a `type` statement is evaluated late."""
    words = set(re.findall(r"(?<![.\w])[^\W\d]\w*", mask[start:end]))
    below = re.findall(r"^[ \t]*(?:class|type)[ \t]+(\w+)|^(\w+)[ \t]*[:=]", mask[end:], re.M)
    return name in words or bool(words & {one or other for one, other in below})


def _except_lists(work: _Work) -> bool:
    """PEP 758: `except A, B:` gets its brackets back. `except A, error:` is Python 2 and not touched."""
    for match in reversed(list(_EXCEPT.finditer(work.mask))):
        if not _OLD_STYLE_EXCEPT.match(match[2]):
            work.splice(match.start(2), match.end(2), f"({match[2]})")
            work.note((3, 14), "except without brackets")
    return True


def _statement_end(mask: str, position: int) -> int:
    depth = 0
    while position < len(mask):
        char = mask[position]
        depth += (char in "([{") - (char in ")]}")
        if depth <= 0 and char in "\n;" and mask[position - 1] != "\\":
            break
        position += 1
    return position - (len(mask[:position]) - len(mask[:position].rstrip(" \t")))


def _matching(mask: str, opener: int) -> int | None:
    """Return where the bracket at `opener` is closed."""
    depth = 0
    for match in re.compile(r"[()\[\]{}]").finditer(mask, opener):
        depth += 1 if match[0] in "([{" else -1
        if depth == 0:
            return match.start()
    return None


def _split(work: _Work, start: int, end: int) -> list[str]:
    """Return the parts of the text between the commas that stand outside of brackets and strings."""
    mask = work.mask[start:end]
    cuts = [-1, *_outside(mask, ","), len(mask)]
    parts = [work.text[start + a + 1 : start + b].strip() for a, b in pairwise(cuts)]
    return [part for part in parts if part]


def _parts(text: str) -> list[str]:
    cuts = [-1, *_outside(text, ","), len(text)]
    return [part for a, b in pairwise(cuts) if (part := text[a + 1 : b].strip())]


def _cut(text: str, mark: str) -> tuple[str, str, str]:
    at = next(iter(_outside(text, mark)), None)
    return (text, "", "") if at is None else (text[:at].strip(), mark, text[at + 1 :].strip())


def _outside(text: str, mark: str) -> list[int]:
    """Return where a character stands outside of brackets."""
    found: list[int] = []
    depth = 0
    for position, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == mark and depth == 0:
            found.append(position)
    return found


def _name_of(parameter: str) -> str:
    return re.split(r"[:=]", parameter, maxsplit=1)[0].strip()


_SIGNS_OF_CODE = (_GENERIC, _TYPE_ALIAS, _EXCEPT)
_SIGNS = (*_SIGNS_OF_CODE, _FORMATTED)
_ATTEMPTS: tuple[Callable[[_Work], bool], ...] = (_generics, _type_aliases, _except_lists)
