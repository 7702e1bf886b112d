"""How surprising a run of Python tokens is: a back-off model over token classes, trained on code that compiles.

The unit is the bit: a sequence with surprise 10 is a thousand times less usual than one with surprise 0. The data file
is written by `benchmarks/train_token_model.py` and holds counts only.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sophia_cli.fixers.syntax.token_classes import classes_of
from sophia_cli.fixers.syntax.tokens import TokenKind, scan

DATA_FILE = Path(__file__).with_name("token_model.json")
STEP = 1 / 8
USUAL_BITS = 2.0
_ZERO = 64  # a stored cost of this value is 0 bits
_FOLLOWING = 3  # tokens after a change whose surprise the change moves


class TokenModel:
    """Costs of token classes after up to `order - 1` others; never changes after it was read."""

    __slots__ = ("_contexts", "_ids", "_memo", "_tables", "order")

    def __init__(
        self,
        classes: Sequence[str],
        tables: Sequence[tuple[array[int], bytes]],
        contexts: Sequence[tuple[array[int], bytes]],
    ) -> None:
        self._ids = {name: index for index, name in enumerate(classes)}
        self._tables = tuple(tables)
        self._contexts = tuple(contexts)
        self._memo: dict[int, float] = {}
        self.order = len(tables)

    @classmethod
    def read(cls, path: Path) -> TokenModel:
        """Read a model file; raises OSError or ValueError when it cannot be read."""
        stored = json.loads(path.read_text("utf-8"))
        blob = memoryview(zlib.decompress(base64.b64decode(stored["payload"])))
        lists: list[tuple[array[int], bytes]] = []
        position = 0
        for size in stored["sizes"]:
            keys = array("Q")
            keys.frombytes(blob[position : position + 8 * size])
            if sys.byteorder == "big":
                keys.byteswap()
            position += 8 * size
            lists.append((keys, bytes(blob[position : position + size])))
            position += size
        return cls(stored["classes"], lists[0::2], lists[1::2])

    def surprise(self, classes: Sequence[str], context: Sequence[str] = ()) -> float:
        """Return the bits that `classes` (see `classes_of`) cost after `context`; with none, a line begins."""
        ids = self._ids
        window = (1 << 7 * (self.order - 1)) - 1
        history = ids["NEWLINE"]
        for _ in range(self.order - 2):
            history = history << 7 | ids["NEWLINE"]
        for name in context[1 - self.order :] if self.order > 1 else ():
            history = (history << 7 | ids[name]) & window
        memo = self._memo
        total = 0.0
        for name in classes:
            key = history << 7 | ids[name]
            bits = memo.get(key)
            if bits is None:
                bits = memo[key] = self._bits(key)
            total += bits
            history = key & window
        return total

    def surprise_of_lines(
        self,
        lines_before: Sequence[str],
        changed_lines: Sequence[str],
        lines_after: Sequence[str],
        *,
        open_brackets: str | None = None,
        usual_bits: float = 0.0,
    ) -> float:
        """Return the bits that the changed lines cost between their neighbours.

        The first tokens after the change count too, since it moves their surprise. `open_brackets` are the brackets
        open where the first line begins, as `([`; None stands for not known. `usual_bits` are taken off for every
        token, so that changes of different length compare fairly (USUAL_BITS suits).
        """
        lines = [*lines_before, *changed_lines, *lines_after]
        skipped = _lines_of_open_string(lines_before)
        text = "\n".join(lines[skipped:])
        first = len(lines_before) + 1 - skipped
        last = first - 1 + len(changed_lines)
        scanned = scan(text, open_brackets=open_brackets or "").tokens
        tokens = [token for token in scanned if token.kind is not TokenKind.COMMENT]
        classes = classes_of(tokens, open_brackets=None if skipped else open_brackets)
        begin = next((i for i, token in enumerate(tokens) if token.line >= first), len(tokens))
        end = next((i for i in range(begin, len(tokens)) if tokens[i].line > last), len(tokens))
        stop = len(tokens)
        while stop > end and tokens[stop - 1].start == len(text):
            stop -= 1  # what the end of the fragment closes says nothing about the change
        if begin == 0 and classes[:1] == ["INDENT"]:
            begin = 1
        counted = classes[begin : min(end + _FOLLOWING, stop)]
        return self.surprise(counted, classes[:begin]) - usual_bits * len(counted)

    def _bits(self, key: int) -> float:
        total = 0
        for size in range(self.order, 0, -1):
            gram = key & (1 << 7 * size) - 1
            keys, costs = self._tables[size - 1]
            place = bisect_left(keys, gram)
            if place < len(keys) and keys[place] == gram:
                total += costs[place] - _ZERO
                break
            keys, costs = self._contexts[size - 1]
            place = bisect_left(keys, gram >> 7)
            if place < len(keys) and keys[place] == gram >> 7:
                total += costs[place] - _ZERO
        return total * STEP


def _lines_of_open_string(lines: Sequence[str]) -> int:
    """Return how many of these lines belong to a string that began before them, when its end looks like a beginning."""
    if not any('"""' in line or "'''" in line for line in lines):
        return 0
    found = scan("\n".join(lines))
    for index in found.unterminated:
        token = found.tokens[index]
        if token.text.lstrip("rRbBuUfF").startswith(('"""', "'''")):
            return token.line
    return 0


@cache
def load_token_model() -> TokenModel:
    """Return the model that comes with Sophia, read once a process."""
    return TokenModel.read(DATA_FILE)
