"""Which folders are source roots, and what says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_project import graph_of, outcome

from sophia_cli.fixers.file_facts import facts_of_bytes
from sophia_cli.project.imports.model import Outcome, Reason, SourceRoot
from sophia_cli.project.imports.roots import infer_roots, is_root_document

LIB = {
    "lib/shop/__init__.py": "",
    "lib/shop/prices.py": "",
    "app.py": "import shop.prices\n",
    "jobs/nightly/run.py": "",
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[project]\nname = "x"\n[tool.setuptools]\npackage-dir = {"" = "lib"}\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.setuptools.packages.find]\nwhere = ["lib"]\n'),
        ("pyproject.toml", '[tool.poetry]\nname = "x"\npackages = [{include = "shop", from = "lib"}]\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.hatch.build.targets.wheel]\npackages = ["lib/shop"]\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.hatch.build]\nsources = ["lib"]\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.hatch.build.sources]\n"lib/shop" = "shop"\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.pdm.build]\npackage-dir = "lib"\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.uv.build-backend]\nmodule-root = "lib"\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["lib"]\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = "lib other"\n'),
        ("pyproject.toml", '[tool.mypy]\nmypy_path = "$MYPY_CONFIG_FILE_DIR/lib"\n'),
        ("pyproject.toml", '[tool.pyright]\nextraPaths = ["lib"]\n'),
        ("pyproject.toml", '[[tool.pyright.executionEnvironments]]\nroot = "."\nextraPaths = ["lib"]\n'),
        ("setup.cfg", "[options]\npackage_dir =\n    = lib\n[metadata]\nname = x\n"),
        ("setup.cfg", "[options]\n[options.packages.find]\nwhere = lib\n"),
        ("setup.cfg", "[tool:pytest]\npythonpath = lib\n"),
        ("pytest.ini", "[pytest]\npythonpath = lib\n"),
        ("mypy.ini", "[mypy]\nmypy_path = other:lib\n"),
        ("pyrightconfig.json", '{ // comment\n "extraPaths": ["lib"] }'),
        ("setup.py", 'from setuptools import setup\nsetup(name="x", package_dir={"": "lib"})\n'),
        ("setup.py", 'import setuptools\nwhere = {"": "lib"}\nsetuptools.setup(package_dir=where)\n'),
        ("setup.py", 'from setuptools import *\nsetup(packages=find_packages("lib"))\n'),
        ("Dockerfile", "FROM python\nWORKDIR /app\nCOPY . .\nENV PYTHONPATH=/app/lib\n"),
        ("Dockerfile", 'FROM python\nWORKDIR /app\nCOPY . .\nENV A=1 \\\n    PYTHONPATH="/app:/app/lib"\n'),
        ("docker-compose.yml", "services:\n  api:\n    environment:\n      PYTHONPATH: /app/lib\n"),
        (".github/workflows/test.yml", "jobs:\n  a:\n    env:\n      PYTHONPATH: ${{ github.workspace }}/lib\n"),
        ("Makefile", "test:\n\tPYTHONPATH=$(PWD)/lib:. pytest\n"),
        ("Makefile", "run:\n\tcd jobs/nightly && PYTHONPATH=../../lib python run.py\n"),
        ("run.sh", 'export PYTHONPATH="$PWD/lib:$PYTHONPATH"\n'),
        (".env", "PYTHONPATH=lib\n"),
        ("Procfile", "web: gunicorn --pythonpath lib shop.wsgi\n"),
    ],
)
def test_a_declared_folder_is_a_root(name: str, text: str) -> None:
    assert is_root_document(name)
    assert outcome({**LIB, name: text}, "app.py") is Outcome.MODULE
    assert outcome({**LIB, name: ""}, "app.py") is Outcome.OTHER_ROOT


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.path.insert(0, 'lib')\nimport shop.prices\n",
        "import sys, os\nsys.path.append(os.path.join(os.path.dirname(__file__), 'lib'))\nimport shop.prices\n",
        "import os, sys\nsys.path.append(os.path.join(find_root(), 'lib'))\nimport shop.prices\n",
        "import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).parent / 'lib'))\nimport shop.prices\n",
    ],
)
def test_a_file_that_changes_the_path_finds_modules_there(text: str) -> None:
    graph = graph_of({**LIB, "app.py": text, "other.py": "import shop.prices\n"})
    assert graph.imports_of("app.py")[-1].resolution.outcome is Outcome.MODULE
    assert graph.imports_of("other.py")[0].resolution.outcome is Outcome.OTHER_ROOT


def test_what_a_program_puts_on_the_path_holds_for_the_files_it_imports() -> None:
    texts = {
        **LIB,
        "run.py": "import sys\nsys.path.insert(0, 'lib')\nimport jobs.work\n",
        "jobs/work.py": "import shop.prices\n",
        "jobs/other.py": "import shop.prices\n",
    }
    assert outcome(texts, "jobs/work.py") is Outcome.MODULE
    assert outcome(texts, "jobs/other.py") is Outcome.OTHER_ROOT


def test_a_conftest_changes_the_path_for_its_folder() -> None:
    conftest = "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))\n"
    texts = {**LIB, "tests/conftest.py": conftest, "tests/unit/test_shop.py": "import shop.prices\n"}
    assert outcome(texts, "tests/unit/test_shop.py") is Outcome.MODULE


def test_a_conftest_of_the_whole_project_changes_the_path_for_tests_alone() -> None:
    texts = {
        **LIB,
        "conftest.py": "import sys\nsys.path.insert(0, 'lib')\n",
        "tests/test_shop.py": "import shop.prices\n",
        "jobs/work.py": "import shop.prices\n",
        "jobs/test_work.py": "import shop.prices\n",
    }
    assert outcome(texts, "tests/test_shop.py") is Outcome.MODULE
    assert outcome(texts, "jobs/test_work.py") is Outcome.MODULE
    assert outcome(texts, "jobs/work.py") is Outcome.OTHER_ROOT


def test_a_container_gives_a_folder_another_name() -> None:
    dockerfile = (
        'FROM python\nWORKDIR /srv\nCOPY price-service /srv/price_service\nCMD ["python", "-m", "price_service.run"]\n'
    )
    texts = {
        "Dockerfile": dockerfile,
        "price-service/config.py": "",
        "price-service/run.py": "import price_service.config\n",
    }
    assert outcome(texts, "price-service/run.py") is Outcome.MODULE


def test_what_a_compose_file_mounts_lies_where_the_container_starts() -> None:
    compose = (
        "services:\n  # no code\n  cache:\n    image: cache\n  report:\n    image: python\n    working_dir: /srv\n"
        "    volumes:\n      - ./report-service:/srv\n      - ./libs/table-lib/table:/srv/table\n"
        "  other:\n    working_dir: /other\n"
    )
    texts = {
        "docker-compose.yml": compose,
        "libs/table-lib/table/__init__.py": "",
        "libs/table-lib/table/cells.py": "",
        "report-service/run.py": "import table.cells\n",
        "mail-service/run.py": "import table.cells\n",
    }
    assert outcome(texts, "report-service/run.py") is Outcome.MODULE
    assert outcome(texts, "mail-service/run.py") is Outcome.OTHER_ROOT
    roots = infer_roots({path: facts_of_bytes(path, b"") for path in texts}, {"docker-compose.yml": compose.encode()})
    assert [root.evidence for root in roots if root.package == "table"][:1] == ["docker-compose.yml:10"]


def test_a_command_that_starts_in_a_package_makes_its_modules_top_level() -> None:
    texts = {
        "api/__init__.py": "",
        "api/config.py": "",
        "api/main.py": "import config\n",
        "start.sh": "cd api && uvicorn main:app\n",
    }
    assert outcome(texts, "api/main.py") is Outcome.MODULE
    assert outcome({**texts, "start.sh": ""}, "api/main.py") is Outcome.LUCKY


def test_a_package_of_another_subproject_can_be_imported_as_it_is_installed() -> None:
    texts = {
        "libs/money/pyproject.toml": '[project]\nname = "money"\n[build-system]\nbuild-backend = "hatchling.build"\n',
        "libs/money/src/money/__init__.py": "",
        "services/api/main.py": "import money\n",
    }
    assert outcome(texts, "services/api/main.py") is Outcome.MODULE


def test_a_project_that_tests_work_on_declares_roots_for_itself_alone() -> None:
    texts = {
        "tests/demo/pyproject.toml": '[project]\nname = "demo"\n[build-system]\nbuild-backend = "hatchling.build"\n',
        "tests/demo/src/demo/__init__.py": "x = 1\n",
        "app.py": "from demo import x\n",
    }
    assert outcome(texts, "app.py") is Outcome.OTHER_ROOT


def test_a_root_tells_where_it_was_seen() -> None:
    files = {"lib/shop.py": facts_of_bytes("lib/shop.py", b"")}
    text = b'[project]\nname = "x"\n\n[tool.setuptools.packages.find]\nwhere = ["lib"]\n'
    (found,) = infer_roots(files, {"pyproject.toml": text})
    assert found == SourceRoot("lib", Reason.PACKAGING, "pyproject.toml:5")


def test_folders_without_python_and_outside_of_the_project_are_no_roots() -> None:
    files = {"app.py": facts_of_bytes("app.py", b"import sys\nsys.path.insert(0, '../../elsewhere')\n")}
    assert infer_roots(files, {".env": b"PYTHONPATH=docs:../other:/usr/lib\n"}) == ()


@given(
    st.sampled_from(["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pyrightconfig.json", "Dockerfile", "a.sh"]),
    st.text(alphabet=st.sampled_from("[]{}=\"'\\\n\t :./#,$-setup toolpyhCOPYWRKDIENVcd&"), max_size=120),
)
@settings(max_examples=150, deadline=None)
def test_no_document_makes_the_inference_fail(name: str, text: str) -> None:
    files = {"lib/shop.py": facts_of_bytes("lib/shop.py", b"")}
    assert all(root.path in ("", "lib") for root in infer_roots(files, {name: text.encode()}))


def test_bytes_that_are_no_text_are_passed_over() -> None:
    files = {"lib/shop.py": facts_of_bytes("lib/shop.py", b"")}
    assert (
        infer_roots(files, {"pyproject.toml": b"\xff\xfe\x00", "setup.py": b"setup(\x00", "Dockerfile": b"\xff"}) == ()
    )


def test_a_file_that_imports_the_one_that_changes_the_path_finds_what_lies_there() -> None:
    texts = {
        "jobs/paths.py": "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '../libs/common'))\n",
        "jobs/run.py": "import paths\nfrom texts.slugs import slug\n",
        "jobs/other.py": "from texts.slugs import slug\n",
        "libs/common/texts/slugs.py": "slug = str\n",
    }
    graph = graph_of(texts)
    assert graph.imports_of("jobs/run.py")[1].resolution.outcome is Outcome.MODULE
    assert graph.imports_of("jobs/other.py")[0].resolution.outcome is Outcome.OTHER_ROOT
