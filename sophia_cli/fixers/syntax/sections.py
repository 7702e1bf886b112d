"""Cutting a text finer than into pieces: long classes and functions are read statement by statement."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from sophia_cli.fixers.syntax.model import SyntaxFault, moved_down
from sophia_cli.fixers.syntax.pieces import binds_at_module

_SHORTEST = 300
_DEEPEST = 3
_BEGINS = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\n)*+([ \t]*+)(?!(?:else|elif|except|finally|case)\b)[A-Za-z_@]")
_INDENTS = re.compile(r"^([ \t]*+)[^\s#]", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]++(?=\n)")  # a line that holds white space only
# A header with what stands up to the first line of its block, as far as that is plain to see.
_HEADER = re.compile(
    r"^([ \t]*+)(class\b|(?:async )?def\b|if 1:)[^\n]*+\n"
    r"(?:(?<=\(\n)(?:[ \t]*+[^\s)][^\n]*+\n)*+[ \t]*+\)[^\n]*+\n)?+"
    r"(?:[ \t]*+(?:#[^\n]*+)?\n)*+([ \t]*+)",
    re.MULTILINE,
)


class Section(NamedTuple):
    """Characters [start, end) of a text, with lines of our own around them.

    `headers` open the blocks that the section stands in, `footer` is a statement where the next section begins.
    """

    headers: str
    start: int
    end: int
    footer: str

    def text(self, whole: str) -> str:
        """Return what is compiled for this section of `whole`."""
        return f"{self.headers}{whole[self.start : self.end]}{self.footer}"

    def up_to(self, last: Section) -> Section:
        """Return this section together with those behind it, to the last one."""
        return Section(self.headers, self.start, last.end, last.footer)

    def in_whole(self, whole: str, fault: SyntaxFault) -> SyntaxFault:
        """Return a fault in what is compiled for this section as one of `whole`."""
        return moved_down(fault, whole.count("\n", 0, self.start) - self.headers.count("\n"))


class _Header(NamedTuple):
    indent: str
    word: str
    inner: str


class _Paragraph(NamedTuple):
    """What stands between two blank lines: the indentation of the statement that begins it, None when none does; how
    far out its code reaches, whether strings with three quotes stay open, and the last block that is opened."""

    size: int
    begins: str | None
    low: int
    opens: bool
    header: _Header | None


class _Block(NamedTuple):
    indent: str
    headers: str


class Sections:
    """Cuts texts that have much in common; what they share is looked at once."""

    __slots__ = ("_paragraphs", "_read_before")

    def __init__(self) -> None:
        self._paragraphs: dict[str, tuple[_Paragraph, ...]] = {}
        self._read_before: dict[str, _Paragraph] = {}

    def of(self, text: str) -> list[Section]:
        """Cut a text where statements begin behind blank lines, at its margin and in the blocks of its definitions.

        When every section compiles, the text does. One that begins inside a string or a bracket follows upon one that
        does not compile.
        """
        has_scopes = "global" in text or "nonlocal" in text
        if has_scopes and binds_at_module(text):
            return [Section("", 0, len(text), "")]
        has_yield = "yield" in text
        least = max(text.rfind("from __future__"), 0) + _SHORTEST
        found: list[Section] = []
        blocks = [_Block("", "")]
        block: _Block | None = None
        start = place = 0
        low = sys.maxsize
        opens = False
        for paragraph in self._paragraphs_of(text):
            begins = paragraph.begins
            if begins is not None and not opens and place >= least and place - start >= _SHORTEST:
                around: list[_Block] | None = None
                if block is not None and block.indent == begins:
                    around = [*blocks, block]
                elif low >= len(begins):
                    around = next((blocks[: i + 1] for i, one in enumerate(blocks) if one.indent == begins), None)
                if around is not None:
                    found.append(Section(blocks[-1].headers, start, place, f"{begins}pass\n" if begins else ""))
                    start, blocks, block, low = place, around, None, sys.maxsize
            if paragraph.low < low:
                low = paragraph.low
            if block is not None and paragraph.low < len(block.indent):
                block = None
            header = paragraph.header
            if header is not None and header.indent == blocks[-1].indent and len(blocks) <= _DEEPEST:
                word = header.word
                if word == "class" or not (has_scopes or (has_yield and word.startswith("async"))):
                    block = _Block(header.inner, f"{blocks[-1].headers}{header.indent}{_FULL[word]}\n")
            opens = opens != paragraph.opens
            place += paragraph.size
        found.append(Section(blocks[-1].headers, start, len(text), ""))
        return found

    def _paragraphs_of(self, text: str) -> Iterator[_Paragraph]:
        for words in text.split("\n\n"):
            known = self._paragraphs.get(words)
            if known is None:
                whole = f"{words}\n\n"
                blank = [match.start() + 1 for match in _BLANK.finditer(whole)]
                parts = [whole[first:last] for first, last in pairwise([0, *blank, len(whole)])]
                known = self._paragraphs[words] = tuple(map(self._read, parts))
            yield from known

    def _read(self, words: str) -> _Paragraph:
        one = self._read_before.get(words)
        if one is None:
            one = self._read_before[words] = _read(words)
        return one


_FULL = {"class": "class _:", "def": "def _():", "async def": "async def _():", "if 1:": "if 1:"}


def _read(words: str) -> _Paragraph:
    match = _BEGINS.match(words)  # with the blank line above it
    low = min(map(len, _INDENTS.findall(words)), default=sys.maxsize)
    opens = bool((words.count('"""') + words.count("'''")) % 2)
    header = None
    for found in _HEADER.finditer(words):
        if found[3] and len(found[3]) > len(found[1]) and found.end() < len(words):
            deepest = min(map(len, _INDENTS.findall(words, found.end() - len(found[3]))), default=0)
            if deepest >= len(found[3]) and (header is None or len(found[1]) < len(header.indent)):
                header = _Header(found[1], found[2], found[3])
    return _Paragraph(len(words), None if match is None else match[1], low, opens, header)
