"""The Python version that a project declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from sophia_cli.project.python_version import lower_bound, project_python, python_declarations

RUNNING = (3, 11)


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        (">=3.9", (3, 9)),
        (">=3.9,<4", (3, 9)),
        ("<4, >= 3.10.2", (3, 10)),
        ("~=3.8", (3, 8)),
        ("^3.12", (3, 12)),
        ("==3.10.*", (3, 10)),
        ("3.11.*", (3, 11)),
        (">=3.8,!=3.9.1,>=3.10", (3, 10)),
        ("~3.9 || ^3.11", (3, 9)),
        (">=3", (3, 0)),
        (">=2.7", (2, 7)),
        ("<4", None),
        ("*", None),
        ("", None),
        ("three", None),
    ],
)
def test_the_lowest_version_of_a_range_counts(specifier: str, expected: tuple[int, int] | None) -> None:
    assert lower_bound(specifier) == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (".python-version", "# pinned\n3.12.1\n3.8\n", (3, 12)),
        (".python-version", "pypy3.10-7.3.12\n", (3, 10)),
        ("pyproject.toml", "[project]\nrequires-python = '>=3.9'\n", (3, 9)),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.10'\n", (3, 10)),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = {version = '^3.10'}\n", (3, 10)),
        ("setup.cfg", "[options]\npython_requires = >=3.7\n", (3, 7)),
    ],
)
def test_a_declaration_is_read_from_each_file(tmp_path: Path, file: str, text: str, expected: tuple[int, int]) -> None:
    (tmp_path / file).write_text(text)
    (found,) = python_declarations(tmp_path).found
    assert (found.version, found.file) == (expected, file)
    assert project_python(tmp_path, RUNNING) == expected


def test_a_pin_counts_more_than_a_range_and_the_settings_more_than_a_pin(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nrequires-python = '>=3.9'\n")
    (tmp_path / ".python-version").write_text("3.12\n")
    assert project_python(tmp_path, RUNNING) == (3, 12)
    assert project_python(tmp_path, RUNNING, configured=(3, 10)) == (3, 10)


def test_without_a_declaration_the_running_version_counts(tmp_path: Path) -> None:
    assert python_declarations(tmp_path).found == ()
    assert project_python(tmp_path, RUNNING) == RUNNING


def test_a_floor_below_python_3_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[options]\npython_requires = >=2.7\n")
    assert project_python(tmp_path, RUNNING) == RUNNING


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".python-version", "system\n"),
        ("pyproject.toml", "[project\n"),
        ("pyproject.toml", "[project]\nrequires-python = 3.9\n[x\n"),
        ("pyproject.toml", "[project]\nrequires-python = ['>=3.9']\n"),
        ("setup.cfg", "python_requires = >=3.7\n"),
        ("setup.cfg", "[options]\npython_requires = soon\n"),
        ("pyproject.toml", "a = " + "[" * 100_000),
    ],
)
def test_a_declaration_that_cannot_be_read_is_named_and_skipped(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    declarations = python_declarations(tmp_path)
    assert declarations.found == ()
    assert len(declarations.problems) == 1
    assert file in declarations.problems[0]


def test_setup_py_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    project_python(tmp_path, RUNNING)
    assert not (tmp_path / "ran").exists()
