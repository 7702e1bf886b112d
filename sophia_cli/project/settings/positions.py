"""Where the keys and values of a TOML text stand; `tomllib` tells no positions. Needed only to report a mistake."""

from __future__ import annotations

import re

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass, field

Path = tuple[str | int, ...]

_BARE = late_pattern(r"[A-Za-z0-9_-]+")
_BASIC = late_pattern(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = late_pattern(r"'[^'\n]*'")
_LONG = late_pattern(r'"""(?:[^\\]|\\.)*?"""+|' + r"'''.*?'''+", re.DOTALL)
_SPACE = late_pattern(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = late_pattern(r"[^,\]}\n#]*")
_ESCAPE = late_pattern(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class _Scan:
    """A walk over text that is known to be valid TOML; on anything unexpected it stops with what it has."""

    text: str
    at: int = 0
    keys: dict[Path, int] = field(default_factory=dict)
    values: dict[Path, int] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)

    def document(self) -> None:
        table: Path = ()
        while True:
            self.space()
            if self.at >= len(self.text):
                return
            before = self.at
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            if self.at == before:
                return

    def header(self) -> Path:
        is_list = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if is_list else 1
        names = self.dotted()
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            self.keys.setdefault(path, start)
            is_last = position == len(names) - 1
            if is_last and is_list:
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.keys.setdefault(path, start)
        self.values.setdefault(path, start)
        closing = self.text.find("]", self.at)
        self.at = len(self.text) if closing < 0 else closing + (2 if is_list else 1)
        return path

    def pair(self, table: Path) -> None:
        start = self.at
        path = table
        for name in self.dotted():
            path = (*path, name)
            self.keys.setdefault(path, start)
        self.space()
        if self.text.startswith("=", self.at):
            self.at += 1
            self.space()
            self.value(path)

    def dotted(self) -> list[str]:
        names: list[str] = []
        while True:
            self.space()
            match = next(filter(None, (form.match(self.text, self.at) for form in (_BARE, _BASIC, _LITERAL))), None)
            if match is None:
                return names
            names.append(_unquoted(match.group()) if match.group()[0] in "\"'" else match.group())
            self.at = match.end()
            self.space()
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def value(self, path: Path) -> None:
        self.values.setdefault(path, self.at)
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self.items(path, "]", is_table=False)
        elif opening == "{":
            self.items(path, "}", is_table=True)
        else:
            match = _LONG.match(self.text, self.at) if opening in "\"'" else None
            match = match or _BASIC.match(self.text, self.at) or _LITERAL.match(self.text, self.at)
            match = match or _SCALAR.match(self.text, self.at)
            if match:
                self.at = match.end()

    def items(self, path: Path, closing: str, *, is_table: bool) -> None:
        self.at += 1
        index = 0
        while self.at < len(self.text):
            self.space()
            if self.text.startswith(closing, self.at):
                self.at += 1
                return
            before = self.at
            if is_table:
                self.pair(path)
            else:
                self.value((*path, index))
                index += 1
            self.space()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif self.at == before:
                return

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()


@dataclass(frozen=True, slots=True)
class PositionIndex:
    """Positions of keys and values by their path: `("services", "api", "checks", 0, "status")`."""

    text: str
    keys: dict[Path, int]
    values: dict[Path, int]

    def key(self, path: Path) -> Position | None:
        """Return where a key is written, None when the text does not hold it."""
        return self._position(self.keys.get(path, self.values.get(path)))

    def value(self, path: Path) -> Position | None:
        """Return where a value begins, None when the text does not hold it."""
        return self._position(self.values.get(path, self.keys.get(path)))

    def _position(self, offset: int | None) -> Position | None:
        return None if offset is None else position_at(self.text, offset)


def index_positions(text: str) -> PositionIndex:
    """Return where the keys and values of a valid TOML text stand."""
    scan = _Scan(text)
    scan.document()
    return PositionIndex(text, scan.keys, scan.values)


def position_at(text: str, offset: int) -> Position:
    """Return line and column of a character offset."""
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _unquoted(quoted: str) -> str:
    inner = quoted[1:-1]
    if quoted.startswith("'"):
        return inner
    return _ESCAPE.sub(_unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "uU":
        return chr(int(code[1:], 16))
    return {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}.get(code, code)
