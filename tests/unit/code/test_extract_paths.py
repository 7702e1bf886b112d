"""Edits of `sys.path`: the folder is told as it would be when the program runs, or not at all."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sophia_cli.project.code.extract import surface_of
from sophia_cli.project.code.facts import PathEdit

SPELLINGS = [
    "sys.path.insert(0, os.path.dirname(__file__))",
    "sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))",
    "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))",
    "sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), '../..')))",
    "sys.path.append(str(Path(__file__).resolve().parent.parent / 'lib'))",
    "sys.path.append(str(Path(__file__).parents[2]))",
    "sys.path[:0] = [str(Path(__file__).parent.joinpath('a', 'b'))]",
    "sys.path += [os.path.dirname(__file__) + '/lib', f'{os.path.dirname(__file__)}/more']",
    "ROOT = Path(__file__).resolve().parents[1]\nLIB = ROOT / 'lib'\nsys.path.extend([str(ROOT), str(LIB)])",
    "LIB = 'lib'\nif LIB not in sys.path:\n    sys.path.insert(0, LIB)",
    "def setup():\n    here = os.path.dirname(os.path.realpath(__file__))\n    sys.path.insert(0, here)\nsetup()",
    "for name in ('a', 'b'):\n    sys.path.append(os.path.join(os.path.dirname(__file__), name))",
    "sys.path.append(os.getcwd())",
    "sys.path.append('.')",
    "sys.path.append('lib/inner')",
    "sys.path.append(str(Path.cwd() / os.pardir / 'lib'))",
    "sys.path = [os.path.join(os.getcwd(), 'lib')] + sys.path",
    "site.addsitedir(os.path.join(os.path.dirname(__file__), 'site'))",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_folders_are_those_that_running_the_file_puts_on_the_path(text: str, tmp_path: Path) -> None:
    folder, start = tmp_path / "one" / "two" / "three", tmp_path / "start" / "here"
    for made in (folder, start, folder / "site", folder / "a" / "b", folder / "b"):
        made.mkdir(parents=True, exist_ok=True)
    script = folder / "script.py"
    ending = "\nprint(*[p for p in sys.path if p not in before], sep='\\n')"
    beginning = "import os, site, sys\nfrom pathlib import Path\nbefore = [*sys.path]\n"
    script.write_text(beginning + text + ending)
    run = subprocess.run([sys.executable, "-I", script], cwd=start, capture_output=True, text=True, check=True)
    ran = {os.path.normpath(os.path.join(start, line)) for line in run.stdout.splitlines()}
    found = surface_of(ast.parse(text), text).path_edits
    assert {os.path.normpath(os.path.join(folder if edit.from_file else start, *edit.parts)) for edit in found} == ran


@pytest.mark.parametrize(
    "text",
    [
        "sys.path.append(os.environ['LIB'])",
        "sys.path.append('/opt/lib')",
        "sys.path.append(root)",
        "sys.path.remove('lib')",
        "sys.path.append(f'{name}-{other}')",
        "a = b\nb = a\nsys.path.append(a)",
        "os.path.append('lib')",
    ],
)
def test_a_folder_that_cannot_be_told_is_left_out(text: str) -> None:
    assert surface_of(ast.parse(text), text).path_edits == ()


def test_an_edit_has_its_line_and_is_told_once() -> None:
    text = "import sys\nsys.path.append('lib')\nsys.path.append('./lib/')\n"
    assert surface_of(ast.parse(text), text).path_edits == (PathEdit(("lib",), False, 2),)
