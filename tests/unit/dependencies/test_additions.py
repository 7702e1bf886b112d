"""Entries that are added, changed and taken out, with the layout of the file kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.core.findings import Edit
from sophia_cli.project.dependencies.additions import addition, removal, replacement
from sophia_cli.project.dependencies.model import Declaration
from sophia_cli.project.dependencies.reading import read_declaration


def read(path: str, data: bytes) -> Declaration:
    declaration = read_declaration(path, data)
    assert declaration is not None
    return declaration


def made(data: bytes, edit: Edit | None) -> bytes:
    assert edit is not None
    return data[: edit.start] + edit.replacement + data[edit.end :]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("requirements.txt", "", "x>=1.2\n"),
        ("requirements.txt", "a\n", "a\nx>=1.2\n"),
        ("requirements.txt", "a==1\nb==2", "a==1\nb==2\nx==1.2"),
        ("requirements.txt", "a\r\n", "a\r\nx>=1.2\r\n"),
        ("pyproject.toml", "[project]\nname = 'p'\n", "[project]\nname = 'p'\ndependencies = [\"x>=1.2\"]\n"),
        ("pyproject.toml", "[project]\ndependencies = []\n", '[project]\ndependencies = ["x>=1.2"]\n'),
        ("pyproject.toml", "[project]\ndependencies = ['a']\n", "[project]\ndependencies = ['a', 'x>=1.2']\n"),
        (
            "pyproject.toml",
            '[project]\ndependencies = [\n  "a",  # why\n]\n',
            '[project]\ndependencies = [\n  "a",  # why\n  "x>=1.2",\n]\n',
        ),
        (
            "pyproject.toml",
            '[project]\ndependencies = [\n  "a"\n]\n',
            '[project]\ndependencies = [\n  "a",\n  "x>=1.2"\n]\n',
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\na = "^1"\n\n[tool.black]\n',
            '[tool.poetry.dependencies]\na = "^1"\nx = ">=1.2"\n\n[tool.black]\n',
        ),
        ("Pipfile", '[packages]\na = "*"\n', '[packages]\na = "*"\nx = ">=1.2"\n'),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    a\nzip_safe = no\n",
            "[options]\ninstall_requires =\n    a\n    x>=1.2\nzip_safe = no\n",
        ),
        (
            "setup.py",
            "setup(\n    install_requires=[\n        'a',\n    ],\n)\n",
            "setup(\n    install_requires=[\n        'a',\n        'x>=1.2',\n    ],\n)\n",
        ),
        ("setup.py", 'setup(install_requires=["a"])', 'setup(install_requires=["a", "x>=1.2"])'),
    ],
)
def test_an_entry_is_added_in_the_way_of_the_file(path: str, before: str, after: str) -> None:
    data = before.encode()
    assert made(data, addition(read(path, data), data, {"x": "1.2"})).decode() == after


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "a==1 --hash=sha256:00\n"),
        ("requirements.txt", "a==1\n    # via b\n"),
        ("environment.yml", "dependencies:\n  - a\n"),
        ("pyproject.toml", "[project]\ndynamic = ['dependencies']\n"),
        ("pyproject.toml", "[tool.black]\n"),
        ("setup.py", "setup(install_requires=wanted())"),
        ("uv.lock", '[[package]]\nname = "a"\nversion = "1"\n'),
    ],
)
def test_nothing_is_added_where_the_file_leaves_no_place(path: str, text: str) -> None:
    assert addition(read(path, text.encode()), text.encode(), {"x": "1.2"}) is None


@given(
    names=st.lists(
        st.sampled_from(["a>=1", "b", "c[x]", "d==2; python_version < '4'", "e @ https://h/e.zip"]), max_size=4
    ),
    layout=st.sampled_from(["lines", "array", "wrapped", "trailing"]),
    pin=st.sampled_from([None, "1.2"]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_added_is_read_back_and_what_was_there_stays(names: list[str], layout: str, pin: str | None) -> None:
    quoted = [f'"{name}"' for name in names]
    path, text = {
        "lines": ("requirements.txt", "\n".join(names)),
        "array": ("pyproject.toml", f"[project]\ndependencies = [{', '.join(quoted)}]\n"),
        "wrapped": ("pyproject.toml", "[project]\ndependencies = [\n  " + ",\n  ".join(quoted) + "\n]\n"),
        "trailing": ("pyproject.toml", "[project]\ndependencies = [\n" + "".join(f"  {q},\n" for q in quoted) + "]\n"),
    }[layout]
    data = text.encode()
    before = read(path, data)
    after = read(path, made(data, addition(before, data, {"xyz": pin, "zyx": None})))
    assert after.problems == ()
    assert [one.name for one in after.requirements] == [*(one.name for one in before.requirements), "xyz", "zyx"]
    first = read(path, made(data, removal(before, before.requirements[0]))) if names else before
    assert [one.name for one in first.requirements] == [one.name for one in before.requirements][1:]
    assert first.problems == ()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("requirements.txt", "x>=1,<2  # why\n", "x>=3  # why\n"),
        ("requirements.txt", "x\n", "x>=3\n"),
        ("requirements.txt", "x[a]==1; os_name == 'nt'\n", "x[a]>=3; os_name == 'nt'\n"),
        ("pyproject.toml", "[project]\ndependencies = ['x (>=1)']\n", "[project]\ndependencies = ['x >=3']\n"),
        ("pyproject.toml", '[tool.poetry.dependencies]\nx = "^1"\n', '[tool.poetry.dependencies]\nx = ">=3"\n'),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nx = {version = "^1", extras = ["a"]}\n',
            '[tool.poetry.dependencies]\nx = {version = ">=3", extras = ["a"]}\n',
        ),
    ],
)
def test_another_version_takes_the_place_of_the_old_words(path: str, before: str, after: str) -> None:
    data = before.encode()
    declaration = read(path, data)
    assert made(data, replacement(declaration, declaration.requirements[0], ">=3")).decode() == after


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "x @ https://h/x.zip\n"),
        ("pyproject.toml", '[tool.poetry.dependencies]\nx = {path = "../x"}\n'),
    ],
)
def test_a_direct_reference_has_no_version_to_change(path: str, text: str) -> None:
    declaration = read(path, text.encode())
    assert replacement(declaration, declaration.requirements[0], ">=3") is None


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "pyproject.toml",
            "[project]\ndependencies = ['a']\n[dependency-groups]\ndev = ['b']\ntest = [\n  'c',\n]\n",
            "[project]\ndependencies = ['a']\n[dependency-groups]\ndev = ['b']\ntest = [\n  'c',\n  'x>=1.2',\n]\n",
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['a']\n[project.optional-dependencies]\ndev = ['b']\n",
            "[project]\ndependencies = ['a']\n[project.optional-dependencies]\ndev = ['b', 'x>=1.2']\n",
        ),
        (
            "pyproject.toml",
            "[tool.pdm.dev-dependencies]\ntest = ['b']\n",
            "[tool.pdm.dev-dependencies]\ntest = ['b', 'x>=1.2']\n",
        ),
        (
            "pyproject.toml",
            "[tool.uv]\ndev-dependencies = ['b']\n",
            "[tool.uv]\ndev-dependencies = ['b', 'x>=1.2']\n",
        ),
        ("pyproject.toml", "[dependency-groups]\ndev = []\n", '[dependency-groups]\ndev = ["x>=1.2"]\n'),
        (
            "pyproject.toml",
            "[tool.poetry.group.dev.dependencies]\na = '*'\n",
            "[tool.poetry.group.dev.dependencies]\na = '*'\nx = \">=1.2\"\n",
        ),
        ("Pipfile", "[packages]\n[dev-packages]\n", '[packages]\n[dev-packages]\nx = ">=1.2"\n'),
        ("requirements.txt", "a\n", "a\nx>=1.2\n"),
        (
            "pixi.toml",
            "[feature.test.pypi-dependencies]\na = '*'\n",
            "[feature.test.pypi-dependencies]\na = '*'\nx = \">=1.2\"\n",
        ),
        ("pyproject.toml", "[project]\ndependencies = ['a']\n", None),
        ("setup.cfg", "[options]\ninstall_requires =\n    a\n", None),
    ],
)
def test_what_is_only_needed_to_develop_goes_to_a_group_that_is_there(
    path: str, before: str, after: str | None
) -> None:
    data = before.encode()

    edit = addition(read(path, data), data, {"x": "1.2"}, ("test", "dev"))

    assert (None if edit is None else made(data, edit).decode()) == after
