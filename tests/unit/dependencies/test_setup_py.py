"""`setup.py` is read as a tree: literals, names bound to them, and files that they are read from."""

from __future__ import annotations

import pytest

from sophia_cli.project.dependencies.model import Declaration, Role
from sophia_cli.project.dependencies.setup_py import read_setup_py


def read(text: str) -> Declaration:
    return read_setup_py("api/setup.py", text.encode())


def names(declaration: Declaration) -> list[str]:
    return [one.name for one in declaration.requirements]


@pytest.mark.parametrize(
    "text",
    [
        "setup(install_requires=['a', 'b'])",
        "import setuptools\nsetuptools.setup(install_requires=('a', 'b'))",
        "R = ['a']\nR += ['b']\nsetup(install_requires=R)",
        "R = ['a']\nR.append('b')\nsetup(install_requires=R)",
        "R = ['a']\nif True:\n    R.extend(['b'])\nsetup(install_requires=list(R))",
        "A = ['a']\nB = ['b']\nsetup(install_requires=A + B)",
        "A = ['a']\nsetup(install_requires=[*A, 'b'])",
        "setup(install_requires='''\na\n# words\nb\n'''.strip().splitlines())",
        "D = {'x': ['a', 'b']}\nsetup(install_requires=D['x'])",
        "D = dict()\nK = {'install_requires': ['a', 'b']}\nsetup(**K)",
        "setup(install_requires=[r for r in ['a', 'b']])",
        "setup(install_requires=['a'] + (['b'] if x else []))",
    ],
)
def test_literals_are_found_wherever_they_are_bound(text: str) -> None:
    assert names(read(text)) == ["a", "b"]


def test_roles_follow_the_arguments() -> None:
    text = """E = {"pdf": ["c"]}
E["all"] = ["d"]
setup(
    name="shop",
    install_requires=["a"],
    extras_require=E,
    tests_require=["e"],
    setup_requires=["f"],
)
"""
    declaration = read(text)
    assert declaration.distribution == "shop"
    assert {(one.name, one.role, one.group) for one in declaration.requirements} == {
        ("a", Role.MAIN, ""),
        ("c", Role.OPTIONAL, "pdf"),
        ("d", Role.OPTIONAL, "all"),
        ("e", Role.DEV, ""),
        ("f", Role.BUILD, ""),
    }


@pytest.mark.parametrize(
    "text",
    [
        "with open('requirements.txt') as f:\n    R = [line.strip() for line in f]\nsetup(install_requires=R)",
        "R = open(os.path.join(here, 'requirements.txt')).read().splitlines()\nsetup(install_requires=R)",
        "setup(install_requires=Path(__file__).with_name('requirements.txt').read_text().split())",
        "def read(name):\n    return open(name).readlines()\nsetup(install_requires=read('requirements.txt'))",
        "def wanted():\n with open('requirements.txt') as f:\n  return f.readlines()\nsetup(install_requires=wanted())",
        "setup(install_requires=parse_requirements('requirements.txt'))",
    ],
)
def test_a_file_that_the_list_is_read_from_is_an_include(text: str) -> None:
    declaration = read(text)
    assert [one.path for one in declaration.includes] == ["api/requirements.txt"]
    assert declaration.dynamic == ()


def test_what_is_computed_is_said_to_be() -> None:
    assert read("setup(install_requires=wanted(1))").dynamic == ("install_requires",)
    assert read("setup(install_requires=[])").dynamic == ()
    assert read("setup(name='x')").dynamic == ()


def test_nothing_of_it_is_run() -> None:
    assert names(read("raise SystemExit(1)\nsetup(install_requires=['a'])")) == ["a"]


def test_a_file_that_does_not_compile_is_one_problem() -> None:
    declaration = read("setup(\n    name='x'\n    version='1')\n")
    assert [(one.path, one.message) for one in declaration.problems] == [("api/setup.py", "this file does not compile")]


def test_entries_stand_where_they_are_written_also_behind_other_letters() -> None:
    text = "setup(author='Jürgen', install_requires=['a>=1', 'b'])"
    data = text.encode()
    a, b = read_setup_py("setup.py", data).requirements
    assert data[a.value.start : a.value.end] == b">=1"
    assert data[a.span.start : a.span.end] == b"'a>=1', "
    assert data[b.span.start : b.span.end] == b", 'b'"


@pytest.mark.parametrize(
    "text",
    [
        "A = {'name': 'shop'}\nA['install_requires'] = ['a', 'b']\nsetup(**A)",
        "A = dict(name='shop')\nA.update(install_requires=['a', 'b'])\nsetup(**A)",
        "A = {}\nA.update({'install_requires': ['a', 'b']})\nsetup(**A)",
        "setup(**dict(install_requires=['a', 'b']))",
        "setup(install_requires=['a >= ' + VERSION, 'b>=%s, <%s' % (LOW, HIGH)])",
        "setup(install_requires=[f'a=={VERSION}', 'b[fast]>={}'.format(LOW)])",
    ],
)
def test_arguments_set_one_by_one_and_entries_put_together_are_read(text: str) -> None:
    declaration = read(text)
    assert (names(declaration), declaration.problems) == (["a", "b"], ())


def test_arguments_that_nobody_can_read_leave_the_requirements_open() -> None:
    assert read("setup(**arguments())").dynamic == ("install_requires",)
    assert read("A = load()\nsetup(**A)").dynamic == ("install_requires",)
    assert read("setup(**{'name': 'shop'})").dynamic == ()
