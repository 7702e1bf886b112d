"""A project whose services really run, ended whatever a test leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_project import DeployedProject


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[DeployedProject]:
    root = tmp_path / "shop"
    root.mkdir()
    project = DeployedProject(root)
    try:
        yield project
    finally:
        project.close()


@pytest.fixture
def strict(shop: DeployedProject) -> DeployedProject:
    shop.write("sophia.toml", shop.settings(api="strict = true", store="strict = true"))
    deployed = shop.run("deploy")
    assert deployed.code == 0, deployed.stderr
    return shop
