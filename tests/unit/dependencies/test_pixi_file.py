"""`pixi.toml`, `[tool.pixi]` and `pixi.lock`: what pixi takes from Conda and from an index."""

from __future__ import annotations

import pytest

from sophia_cli.project.dependencies.additions import addition
from sophia_cli.project.dependencies.model import Declaration, Role
from sophia_cli.project.dependencies.reading import read_declaration

MANIFEST = """\
[workspace]
name = "shop"
channels = ["conda-forge"]

[tasks]
serve = "python -m shop"

[dependencies]
python = ">=3.11"
numpy = "1.26.*"
pytorch = { version = ">=2", channel = "pytorch" }
graphviz = "*"

[host-dependencies]
setuptools = "*"

[pypi-dependencies]
Flask = ">=3"
httpx = { version = "*", extras = ["http2"] }
shop = { path = ".", editable = true }

[target.linux-64.dependencies]
uvloop = "0.19"

[feature.test.dependencies]
pytest = ">=8"

[feature.gpu.pypi-dependencies]
cupy-cuda12x = "==13.0"

[feature.gpu.target.linux-64.dependencies]
cudnn = "*"

[package.run-dependencies]
rich = "*"
"""

Told = tuple[str, str, Role, str, bool]


def read(path: str, text: str) -> Declaration:
    declaration = read_declaration(path, text.encode())
    assert declaration is not None
    return declaration


def told(declaration: Declaration) -> list[Told]:
    return [(one.name, one.specifier, one.role, one.group, one.is_conda) for one in declaration.requirements]


EXPECTED = [
    ("numpy", "==1.26.*", Role.MAIN, "", True),
    ("torch", ">=2", Role.MAIN, "", True),
    ("setuptools", "", Role.BUILD, "", True),
    ("flask", ">=3", Role.MAIN, "", False),
    ("httpx", "", Role.MAIN, "", False),
    ("shop", "", Role.MAIN, "", False),
    ("uvloop", "", Role.OPTIONAL, "linux-64", True),
    ("pytest", "", Role.DEV, "test", True),
    ("cupy-cuda12x", "", Role.OPTIONAL, "gpu", False),
    ("cudnn", "", Role.OPTIONAL, "gpu", True),
    ("rich", "", Role.MAIN, "", True),
]


def test_every_table_of_a_manifest_is_read() -> None:
    declaration = read("pixi.toml", MANIFEST)

    assert told(declaration) == EXPECTED
    assert declaration.problems == ()
    assert declaration.declares_main


def test_the_same_tables_are_read_from_pyproject() -> None:
    text = MANIFEST.replace("\n[", "\n[tool.pixi.").replace("[workspace]", "[tool.pixi.workspace]", 1)

    declaration = read("pyproject.toml", "[project]\nname = 'shop'\ndependencies = ['pydantic>=2']\n" + text)

    assert told(declaration) == [("pydantic", ">=2", Role.MAIN, "", False), *EXPECTED]


def test_what_is_a_path_is_known_as_such_and_extras_are_kept() -> None:
    by_name = {one.name: one for one in read("pixi.toml", MANIFEST).requirements}

    assert by_name["shop"].url == "."
    assert by_name["shop"].is_editable
    assert by_name["httpx"].extras == ("http2",)


def test_versions_that_only_conda_understands_are_no_problem() -> None:
    declaration = read("pixi.toml", "[dependencies]\nnumpy = '1.26|2.0'\nmkl = '=2024=h_1'\n")

    assert [(one.name, one.specifier) for one in declaration.requirements] == [("numpy", ""), ("mkl", "==2024.*")]
    assert declaration.problems == ()


def test_the_lock_tells_what_comes_from_an_index() -> None:
    text = """\
version: 6
packages:
- conda: https://conda.example.org/linux-64/numpy-1.26.4-py311.conda
  sha256: aa
- pypi: https://files.example.org/flask-3.0.3-py3-none-any.whl
  name: flask
  version: 3.0.3
  requires_dist:
  - werkzeug>=3
- pypi: .
  name: shop
"""
    declaration = read("pixi.lock", text)

    assert [(one.name, one.pinned) for one in declaration.requirements] == [("flask", "3.0.3"), ("shop", None)]
    assert declaration.problems == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[pypi-dependencies]\nflask = '>=3'\n", "[pypi-dependencies]\nflask = '>=3'\nhttpx = \"*\"\n"),
        ("[dependencies]\nnumpy = '*'\n", None),
    ],
)
def test_an_addition_goes_to_the_table_of_the_index_where_there_is_one(before: str, after: str | None) -> None:
    data = before.encode()

    edit = addition(read("pixi.toml", before), data, {"httpx": None})

    made = None if edit is None else (data[: edit.start] + edit.replacement + data[edit.end :]).decode()
    assert made == after
