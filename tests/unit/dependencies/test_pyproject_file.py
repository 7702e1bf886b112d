"""`pyproject.toml`, `Pipfile` and `setup.cfg`: every way in which tools let them declare."""

from __future__ import annotations

import pytest

from sophia_cli.project.dependencies.model import Declaration, Role
from sophia_cli.project.dependencies.reading import read_declaration
from sophia_cli.project.dependencies.toml_reader import read_toml

Told = tuple[str, str, Role, str]


def read(path: str, text: str) -> Declaration:
    declaration = read_declaration(path, text.encode())
    assert declaration is not None
    return declaration


def told(declaration: Declaration) -> list[Told]:
    return [(one.name, one.specifier, one.role, one.group) for one in declaration.requirements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[project]\ndependencies = ['a>=1', \"B_b\"]", [("a", ">=1", Role.MAIN, ""), ("b-b", "", Role.MAIN, "")]),
        ("[project.optional-dependencies]\nx = ['a']", [("a", "", Role.OPTIONAL, "x")]),
        ("[project]\noptional-dependencies = { x = ['a'] }", [("a", "", Role.OPTIONAL, "x")]),
        ("[dependency-groups]\ndev = ['a', {include-group = 'b'}]\nb = ['c']", [
            ("a", "", Role.DEV, "dev"), ("c", "", Role.DEV, "b")]),
        ("[build-system]\nrequires = ['setuptools>=61']", [("setuptools", ">=61", Role.BUILD, "")]),
        ("[tool.poetry.dependencies]\npython = '^3.11'\na = '^1.2'", [("a", ">=1.2,<2", Role.MAIN, "")]),
        ("[tool.poetry.dependencies]\na = {version = '~1', optional = true}", [("a", ">=1,<2", Role.OPTIONAL, "")]),
        ("[tool.poetry.dependencies.a]\nversion = '*'", [("a", "", Role.MAIN, "")]),
        ("[tool.poetry.group.t.dependencies]\na = '1.*'", [("a", "==1.*", Role.DEV, "t")]),
        ("[tool.poetry.dev-dependencies]\na = '>=1,<2'", [("a", ">=1,<2", Role.DEV, "dev")]),
        ("[tool.pdm.dev-dependencies]\nt = ['a']", [("a", "", Role.DEV, "t")]),
        ("[tool.pdm.dev-dependencies]\nt = ['-e file:///${PROJECT_ROOT}/../a#egg=a']", [("a", "", Role.DEV, "t")]),
        ("[tool.hatch.envs.t]\ndependencies = ['a']", [("a", "", Role.DEV, "t")]),
        ("[tool.uv]\ndev-dependencies = ['a']\nconstraint-dependencies = ['b<2']", [
            ("a", "", Role.DEV, ""), ("b", "<2", Role.CONSTRAINT, "")]),
        ("[tool.tox.env_run_base]\ndeps = ['a']", [("a", "", Role.DEV, "tox")]),
    ],
)  # fmt: skip
def test_pyproject_declares_in_the_way_of_each_tool(text: str, expected: list[Told]) -> None:
    declaration = read("pyproject.toml", text)
    assert told(declaration) == expected
    assert declaration.problems == ()


def test_setuptools_takes_dynamic_dependencies_from_files() -> None:
    text = """[project]
dynamic = ["dependencies"]
[tool.setuptools.dynamic]
dependencies = {file = ["requirements.in"]}
optional-dependencies.test = {file = "test.txt"}
"""
    declaration = read("api/pyproject.toml", text)
    assert declaration.dynamic == ("dependencies",)
    assert [(one.path, one.role) for one in declaration.includes] == [
        ("api/requirements.in", Role.MAIN),
        ("api/test.txt", Role.DEV),
    ]


def test_a_plugin_of_hatch_takes_dynamic_dependencies_from_files() -> None:
    text = """[project]
dynamic = ["dependencies"]
[tool.hatch.metadata.hooks.requirements_txt]
files = ["reqs/all.list"]
[tool.hatch.metadata.hooks.requirements_txt.optional-dependencies]
web = ["reqs/web.list"]
"""
    assert [(one.path, one.role) for one in read("api/pyproject.toml", text).includes] == [
        ("api/reqs/all.list", Role.MAIN),
        ("api/reqs/web.list", Role.OPTIONAL),
    ]


def test_a_path_or_git_dependency_of_poetry_has_no_version() -> None:
    text = "[tool.poetry.dependencies]\na = {path = '../a', develop = true}\nb = {git = 'https://h/b.git', rev = 'x'}\n"
    a, b = read("pyproject.toml", text).requirements
    assert (a.url, a.is_editable, b.url) == ("../a", True, "https://h/b.git")


@pytest.mark.parametrize(
    ("written", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        (">= 1.2, < 2", ">=1.2,<2"),
        ("^1.0 || ^2.0", ""),
    ],
)
def test_constraints_of_poetry_are_written_out(written: str, specifier: str) -> None:
    (one,) = read("pyproject.toml", f'[tool.poetry.dependencies]\na = "{written}"').requirements
    assert (one.specifier, one.specifier_written) == (specifier, written)


def test_half_a_pyproject_still_tells_the_other_half() -> None:
    text = """[project]
name = "shop"
dependencies = [
  "a",
  "b
  "c",
[tool.black]
x =
[build-system]
requires = ["d"]
"""
    declaration = read("pyproject.toml", text)
    assert [one.name for one in declaration.requirements] == ["a", "c", "d"]
    assert {problem.line for problem in declaration.problems} == {5, 7, 8}


def test_an_array_of_arrays_is_no_header() -> None:
    text = '[tool.tox]\ncommands = [["a-b"]]\nmore = [\n  ["x", "y"],\n  [1, 2],\n]\n[tool.z]\nb = 1\n'
    document = read_toml(text)
    assert document.faults == ()
    assert [section.path for section in document.sections] == [(), ("tool", "tox"), ("tool", "z")]


def test_pipfile_has_packages_and_groups_of_them() -> None:
    text = """[packages]
a = "*"
b = {version = "==1", extras = ["x"]}
[dev-packages]
c = "~=2.1"
[requires]
python_version = "3"
"""
    assert told(read("Pipfile", text)) == [
        ("a", "", Role.MAIN, ""),
        ("b", "==1", Role.MAIN, ""),
        ("c", "~=2.1", Role.DEV, "dev-packages"),
    ]


def test_setup_cfg_lists_one_a_line_and_files() -> None:
    text = """[metadata]
name = shop
[options]
install_requires =
    a>=1
    # a comment
    b; python_version < "3.9"
setup_requires = c
[options.extras_require]
x-y =
    d
z = file: extra.txt
[other]
install_requires = no
"""
    declaration = read("setup.cfg", text)
    assert told(declaration) == [
        ("a", ">=1", Role.MAIN, ""),
        ("b", "", Role.MAIN, ""),
        ("c", "", Role.BUILD, ""),
        ("d", "", Role.OPTIONAL, "x-y"),
    ]
    assert (declaration.distribution, [one.path for one in declaration.includes]) == ("shop", ["extra.txt"])


def test_conda_lists_packages_and_those_of_pip() -> None:
    text = """name: shop
channels: [conda-forge]
dependencies:
  - python=3.11
  - numpy=1.26
  - conda-forge::pandas >=2,<3
  - scipy==1.11.0=py311_0
  - pip:
      - httpx>=0.27
      - -r more.txt
  - zstandard
prefix: /srv
"""
    declaration = read("environment.yml", text)
    assert [(one.name, one.specifier) for one in declaration.requirements] == [
        ("numpy", "==1.26.*"),
        ("pandas", ">=2,<3"),
        ("scipy", "==1.11.0"),
        ("httpx", ">=0.27"),
        ("zstandard", ""),
    ]
    assert [one.path for one in declaration.includes] == ["more.txt"]


def test_test_runners_say_what_they_install() -> None:
    tox = """[tox]
envlist = py
[testenv]
deps =
    pytest>=8
    cov: coverage
    -r{toxinidir}/dev.txt
    {[x]deps}
"""
    declaration = read("tox.ini", tox)
    assert [one.name for one in declaration.requirements] == ["pytest", "coverage"]
    assert [one.path for one in declaration.includes] == ["dev.txt"]
    nox = "def tests(session):\n    session.install('-r', 'dev.txt', 'pytest', '.', '-e', '.', name)\n"
    declaration = read("noxfile.py", nox)
    assert [one.name for one in declaration.requirements] == ["pytest"]
    assert [one.path for one in declaration.includes] == ["dev.txt"]


A = '[[package]]\nname = "A.a"\nversion = "1.0"\n'
B = '[[package]]\nname = "b"\nversion = "2"\n'
PIPENV = """{
    "_meta": {
        "hash": {
            "version": "==9"
        }
    },
    "default": {
        "a-a": {
            "version": "==1.0"
        },
        "b": {
            "version": "==2"
        }
    }
}
"""
LOCKS = {
    "poetry.lock": f'{A}\n[package.dependencies]\nx = "*"\n\n{B}',
    "uv.lock": f'version = 1\n[[package]]\nname = "shop"\nversion = "0"\nsource = {{ editable = "." }}\n{A}{B}',
    "pdm.lock": A + B,
    "pylock.toml": f'lock-version = "1.0"\n{A}{B}'.replace("package", "packages"),
    "Pipfile.lock": PIPENV,
}


@pytest.mark.parametrize("path", LOCKS)
def test_lock_files_name_versions_also_when_they_are_cut_off(path: str) -> None:
    text = LOCKS[path]
    whole = read(path, text)
    assert [(one.name, one.pinned, one.role) for one in whole.requirements] == [
        ("a-a", "1.0", Role.LOCK),
        ("b", "2", Role.LOCK),
    ]
    cut = read(path, text[: text.rindex('"b"')])
    assert [one.name for one in cut.requirements] == ["a-a"]


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("pyproject.toml", "[project]\nname = 'a'\n[project]\ndependencies = ['b']\n", "3: this is no TOML"),
        ("pyproject.toml", "[tool.a]\nb = 1\nb = 2\n", "3: this is no TOML"),
        ("Pipfile", "[packages]\na = '*'\na = '*'\n", "3: this is no TOML"),
        (
            "pyproject.toml",
            "[project]\n<<<<<<< here\nname = 'a'\n=======\nname = 'b'\n>>>>>>> there\n",
            "2: a conflict",
        ),
        ("pyproject.toml", "\ufeff[project]\n", "1: TOML may not begin"),
        (
            "pyproject.toml",
            "[dependency-groups]\na = [{include-group = 'B'}]\n",
            "2: includes the group `b`, which does",
        ),
        (
            "pyproject.toml",
            "[dependency-groups]\na = [{include-group = 'b'}]\nb = ['x', {include-group = 'a'}]\n",
            "3: includes the group `a` in a circle: a -> b -> a",
        ),
        ("setup.cfg", "[metadata\nname = a\n[options]\ninstall_requires = b\n", "1: this line is no section"),
        ("setup.cfg", "[options]\ninstall_requires = b\n[options]\n", "3: this name is there already"),
        ("Pipfile.lock", '{"default": {', "1: this lock file is no JSON"),
        ("environment.yml", "dependencies:\n  - a\n - b\n\t- c\n", "3: this entry stands further out"),
        ("environment.yml", "dependencies:\n  - a\n\t- c\n", "3: YAML allows no tab"),
        ("requirements.txt", "a\0b\n", "1: this is no text"),
    ],
)
def test_what_no_installer_reads_is_one_problem(path: str, text: str, told: str) -> None:
    [problem] = read(path, text).problems
    assert f"{problem.line}: {problem.message}".startswith(told)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "pyproject.toml",
            "[dependency-groups]\na = [{include-group = 'B_c'}]\nb-c = ['x']\nall = ['a', {include-group = 'a'}]",
        ),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    a\n    b ; python_version > '3'\n# words\n[Flake8]\nkey = 1\nKey = 2\n",
        ),
        ("environment.yml", "name: a\nchannels:\n- b\ndependencies:\n- python=3.11\n- pip:\n  - c\n- d\nprefix: /x\n"),
        ("Pipfile.lock", "{}"),
        ("pyproject.toml", "[[tool.a]]\nb = 1\n[[tool.a]]\nb = 2\n"),
    ],
)
def test_what_installers_read_is_no_problem(path: str, text: str) -> None:
    assert read(path, text).problems == ()


def test_a_file_that_is_not_utf_8_is_told_where_it_must_be() -> None:
    for path, text in (
        ("pyproject.toml", "[project]\nname = 'caf\u00e9'\n"),
        ("setup.cfg", "[metadata]\nname = caf\u00e9\n"),
    ):
        declaration = read_declaration(path, text.encode("latin-1"))
        assert declaration is not None
        assert "UTF-8" in declaration.problems[0].message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['pyyaml >= ', 'b']\n"),
        ("pyproject.toml", "[tool.poetry.dependencies]\npyyaml = \"^2\nb = '*'\n"),
        ("setup.cfg", "[options]\ninstall_requires =\n    pyyaml ==\n    b\n"),
        ("requirements.txt", "pyyaml 6.0\nb\n"),
    ],
)
def test_a_version_that_was_never_finished_is_told_and_its_distribution_counts(path: str, text: str) -> None:
    declaration = read(path, text)
    assert [one.name for one in declaration.requirements] == ["pyyaml", "b"]
    assert len(declaration.problems) == 1
