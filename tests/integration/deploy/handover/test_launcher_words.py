"""What a launcher says of an app that cannot be loaded: where the project's code failed, not how it was reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.handover_instances import Launched, public_listener


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shelf.py").write_text("def tea():\n    raise RuntimeError('the kettle is cold')\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "app", "files"),
    [
        ("import shelf\nshelf.tea()\n", "served:app", ["served.py", "shelf.py"]),
        ("from shelf import tea as create\n", "served:create()", ["shelf.py"]),
        ("import nobody\n", "served:app", ["served.py"]),
        ("def app(:\n", "served:app", ["served.py"]),
    ],
)
def test_a_traceback_begins_in_the_project(folder: Path, text: str, app: str, files: list[str]) -> None:
    (folder / "served.py").write_text(text)
    with public_listener() as public, Launched(folder, app, public) as instance:
        lines = instance.output().splitlines()
    named = [line.split('"')[1] for line in lines if line.lstrip().startswith('File "')]
    assert [Path(name).name for name in named] == files
