"""Asking CPython itself: what it objects to first in a text, the cheap way and the final way."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from sophia_cli.core.patterns import late_pattern
from sophia_cli.fixers.syntax.model import SyntaxFault

if TYPE_CHECKING:
    import ast


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the compiler's warnings about the code under repair to ourselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector of cycles off while trees and tokens are made: thousands of objects, none in a cycle."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def quick_fault(text: str) -> SyntaxFault | None:
    """Return the first objection of parser and scope analysis. Cheaper than `compile`, which sees a little more.

    Call inside `quiet()`.
    """
    import symtable

    try:
        symtable.symtable(text, "<repair>", "exec")
    except SyntaxError as error:
        return _fault_of(error)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxFault(1, 1, 1, 1, f"{type(error).__name__}: {error}", type(error).__name__)
    return None


def earliest_fault(text: str) -> SyntaxFault | None:
    """Return the first objection in reading order.

    CPython reads on for faults of the tokenizer (an unterminated string, a malformed number) and reports these before a
    statement further up that it could not parse either. Call inside `quiet()`.
    """
    fault = quick_fault(text)
    for _ in range(_LOOKS_UPWARDS):
        if fault is None or fault.line < 3 or not _TOKENIZER.search(fault.message):
            return fault
        text = text[: len(text) - len(text.split("\n", fault.line - 1)[-1])]
        above = quick_fault(text)
        if above is None or above.line >= fault.line - 1:
            return fault
        if "never closed" in above.message and not _is_left_open(text.split("\n"), above.line - 1):
            return fault
        if "expected 'except'" in above.message and above.line >= fault.line - 2:
            return fault
        fault = above
    return fault


def _is_left_open(lines: list[str], row: int) -> bool:
    """Whether statements begin again below a line whose bracket is not closed, no deeper than that line."""
    indent = len(lines[row]) - len(lines[row].lstrip())
    return any(
        len(line) - len(line.lstrip()) <= indent and _STATEMENT.match(line) is not None for line in lines[row + 1 :]
    )


def is_earliest(fault: SyntaxFault) -> bool:
    """Whether `earliest_fault` looks no further than `quick_fault`, wherever in a text the fault is met."""
    return fault.type in ("SyntaxError", "IndentationError", "TabError") and not _TOKENIZER.search(fault.message)


_LOOKS_UPWARDS = 4  # what stands above a fault of the tokenizer may have another one
_TOKENIZER = late_pattern(
    "unterminated|invalid decimal literal|invalid hexadecimal|invalid octal|invalid binary|invalid character"
    "|invalid non-printable|leading zeros|line continuation|does not match any outer|unmatched|does not match opening"
    "|inconsistent use of tabs"
)
# What no line of an expression begins with.
_STATEMENT = late_pattern(
    r"\s*(?:def|class|return|raise|import|while|try|with|except|finally|assert|del|pass|break|continue|global|nonlocal)\b"
)

_ABOUT_FUTURE = late_pattern("__future__ imports|future feature")
_ABOUT_SCOPES = late_pattern(
    r"^duplicate argument|nonlocal|global|import \* only|inside .* comprehension|comprehension (?:in|inner|iter)"
    r"|annotated name|__debug__"
)
_ABOUT_CODE = late_pattern(
    r"' outside |outside async function|outside of an? |inside async function|not properly in loop|default 'except:'"
    r"|keyword argument repeated|starred expressions? (?:in assignment|here)|starred assignment target"
    r"|star-unpacking|statically nested|value in async generator|makes remaining patterns|bind different names"
    r"|multiple assignments to name|attribute name repeated"
)


class Stage(IntEnum):
    """When the compiler says what it says: each stage reads the whole text, once those before it are content."""

    PARSING = 0
    FUTURE = 1
    SCOPES = 2
    CODE = 3


def stage_of(fault: SyntaxFault) -> Stage:
    """Return the stage at which the compiler objects."""
    message = fault.message
    if _ABOUT_CODE.search(message):
        return Stage.CODE
    if _ABOUT_SCOPES.search(message):
        return Stage.SCOPES
    return Stage.FUTURE if _ABOUT_FUTURE.search(message) else Stage.PARSING


def is_late(fault: SyntaxFault) -> bool:
    """Whether the compiler only says so once it has parsed the whole text, wherever the fault stands."""
    return stage_of(fault) is not Stage.PARSING


def is_of_its_line(fault: SyntaxFault) -> bool:
    """Whether the compiler says so of the place, whatever stands further down: it could not parse what is there."""
    message = fault.message
    if fault.type not in ("SyntaxError", "IndentationError") or "never closed" in message or "EOF" in message:
        return False
    return not (_TOKENIZER.search(message) or is_late(fault))


def is_of_lines_above(fault: SyntaxFault) -> bool:
    """Whether the tokenizer says so of what stands above the place, and nothing below it changes that."""
    return "unindent does not match" in fault.message or fault.message.startswith("unmatched ")


def compile_fault(text: str, path: str = "<source>") -> SyntaxFault | None:
    """Return what `compile` objects to first, None when the text compiles. Never raises, for any text."""
    try:
        with quiet():
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return _fault_of(error)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxFault(1, 1, 1, 1, f"{type(error).__name__}: {error}", type(error).__name__)
    return None


def tree_of(
    text: str, path: str = "<source>", knows: Callable[[ast.Module, str], bool] | None = None
) -> ast.Module | None:
    """Return the tree of a text that compiles, None for one that does not or that is too deep for a tree.

    `knows` may tell of a tree, with its text, that it surely compiles; that saves compiling it.
    """
    found = tree_or_fault(text, path, knows)
    return None if isinstance(found, SyntaxFault) else found


def tree_or_fault(
    text: str, path: str = "<source>", knows: Callable[[ast.Module, str], bool] | None = None
) -> ast.Module | SyntaxFault | None:
    """Return the same, or what the parser objects to; None where only a later stage does, or where it gives up."""
    with quiet(), uncollected():
        try:
            shallow = None if knows is None else _shallow_tree(text, path)
            tree: ast.Module = shallow or compile(text, path, "exec", _ONLY_TREE, dont_inherit=True)
        except SyntaxError as error:
            return _fault_of(error)
        except _OBJECTIONS:
            return None
        if shallow is not None and knows is not None and knows(shallow, text):
            return shallow
        try:
            compile(tree, path, "exec", dont_inherit=True)
        except _OBJECTIONS:
            return None
    return tree


def _shallow_tree(text: str, path: str) -> ast.Module | None:
    """Return the tree of a text that is nested so little that no stage of the compiler minds, None for a deeper one."""
    limit = sys.getrecursionlimit()
    try:
        # CPython 3.11 makes trees of three levels for each level of this limit that is left.
        sys.setrecursionlimit(_SHALLOW)
        tree: ast.Module = compile(text, path, "exec", _ONLY_TREE, dont_inherit=True)
    except RecursionError:
        return None
    finally:
        sys.setrecursionlimit(limit)
    return tree


_SHALLOW = 200
_OBJECTIONS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_ONLY_TREE = 0x400
"""`ast.PyCF_ONLY_AST`, without the 7 ms that importing `ast` costs a scan that needs no tree."""


def _fault_of(error: SyntaxError) -> SyntaxFault:
    line = error.lineno or 1
    column = max(1, error.offset or 1)
    return SyntaxFault(
        line=line,
        column=column,
        end_line=max(error.end_lineno or line, line),
        end_column=max(1, error.end_offset or column),
        message=error.msg or "invalid syntax",
        type=type(error).__name__,
    )
