"""Regular expressions that are compiled when they are first used.

Compiling takes a quarter of a millisecond on average, and a command uses a third of those that its modules have: they
were a tenth of what a first deployment did before the first service was started.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

_NAMES = ("findall", "finditer", "flags", "fullmatch", "match", "pattern", "search", "split", "sub", "subn")


def late_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what has the methods of a compiled pattern; a text that is none raises re.error when it is first used."""
    return cast("re.Pattern[AnyStr]", _Late(text, flags))


class _Late:
    """Has nothing until somebody asks for something; from then on it costs no more than the pattern itself."""

    def __init__(self, text: Any, flags: int) -> None:  # str or bytes, as `re` takes either
        self._made_of = (text, flags)

    def __getattr__(self, name: str) -> Any:  # whatever the compiled pattern has
        if name not in _NAMES:
            raise AttributeError(name)
        compiled = re.compile(*self._made_of)
        self.__dict__.update((one, getattr(compiled, one)) for one in _NAMES)
        return getattr(compiled, name)
