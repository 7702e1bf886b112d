"""Words of a command line that stand for options with a value, and what they stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
_VARIABLE = re.compile(r"\$\{?\w+\}?")
# Where a server listens, and what only a workplace wants: both are Sophia's to say.
_PLACES = frozenset({"--host", "--port", "--bind", "-b", "--uds", "--fd", "-H", "-p"})
_FOR_WORK = frozenset({"--reload", "--debug", "--debugger", "--daemon", "-D", "--dev"})
_WITH_VALUE = frozenset({"--reload-dir", "--reload-include", "--reload-exclude"})


def option(words: Sequence[str], *names: str) -> str | None:
    """Return the value of an option, written as `--name value` or `--name=value`; None where it is not given."""
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else words[position + 1] if position + 1 < len(words) else ""
    return None


def without_places(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a server's command without where it listens and without what reloads."""
    kept: list[str] = []
    skips = False
    for word in words:
        name, equals, _ = word.partition("=")
        if skips:
            skips = False
        elif name in _PLACES or name in _WITH_VALUE:
            skips = not equals
        elif word not in _FOR_WORK:
            kept.append(word)
    return tuple(kept)


def filled_in(word: str) -> str:
    """Return a word with the defaults of its variables: `${PORT:-8000}` is `8000`."""
    return _DEFAULT.sub(r"\1", word)


def has_variable(word: str) -> bool:
    """Whether a word holds a variable of the shell, whose value is not known."""
    return _VARIABLE.search(word) is not None
