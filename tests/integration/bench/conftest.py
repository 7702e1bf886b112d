"""Every test of the bench runs in a project of its own, and leaves no descriptor and no process behind."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ports import held_descriptors

LIMIT_S = 60.0


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    descriptors, children = count_descriptors(), child_processes()
    yield
    # Threads that serve a connection close it by themselves, once its other end is closed.
    give_up = time.monotonic() + LIMIT_S
    while count_descriptors() > descriptors or not child_processes() <= children:
        assert time.monotonic() < give_up, (count_descriptors(), descriptors, child_processes() - children)
        time.sleep(0.01)


def count_descriptors() -> int:
    # What holds ports for tests stays open.
    return len(os.listdir("/proc/self/fd")) - held_descriptors() if os.path.isdir("/proc/self/fd") else 0


def child_processes() -> set[str]:
    found: set[str] = set()
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            found |= set(children.read_text().split())
    return found
