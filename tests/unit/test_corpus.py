"""Breakers: each breaks a valid file, only where it says, and the same seed breaks it the same way."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from benchmarks.corpus.breaker import Breaker, all_breakers
from benchmarks.corpus.make import break_file, changed_lines, main, make_rows
from benchmarks.corpus.source import Source, apply_changes
from sophia_cli.fixers.analysis import compile_fault

SAMPLE = '''\
"""A sample that has a place for every breaker."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Generic, TypeVar
from collections import (
    OrderedDict,
    defaultdict,
)

T = TypeVar("T")
counter = 0
OPTIONS = {
    "host": "127.0.0.1",
    "port": 8080,
    "names": ["a", "b"],
}


class Store(Generic[T]):
    """Keeps things."""

    def __init__(self, path: str, limit: int, name: str = "store", **extra: Any) -> None:
        """Open the store.

        The path is made when it is missing.
        """
        self.path = path
        self.limit = limit if limit else 10
        self.message = "it isn't here, and it was never here at all"
        self.label = f"{name}: {os.environ['HOME']}"

    def load(self, key, fallback):
        """Read one."""
        global counter
        counter += 1
        try:
            value = open(self.path, "r", encoding="utf-8").read()
        except OSError as error:
            if key is not None and fallback == 1:
                print("missing", error)
            elif not key:
                raise ValueError(f"no {key}") from error
            else:
                return fallback
        finally:
            counter -= 1
        for item in range(3):
            pass
        total = counter + \\
            self.limit
        return self.merge(
            value,
            total,
            key=key,
        )

    def merge(self, first, second, third, key=None):
        return [first, second, key]

    @staticmethod
    async def wait(seconds):
        await asyncio.sleep(seconds)
        return counter * seconds + 1


def main():
    store = Store("x", 3)
    result = store.load("a", 1)
    print(result)
    return result


print(main())
'''


@pytest.mark.parametrize("breaker", all_breakers(), ids=lambda breaker: breaker.name)
def test_every_breaker_finds_a_place_in_the_sample_and_breaks_it(breaker: Breaker) -> None:
    attempts = (break_file(SAMPLE, breaker, Random(seed)) for seed in range(200))
    broken = list(islice((text for text in attempts if text is not None), 3))
    assert broken
    assert all(compile_fault(text) is not None for text in broken)
    assert all(text != SAMPLE for text in broken)


@pytest.mark.parametrize("breaker", all_breakers(), ids=lambda breaker: breaker.name)
def test_a_change_is_undone_by_putting_the_lines_it_replaced_back(breaker: Breaker) -> None:
    source = Source(SAMPLE)
    for seed in range(8):
        change = breaker.change(source, Random(seed))
        if change is None:
            continue
        broken = apply_changes(source.lines, [change])
        end = change.start + len(change.replacement)
        assert broken[: change.start] == source.lines[: change.start]
        assert broken[end:] == source.lines[change.end :]


@pytest.mark.parametrize("text", ["", "\n", "x = 1\n", "# only a comment", "def f(): ...\n"])
def test_no_breaker_fails_on_a_file_that_has_no_place_for_it(text: str) -> None:
    for breaker in all_breakers():
        broken = break_file(text, breaker, Random(1))
        assert broken is None or compile_fault(broken) is not None


def test_breakers_have_names_of_their_own_and_positive_weights() -> None:
    names = [breaker.name for breaker in all_breakers()]
    assert len(set(names)) == len(names)
    assert all(breaker.weight > 0 for breaker in all_breakers())


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    for number in range(3):
        (tmp_path / "shop" / f"part{number}.py").write_text(SAMPLE + f"PART = {number}\n", "utf-8")
    first = list(make_rows([tmp_path], 25, 7))
    assert len(first) == 25
    assert first == list(make_rows([tmp_path], 25, 7))
    assert first != list(make_rows([tmp_path], 25, 8))


def test_rows_are_broken_and_their_valid_text_compiles(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SAMPLE, "utf-8")
    (tmp_path / "bad.py").write_text("def broken(:\n" * 80, "utf-8")
    out = tmp_path / "rows.jsonl"
    assert main(["--seed", "3", "--count", "20", "--source", str(tmp_path), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(rows) == 20
    for row in rows:
        assert compile_fault(row["fixed"]) is None
        assert compile_fault(row["broken"]) is not None
        assert row["path"] == "app.py"
        assert row["changed"] == changed_lines(row["broken"].split("\n"), row["fixed"].split("\n")) > 0
