"""What a warm scan notices although no file that it reads has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Cli


def _found(cli: Cli) -> list[tuple[str, str]]:
    document = json.loads(cli("scan", "--json", "--select", "SPH2").out)
    return [(finding["name"], finding["path"]) for finding in document["findings"]]


@pytest.mark.parametrize("name", ["fast.cpython-311-x86_64-linux-gnu.so", "fast.pyd", "fast.pyx"])
def test_a_compiled_module_that_comes_and_goes_is_noticed(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "app.py").write_bytes(b"import shop.fast\n")
    missing = [("missing-module", "app.py")]
    assert (_found(cli), _found(cli)) == (missing, missing)
    (tmp_path / "shop" / name).touch()
    assert (_found(cli), _found(cli)) == ([], [])
    (tmp_path / "shop" / name).unlink()
    assert _found(cli) == missing


def test_the_paths_of_pyrightconfig_are_searched(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "common/texts").mkdir(parents=True)
    (tmp_path / "common/texts/slugs.py").write_bytes(b"slug = str\n")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/run.py").write_bytes(b"from texts.slugs import slug\n")
    assert _found(cli) == [("unimportable-module", "jobs/run.py")]
    (tmp_path / "pyrightconfig.json").write_bytes(b'{"extraPaths": ["common"]}\n')
    assert _found(cli) == []
