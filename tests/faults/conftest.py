"""Fixtures of the fault tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_project import Children


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Processes to kill, without the cost of starting an interpreter for each."""
    server = Children(tmp_path_factory.mktemp("children") / "stderr")
    yield server
    server.close()


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory where the machine has such a place: a kill does not depend on the disk behind."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="sophia-test-") as folder:
        yield Path(folder)
