"""The words of the token model: every token of a scan becomes one of about a hundred classes."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Sequence

from sophia_cli.fixers.syntax.tokens import Token, TokenKind

_SOFT = ("match", "case", "type", "print", "_")
_EXITS = frozenset({"return", "raise", "continue", "break", "pass"})
_IMPORTS = frozenset({"import", "from"})
_OPERATORS = (
    *("(", ")", "[", "]", "{", "}", ",", ":", ";", ".", "=", "->", ":=", "..."),
    *("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "~", "<<", ">>"),
    *("<", ">", "<=", ">=", "==", "!="),
    *("+=", "-=", "*=", "/=", "//=", "%=", "**=", "@=", "&=", "|=", "^=", "<<=", ">>="),
)
_IN_BRACKETS = tuple(bracket + sign for bracket in "([{" for sign in (",", ":", "="))
_NEWLINES = ("NEWLINE", "NEWLINE:block", "NEWLINE:exit", "NEWLINE:import", "NEWLINE:decorator", "NEWLINE:docstring")

CLASSES: tuple[str, ...] = (
    *keyword.kwlist,
    *_OPERATORS,
    *_IN_BRACKETS,
    *_NEWLINES,
    "INDENT",
    "DEDENT",
    *("self", "cls", *_SOFT),
    *("BUILTIN", "CAPITALISED", "CONSTANT", "DUNDER", "NAME"),
    *("NUMBER", "STRING", "FSTRING", "DOCSTRING", "ERROR"),
)
_BUILTINS = frozenset(dir(builtins))
_OWN = frozenset(("self", "cls", *_SOFT))
_SPLIT = frozenset({",", ":", "="})
_CLOSERS = {")": "(", "]": "[", "}": "{"}


def name_class(name: str) -> str:
    """Return the class of an identifier: `self`, `cls` and soft keywords are themselves, others go by their look."""
    if name in _OWN:
        return name
    if name in _BUILTINS:
        return "BUILTIN"
    if name.startswith("__") and name.endswith("__"):
        return "DUNDER"
    bare = name.lstrip("_")
    if bare[:1].isupper():
        return "CONSTANT" if bare.isupper() and len(bare) > 1 else "CAPITALISED"
    return "NAME"


def classes_of(tokens: Sequence[Token], *, open_brackets: str | None = "") -> list[str]:
    """Return one class a token, comments left out.

    `,`, `:` and `=` inside a bracket carry it (`(=` is a keyword argument); a NEWLINE tells what line it ends, so that
    the indentation of the next line can be judged. A closing bracket with no opening one of its kind is an ERROR, and
    so is a NEWLINE inside brackets. `open_brackets` are those open before the first token; None stands for not known.
    """
    classes: list[str] = []
    brackets = list(open_brackets or "")
    known = open_brackets is not None
    previous = "NEWLINE"
    opening = ""  # the first word of the logical line
    add = classes.append
    for token in tokens:
        kind, text = token.kind, token.text
        if kind is TokenKind.NAME:
            found = name_class(text)
        elif kind is TokenKind.KEYWORD:
            found = text
        elif kind is TokenKind.OP:
            found = text
            if text in _SPLIT:
                if brackets:
                    found = brackets[-1] + text
            elif text in "([{":
                brackets.append(text)
            elif text in _CLOSERS:
                if brackets:
                    if brackets.pop() != _CLOSERS[text]:
                        found = "ERROR"
                elif known:
                    found = "ERROR"
        elif kind is TokenKind.COMMENT:
            continue
        elif kind is TokenKind.NEWLINE:
            found = "ERROR" if brackets else _newline_class(opening, previous)
            brackets.clear()
            known = True
            opening = ""
        elif kind is TokenKind.STRING:
            found = _string_class(text, previous)
        else:
            found = kind.value
        if not opening and kind not in (TokenKind.NEWLINE, TokenKind.INDENT, TokenKind.DEDENT):
            opening = text
        add(found)
        previous = found
    return classes


def _newline_class(opening: str, previous: str) -> str:
    if previous == ":":
        return "NEWLINE:block"
    if opening in _EXITS:
        return "NEWLINE:exit"
    if opening in _IMPORTS:
        return "NEWLINE:import"
    if opening == "@":
        return "NEWLINE:decorator"
    return "NEWLINE:docstring" if previous == "DOCSTRING" else "NEWLINE"


def _string_class(text: str, previous: str) -> str:
    if previous.startswith("NEWLINE") or previous in ("INDENT", "DEDENT"):
        return "DOCSTRING"
    return "FSTRING" if "f" in text[:2].lower().partition(text[-1])[0] else "STRING"
