"""The guard sees what it has to see, and nothing when it is off."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from outside_guard import GUARD, WentOutside


@pytest.mark.parametrize(
    "reach",
    [
        lambda: Path(__file__).read_text("utf-8"),
        lambda: os.listdir("."),
        lambda: socket.socket(),
        lambda: subprocess.run([sys.executable, "-V"], check=False),
        lambda: time.monotonic(),
    ],
    ids=["file", "folder", "socket", "process", "clock"],
)
def test_reaching_outside_is_caught(reach: Callable[[], object]) -> None:
    with pytest.raises(WentOutside), GUARD.watch():
        reach()


def test_reaching_outside_is_caught_when_the_code_swallows_it() -> None:
    with pytest.raises(WentOutside), GUARD.watch(), contextlib.suppress(AssertionError):
        os.listdir(".")


def test_pure_code_passes_and_the_world_is_back_afterwards() -> None:
    with GUARD.watch():
        compile("x = 1", "<x>", "exec")
    assert os.listdir(".")
    assert time.monotonic() > 0
