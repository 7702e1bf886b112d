"""TOML with places, read tolerantly: what stands before and after a half-written line still counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass, field

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|$)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_LITERAL = re.compile(r"'([^'\r\n]*)'")
_LONG = re.compile(r'"""((?:[^\\]|\\.)*?)"""(?!")|' + r"'''(.*?)'''(?!')", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\r\n\"'\[{=]+")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
# What can only begin a statement: a header (no array holds bare words), or a key with its value.
_HEADER = re.compile(
    r"\[\[?[ \t]*(?!true\b|false\b|inf\b|nan\b)[A-Za-z_][^\]\r\n,]*\]\]?[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|$)"
)
_STATEMENT = re.compile(rf"[ \t]*(?:{_HEADER.pattern}|(?:[A-Za-z0-9_.-]+|\"[^\"\r\n]*\"|'[^'\r\n]*')[ \t]*=(?!=))")
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class TomlString:
    """A string; `start` and `end` enclose the quotes, `inner` is where its words begin."""

    text: str
    start: int
    end: int
    inner: int


@dataclass(frozen=True, slots=True)
class TomlScalar:
    """A number, date, boolean, as written."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TomlArray:
    """An array; `is_open` when its end is missing."""

    items: tuple[TomlValue, ...]
    start: int
    end: int
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class TomlTable:
    """An inline table."""

    pairs: tuple[TomlPair, ...]
    start: int
    end: int


TomlValue = TomlString | TomlScalar | TomlArray | TomlTable


@dataclass(frozen=True, slots=True)
class TomlPair:
    """A key with its value. `key` is the path below the table that it stands in; `start` is where the key begins."""

    key: tuple[str, ...]
    value: TomlValue
    start: int


@dataclass(frozen=True, slots=True)
class TomlSection:
    """What stands under one header; what precedes any header has the empty path. `end` is where the next one begins."""

    path: tuple[str, ...]
    pairs: tuple[TomlPair, ...]
    start: int
    end: int

    def full(self) -> Iterator[TomlPair]:
        """Yield the pairs with their path from the top of the document."""
        for pair in self.pairs:
            yield TomlPair((*self.path, *pair.key), pair.value, pair.start)


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """A document's sections in their order; `faults` are places that could not be read."""

    sections: tuple[TomlSection, ...]
    faults: tuple[int, ...]

    def pairs(self, *prefix: str) -> Iterator[TomlPair]:
        """Yield every pair below `prefix`, keys relative to it; a value may be an inline table."""
        for section in self.sections:
            for pair in section.full():
                yield from _below(pair, prefix)

    def leaves(self, *prefix: str) -> Iterator[TomlPair]:
        """Yield every pair below `prefix` as if each inline table had been written as a section."""
        for pair in self.pairs(*prefix):
            yield from _leaves(pair)

    def value(self, *path: str) -> TomlValue | None:
        """Return the value at this very path, None where there is none."""
        return next((pair.value for pair in self.pairs(*path) if not pair.key), None)

    def string(self, *path: str) -> str:
        """Return the string at this path, empty where there is none."""
        found = self.value(*path)
        return found.text if isinstance(found, TomlString) else ""

    def has(self, *path: str) -> bool:
        """Return whether anything stands at or below this path, an empty table included."""
        size = len(path)
        return any(section.path[:size] == path for section in self.sections) or any(True for _ in self.pairs(*path))


def _leaves(pair: TomlPair) -> Iterator[TomlPair]:
    if isinstance(pair.value, TomlTable):
        for inner in pair.value.pairs:
            yield from _leaves(TomlPair((*pair.key, *inner.key), inner.value, inner.start))
    else:
        yield pair


def _below(pair: TomlPair, prefix: tuple[str, ...]) -> Iterator[TomlPair]:
    size = len(prefix)
    if len(pair.key) >= size:
        if pair.key[:size] == prefix:
            yield TomlPair(pair.key[size:], pair.value, pair.start)
    elif pair.key == prefix[: len(pair.key)] and isinstance(pair.value, TomlTable):
        rest = prefix[len(pair.key) :]
        for inner in pair.value.pairs:
            yield from _below(inner, rest)


def read_toml(text: str) -> TomlDocument:
    """Read a TOML text; never fails. A line that cannot be read is a fault, and reading goes on with the next line."""
    return _Reader(text).document()


class _Unreadable(Exception):
    """What stands at `place` cannot be read; `key` is that of the pair whose value it is, empty elsewhere."""

    def __init__(self, place: int, key: tuple[str, ...] = ()) -> None:
        super().__init__(place)
        self.place = place
        self.key = key


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    faults: list[int] = field(default_factory=list)
    depth: int = 0

    def document(self) -> TomlDocument:
        sections: list[TomlSection] = []
        path: tuple[str, ...] = ()
        start = 0
        pairs: list[TomlPair] = []
        while True:
            self._blank()
            if self.at >= len(self.text):
                break
            begin = self.at
            try:
                if self.text[self.at] == "[":
                    header = self._header()
                    sections.append(TomlSection(path, tuple(pairs), start, begin))
                    path, start, pairs = header, begin, []
                else:
                    pairs.append(self._pair())
                self._line_rest()
            except _Unreadable as fault:
                self.faults.append(fault.place)
                self.at = max(self.at, begin)
                if fault.key:
                    # A value that was never finished still belongs to its key.
                    pairs.append(TomlPair(fault.key, TomlScalar("", self.at, self.at), begin))
                self._next_line()
        sections.append(TomlSection(path, tuple(pairs), start, len(self.text)))
        return TomlDocument(tuple(sections), tuple(self.faults))

    def _blank(self) -> None:
        self.at = _end(_BLANK, self.text, self.at)

    def _space(self) -> None:
        self.at = _end(_SPACE, self.text, self.at)

    def _line_rest(self) -> None:
        found = _REST.match(self.text, self.at)
        if found is None:
            raise _Unreadable(self.at)
        self.at = found.end()

    def _next_line(self) -> None:
        self.at = max(_end(_LINE, self.text, self.at), self.at + 1)

    def _header(self) -> tuple[str, ...]:
        begin = self.at
        closing = "]]" if self.text.startswith("[[", self.at) else "]"
        self.at += len(closing)
        path = self._key()
        if not self.text.startswith(closing, self.at):
            raise _Unreadable(begin)
        self.at += len(closing)
        return path

    def _key(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            self._space()
            begin = self.at
            if found := _BARE.match(self.text, self.at):
                names.append(found[0])
            elif found := _BASIC.match(self.text, self.at):
                names.append(_unescaped(found[1]))
            elif found := _LITERAL.match(self.text, self.at):
                names.append(found[1])
            else:
                raise _Unreadable(begin)
            self.at = found.end()
            self._space()
            if not self.text.startswith(".", self.at):
                return tuple(names)
            self.at += 1

    def _pair(self) -> TomlPair:
        begin = self.at
        key = self._key()
        if not self.text.startswith("=", self.at):
            raise _Unreadable(begin)
        self.at += 1
        self._space()
        try:
            return TomlPair(key, self._value(), begin)
        except _Unreadable as fault:
            raise _Unreadable(fault.place, key) from None

    def _value(self) -> TomlValue:
        begin = self.at
        if found := _LONG.match(self.text, begin):
            self.at = found.end()
            words = _unescaped(found[1]) if found[1] is not None else found[2]
            return TomlString(words, begin, self.at, begin + 3)
        if (found := _BASIC.match(self.text, begin)) and not self.text.startswith('"""', begin):
            self.at = found.end()
            return TomlString(_unescaped(found[1]), begin, self.at, begin + 1)
        if (found := _LITERAL.match(self.text, begin)) and not self.text.startswith("'''", begin):
            self.at = found.end()
            return TomlString(found[1], begin, self.at, begin + 1)
        if self.text.startswith(("[", "{"), begin):
            if self.depth >= _DEEPEST:
                raise _Unreadable(begin)
            self.depth += 1
            try:
                return self._array() if self.text[begin] == "[" else self._table()
            finally:
                self.depth -= 1
        if (found := _SCALAR.match(self.text, begin)) and found[0].strip():
            self.at = begin + len(found[0].rstrip())
            return TomlScalar(found[0].strip(), begin, self.at)
        raise _Unreadable(begin)

    def _array(self) -> TomlArray:
        begin = self.at
        self.at += 1
        items: list[TomlValue] = []
        while True:
            self._blank()
            if self.text.startswith("]", self.at):
                self.at += 1
                return TomlArray(tuple(items), begin, self.at)
            place = self.at
            if _HEADER.match(self.text, place) and self._begins_line(place):
                return self._open_array(items, begin, place)
            try:
                items.append(self._value())
            except _Unreadable as fault:
                following = _end(_LINE, self.text, place)
                if (
                    following >= len(self.text)
                    or _STATEMENT.match(self.text, following)
                    or _STATEMENT.match(self.text, place)
                ):
                    return self._open_array(items, begin, fault.place)
                # One entry that cannot be read does not hide those on the lines below it.
                self.faults.append(fault.place)
                self.at = following
                continue
            self._blank()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("]", self.at):
                # A missing comma between two entries is a fault of its own; an array that never ends is another.
                if self.at < len(self.text) and self.text[self.at] in "\"'":
                    self.faults.append(self.at)
                    continue
                if isinstance(items[-1], TomlScalar):
                    items.pop()
                    return self._open_array(items, begin, place)
                return self._open_array(items, begin, self.at)

    def _begins_line(self, place: int) -> bool:
        line = max(self.text.rfind("\n", 0, place), self.text.rfind("\r", 0, place)) + 1
        return not self.text[line:place].strip()

    def _open_array(self, items: list[TomlValue], begin: int, place: int) -> TomlArray:
        """Return what was read of an array that breaks off; reading goes on with the next line or statement."""
        self.faults.append(place)
        line = max(self.text.rfind("\n", 0, place), self.text.rfind("\r", 0, place)) + 1
        starts_anew = line > begin and _STATEMENT.match(self.text, line) is not None
        stop = line if starts_anew else _end(_LINE, self.text, place)
        self.at = len(self.text[:stop].rstrip("\r\n")) if stop > place or starts_anew else stop
        return TomlArray(tuple(items), begin, self.at, is_open=True)

    def _table(self) -> TomlTable:
        begin = self.at
        self.at += 1
        pairs: list[TomlPair] = []
        while True:
            self._blank()
            if self.text.startswith("}", self.at):
                self.at += 1
                return TomlTable(tuple(pairs), begin, self.at)
            pairs.append(self._pair())
            self._blank()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("}", self.at):
                raise _Unreadable(self.at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _SHORT.get(code, code)
