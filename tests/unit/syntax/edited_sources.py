"""Valid sources in several styles, and small random edits that break them."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Callable

from hypothesis import strategies as st

SERVICE = '''"""A small service."""

from __future__ import annotations

import json
import os
from pathlib import Path

DEFAULTS = {
    "host": "localhost",
    "port": 8080,
    "tags": ["a", "b"],
}


class Store:
    """Keeps records by key."""

    def __init__(self, root: Path, limit: int = 10) -> None:
        self.root = root
        self.limit = limit
        self.items: dict[str, int] = {}

    def add(self, key: str, value: int) -> bool:
        if key in self.items:
            return False
        self.items[key] = value
        return True

    @property
    def size(self) -> int:
        return len(self.items)


def load(path: Path) -> dict[str, object]:
    try:
        with open(path) as file:
            data = json.load(file)
    except FileNotFoundError:
        return dict(DEFAULTS)
    return {**DEFAULTS, **data}


if __name__ == "__main__":
    store = Store(Path(os.getcwd()))
    print(store.size, load(Path("settings.json")))
'''

SCRIPT = """#!/usr/bin/env python
# Counts words.
import sys, re

total = 0
words = {}
for line in sys.stdin:
  line = line.strip()
  if not line: continue
  for word in re.split(r'[^a-z]+', line.lower()):
    total += 1
    words[word] = words.get(word, 0) + 1
  else:
    pass

for word, count in sorted(words.items(), key=lambda item: -item[1])[:10]:
  print('%-10s %5d' % (word, count))
print(f'total: {total}', file=sys.stderr)
"""

CLIENT = '''import asyncio
import logging

log = logging.getLogger(__name__)


async def fetch(session, url, *, timeout=3.0, retries=2):
	"""Return the body.

	Tries again after a pause.
	"""
	for attempt in range(retries + 1):
		try:
			async with session.get(url, timeout=timeout) as answer:
				return await answer.text()
		except OSError as error:
			log.warning("attempt %d failed: %s", attempt, error)
			await asyncio.sleep(0.1 * attempt)
	raise RuntimeError(
		"no answer from {}".format(url)
	)


async def main(urls):
	results = await asyncio.gather(*[fetch(None, u) for u in urls])
	return [r for r in results if r is not None]
'''

MATCHER = """from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    ROUND = 1
    SQUARE = 2


@dataclass
class Item:
    name: str
    shape: Shape = Shape.ROUND
    size: float = 1.0


def area(item):
    global calls
    calls = 1
    match item:
        case Item(shape=Shape.ROUND, size=size):
            result = 3.14 * size ** 2
        case Item(size=size) if size > 0:
            result = size * size
        case _:
            result = None

    def scaled(factor):
        nonlocal result
        result = (result or 0) * factor
        return result

    while result is None or result < 10:
        result = scaled(2) + 1
        if result > 5: break
    return result; print("unreachable")
"""

TEMPLATES = (SERVICE, SCRIPT, CLIENT, MATCHER)

_NAMES = ("alpha", "beta", "gamma", "rate", "items")
_CHARACTERS = "()[]{}:,.;=+-*/'\"\\#@!?$`~ \t\n0aZ_“’\u00a0é✅"
_TOKENS = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "=",
    "==",
    ".",
    "def",
    "if",
    "else",
    "in",
    "return",
    "name",
    "0",
    '"""',
)
INJECTED = (
    "import time", "from __future__ import annotations", "    pass", "else:", ")", "```python", "# note",
    "This is prose, really.", "<<<<<<< HEAD", "=======", ">>>>>>> other", "        return value", ">>> print(1)",
)  # fmt: skip

Edit = Callable[[str], str]


def _piece(names: tuple[str, ...], depth: int) -> str:
    first, second, third = names
    body = f"    {second} = [{third}, {first}.get('{second}', 0)]\n    return {second}[0] if {second} else None\n"
    if depth == 1:
        return f"def make_{first}({first}, {third}=1):\n{body}"
    inner = "".join("    " + line + "\n" for line in body.splitlines())
    return f"class {first.title()}:\n    label = '{second}'\n\n    def run(self, {first}, {third}=None):\n{inner}"


pieces = st.builds(_piece, st.permutations(_NAMES).map(lambda n: tuple(n[:3])), st.integers(1, 2))
composed = st.lists(pieces, min_size=1, max_size=4).map("\n\n".join)
sources = st.one_of(st.sampled_from(TEMPLATES), composed)


def _token_spans(text: str) -> list[tuple[int, int]]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return [
        (starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1])
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.string.strip()
    ]


@st.composite
def _edited(draw: st.DrawFn, text: str) -> str:
    """Draw one small edit of a text that tokenizes."""
    kind = draw(st.sampled_from(("character", "token", "line", "reindent", "swap", "cut")))
    if kind == "cut":
        return text[: draw(st.integers(1, len(text) - 1))]
    if kind == "character":
        start = draw(st.integers(0, len(text) - 1))
        end = start + draw(st.integers(0, 1))
        new = draw(st.sampled_from(("", *_CHARACTERS)))
        return f"{text[:start]}{new}{text[end:]}"
    if kind == "token":
        start, end = draw(st.sampled_from(_token_spans(text)))
        new = draw(st.sampled_from(("", *_TOKENS)))
        return text[:start] + (new + " " + text[start:end] if draw(st.booleans()) else new) + text[end:]
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 2))
    if kind == "line":
        new_lines = draw(st.sampled_from(([], [draw(st.sampled_from(INJECTED))])))
        lines[at : at + draw(st.integers(0, 1))] = new_lines
    elif kind == "reindent":
        count = draw(st.integers(1, 4))
        shift = draw(st.sampled_from((-4, -2, -1, 1, 2, 4, 8)))
        for index in range(at, min(at + count, len(lines))):
            line = lines[index]
            lines[index] = " " * shift + line if shift > 0 else line[min(-shift, len(line) - len(line.lstrip())) :]
    else:
        other = draw(st.integers(0, len(lines) - 2))
        lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


edits = sources.flatmap(lambda text: st.tuples(st.just(text), _edited(text)))
"""A valid text and the same after one small edit, which not always breaks it."""

words = st.sampled_from((*keyword.kwlist, *_NAMES, *_TOKENS, *INJECTED, "\n", "    ", "\t", "'", '"', "#", "\\"))
word_salad = st.lists(words, max_size=40).map(" ".join)
"""Texts made of Python's own words in no order."""
