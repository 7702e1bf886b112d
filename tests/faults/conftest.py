"""Fixtures of the fault tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_project import Commands, FaultyServices
from faulty_project import Children

ROUNDS = int(os.environ.get("SOPHIA_FAULT_ROUNDS", "20"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have every fault of the agent tried once in the normal run, and again and again in the long one."""
    if Path(metafunc.module.__file__).name.startswith("test_agent_"):
        again = [pytest.param(number, marks=pytest.mark.slow) for number in range(1, ROUNDS)]
        metafunc.fixturenames.append("attempt")
        metafunc.parametrize("attempt", [0, *again])


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands to run, without the cost of starting an interpreter for each."""
    server = Commands(tmp_path_factory.mktemp("commands"))
    yield server
    server.close()


@pytest.fixture
def shop(tmp_path: Path, commands: Commands) -> Iterator[FaultyServices]:
    """A project of services, ended whatever a test leaves behind."""
    root = tmp_path / "shop"
    root.mkdir()
    project = FaultyServices(root, commands)
    try:
        yield project
    finally:
        project.close()


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
