"""No reader ever raises, whatever the bytes; what it returns lies inside the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.dependencies.model import Declaration
from sophia_cli.project.dependencies.reading import read_declaration

_PATHS = (
    "requirements.txt",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "pixi.toml",
    "environment.yml",
    "poetry.lock",
    "Pipfile.lock",
    "pixi.lock",
)
_PIECES = st.sampled_from(
    [
        "[project]",
        "[tool.poetry.dependencies]",
        "[[package]]",
        "[options]",
        "[options.extras_require]",
        "[packages]",
        "[dependencies]",
        "[feature.a.target.b.pypi-dependencies]",
        "[tool.pixi.dependencies]",
        "- pypi: ",
        "dependencies = [",
        "dependencies:",
        "install_requires =",
        "install_requires=[",
        "setup(",
        "setup(**",
        ")",
        "]",
        "}",
        "{",
        "name = ",
        '"flask',
        "flask>=1",
        '"flask>=1"',
        "'x",
        '"""',
        "'''",
        "\\",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "  ",
        "-r ",
        "-e ",
        "-c x.txt",
        "git+https://h/x.git#egg=x",
        "@ ",
        "==",
        ">=1,<2",
        "; python_version<'3'",
        "#",
        ",",
        "  - numpy=1.2",
        "  - pip:",
        "    - x",
        "=",
        "version = ",
        '"1.2"',
        "\ufeff",
        "é",
        "\x00",
        "\x0c",
        "\u2028",
        "file: a.txt",
        '    "default": {',
        '        "a": {',
        '            "version": "==1"',
        "Package Version",
        "--- ---",
        "a = a + a",
        "a += [a]",
        "a[",
        "**a",
        "open('requirements.txt')",
        "^1",
        "~1",
        "*",
        "||",
        "\ud800",
    ]
)


def _is_inside(declaration: Declaration, data: bytes) -> None:
    lines = len(data.splitlines()) + data.count(b"\r") + data.count(b"\x00") + 2
    for requirement in declaration.requirements:
        for span in (requirement.span, requirement.value):
            assert 0 <= span.start <= span.end <= len(data)
        assert 1 <= requirement.line <= lines
    for problem in declaration.problems:
        assert 1 <= problem.line <= lines


@pytest.mark.parametrize("path", _PATHS)
@given(pieces=st.lists(_PIECES, max_size=25))
@settings(max_examples=150, deadline=None)
def test_no_reader_raises_for_pieces_of_declarations(path: str, pieces: list[str]) -> None:
    data = "".join(pieces).encode("utf-8", "surrogatepass")
    declaration = read_declaration(path, data)
    assert declaration is not None
    _is_inside(declaration, data)


@pytest.mark.parametrize("path", _PATHS)
@given(data=st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-16")))
@settings(max_examples=80, deadline=None)
def test_no_reader_raises_for_any_bytes(path: str, data: bytes) -> None:
    declaration = read_declaration(path, data)
    assert declaration is not None
    _is_inside(declaration, data)
