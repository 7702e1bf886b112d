"""Which paths a `.gitignore` leaves out: git's pattern language, read without running git."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from functools import cache

from sophia_cli.core.values import dataclass

_LARGEST_IGNORE_FILE = 1_000_000
_WILD = frozenset("*?[\\")
_POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\r\n\v\f",
    "upper": "A-Z",
    "xdigit": "A-Fa-f0-9",
}


@dataclass(frozen=True, slots=True)
class _Wild:
    """One pattern with wildcards: its place in the file, whether only folders match, and what it matches."""

    index: int
    folders_only: bool
    glob: str
    anchored: bool


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns of one ignore file, sorted by how they are looked up: a name, a path, a suffix, or a wildcard.

    The numbers are places in the file; the last pattern that matches decides, as in git. Literal names and suffixes,
    nearly all of what people write, cost no regular expression.
    """

    names: dict[str, int]
    folder_names: dict[str, int]
    paths: dict[str, int]
    folder_paths: dict[str, int]
    suffixes: tuple[tuple[str, int, bool], ...]
    wild: tuple[_Wild, ...]
    negated: frozenset[int]

    def verdict(self, path: str, name: str, is_folder: bool) -> bool | None:
        """Return True when `path` (relative to the ignore file's folder) is left out, False when a `!` pattern
        brings it back, None when no pattern speaks of it."""
        best = max(self.names.get(name, -1), self.paths.get(path, -1))
        if is_folder:
            best = max(best, self.folder_names.get(name, -1), self.folder_paths.get(path, -1))
        for suffix, index, folders_only in self.suffixes:
            if index > best and name.endswith(suffix) and (is_folder or not folders_only):
                best = index
        for pattern in self.wild:
            if pattern.index > best and (is_folder or not pattern.folders_only):
                expression = _expression(pattern.glob)
                if expression is not None and expression.fullmatch(path if pattern.anchored else name):
                    best = pattern.index
        return None if best < 0 else best not in self.negated


def parse_ignore(lines: Iterable[str]) -> IgnoreRules:
    """Return the rules that these lines of an ignore file (or of a settings list) state. Never fails: like git, a
    pattern that cannot be read matches nothing."""
    names: dict[str, int] = {}
    folder_names: dict[str, int] = {}
    paths: dict[str, int] = {}
    folder_paths: dict[str, int] = {}
    suffixes: list[tuple[str, int, bool]] = []
    wild: list[_Wild] = []
    negated: set[int] = set()
    for index, line in enumerate(lines):
        pattern = _without_trailing_blanks(line)
        if not pattern or pattern.startswith("#"):
            continue
        if pattern.startswith("!"):
            negated.add(index)
            pattern = pattern[1:]
        folders_only = pattern.endswith("/")
        if folders_only:
            pattern = pattern[:-1]
        anchored = "/" in pattern
        pattern = pattern.removeprefix("/")
        if not pattern:
            continue
        if not _WILD.intersection(pattern):
            if anchored:
                (folder_paths if folders_only else paths)[pattern] = index
            else:
                (folder_names if folders_only else names)[pattern] = index
        elif not anchored and pattern.startswith("*") and not _WILD.intersection(pattern[1:]):
            suffixes.append((pattern[1:], index, folders_only))
        else:
            wild.append(_Wild(index, folders_only, pattern, anchored))
    return IgnoreRules(names, folder_names, paths, folder_paths, tuple(suffixes), tuple(wild), frozenset(negated))


def read_ignore(path: str) -> IgnoreRules | None:
    """Return the rules of the ignore file at `path`; None when it is missing, no plain file, unreadable or huge.

    A symbolic link is not followed, as in git: it could lead out of the project.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(_LARGEST_IGNORE_FILE + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(content) > _LARGEST_IGNORE_FILE:
        return None
    content = content.removeprefix(b"\xef\xbb\xbf")
    return parse_ignore(line.removesuffix("\r") for line in os.fsdecode(content).split("\n"))


def literal_prefix(pattern: str) -> str:
    """Return the leading folders of a pattern that hold no wildcard: `vendor/ours` for `/vendor/ours/**/*.py`; empty
    for a pattern that is not bound to a place."""
    parts = pattern.rstrip("/").split("/")
    if len(parts) == 1:
        return ""
    literal: list[str] = []
    for part in parts[1:] if parts[0] == "" else parts:
        if _WILD.intersection(part):
            break
        literal.append(part)
    return "/".join(literal)


def _without_trailing_blanks(line: str) -> str:
    end = len(line)
    while end and line[end - 1] == " ":
        backslashes = end - 1 - len(line[: end - 1].rstrip("\\"))
        if backslashes % 2:
            break
        end -= 1
    return line[:end]


@cache
def _expression(glob: str) -> re.Pattern[str] | None:
    """Return the regular expression of one git pattern, None for one that can match nothing."""
    result: list[str] = []
    index = 0
    while index < len(glob):
        at_start = index == 0 or glob[index - 1] == "/"
        if at_start and glob.startswith("**/", index):
            result.append("(?:[^/]+/)*")
            index += 3
            continue
        if at_start and index and glob[index:] == "**":
            result.append(".+")
            break
        piece, index = _translate(glob, index)
        if piece is None:
            return None
        result.append(piece)
    try:
        return re.compile("".join(result), re.DOTALL)
    except re.error:
        return None


def _translate(glob: str, index: int) -> tuple[str | None, int]:
    """Return what the element at `index` matches, None for nothing, and where the next one begins."""
    character = glob[index]
    index += 1
    if character == "*":
        while index < len(glob) and glob[index] == "*":
            index += 1
        return "[^/]*", index
    if character == "?":
        return "[^/]", index
    if character == "[":
        end, translated = _bracket(glob, index)
        return translated, end
    if character == "\\":
        return (re.escape(glob[index]), index + 1) if index < len(glob) else (None, index)
    return re.escape(character), index


def _bracket(part: str, index: int) -> tuple[int, str | None]:
    """Translate a bracket expression whose `[` stands before `index`; None when it never closes."""
    inverted = index < len(part) and part[index] in "!^"
    index += inverted
    members: list[str] = []
    first = True
    while index < len(part) and (first or part[index] != "]"):
        first = False
        if part.startswith("[:", index) and (close := part.find(":]", index + 2)) >= 0:
            known = _POSIX_CLASSES.get(part[index + 2 : close])
            if known is None:
                return index, None
            members.append(known)
            index = close + 2
            continue
        low, index = _member(part, index)
        if index + 1 < len(part) and part[index] == "-" and part[index + 1] != "]":
            high, index = _member(part, index + 1)
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(low))
    if index >= len(part):
        return index, None
    if not members:
        return index + 1, "[^/]" if inverted else "(?!)"
    return index + 1, f"(?!/)[{'^' if inverted else ''}{''.join(members)}]"


def _member(part: str, index: int) -> tuple[str, int]:
    if part[index] == "\\" and index + 1 < len(part):
        return part[index + 1], index + 2
    return part[index], index + 1
