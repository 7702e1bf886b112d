"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faulty_project import Children


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Processes to kill, without the cost of starting an interpreter for each."""
    server = Children(tmp_path_factory.mktemp("children") / "stderr")
    yield server
    server.close()
