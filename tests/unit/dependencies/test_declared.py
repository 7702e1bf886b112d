"""What covers a file, what includes what, and where an import comes from."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sophia_cli.project.dependencies.declared import collect, is_sample
from sophia_cli.project.dependencies.formats import format_of, is_usual, role_of
from sophia_cli.project.dependencies.import_names import import_names, parse_import_names
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.dependencies.lookup import Dependencies, Evidence
from sophia_cli.project.dependencies.model import Format, Role

TABLE = parse_import_names(
    "# words\ncv2\topencv-python opencv-python-headless\tfiles\nyaml\tpyyaml\tfiles\n"
    "google.cloud.storage\tgoogle-cloud-storage\tdocs\nagents\topenai-agents\tdocs?\n"
)


def dependencies(files: Mapping[str, str], *installed: InstalledDistribution) -> Dependencies:
    data = {path: text.encode() for path, text in files.items()}
    found = Environment("venv", {one.name: one for one in installed})
    return Dependencies(collect(data, data.get), found, TABLE)


def homes(files: Mapping[str, str], path: str) -> list[str]:
    return [one.path for one in dependencies(files).homes(path)]


def test_the_nearest_declaration_upwards_and_the_roots_cover_a_file() -> None:
    files = {"requirements.txt": "a", "x/requirements.txt": "b", "x/y/pyproject.toml": "[project]\n", "z/setup.cfg": ""}
    assert homes(files, "x/y/z/app.py") == ["x/y/pyproject.toml", "requirements.txt"]
    assert homes(files, "x/w/app.py") == ["x/requirements.txt", "requirements.txt"]
    assert homes(files, "z/app.py") == ["requirements.txt"]
    assert homes(files, "app.py") == ["requirements.txt"]


def test_a_text_about_requirements_is_no_list_of_them() -> None:
    prose = "Constraints\n===========\n\n" + "A constraint is a rule, see below.\n" * 6
    half = "flask\nhttpx ==\nred is\nand more\nyaml >\n"
    declared = dependencies({"docs/constraints.txt": prose, "requirements.txt": half}).declared
    assert list(declared.files) == ["requirements.txt"]
    assert len(declared.problems) == 4


def test_a_list_with_a_merge_that_was_not_finished_is_still_a_list() -> None:
    text = (
        "requests==2.*\nflask=<2\n==3\n"
        "<<<<<<< HEAD\ndjango==4\n||||||| base\ndjango==3\n=======\ndjango==5\n>>>>>>> x\n"
        "-r\n--unknown-flag x\n-e\n"
    )
    declared = dependencies({"requirements.txt": text}).declared
    assert {one.name for _, one in declared.requirements("requirements.txt")} >= {"requests", "django", "flask"}
    assert [one.line for one in declared.problems] == [2, 3, 4, 11, 12, 13]


def test_a_folder_of_tests_declares_on_top_of_what_is_above_it() -> None:
    files = {
        "x/requirements.txt": "a",
        "x/tests/requirements.txt": "b",
        "setup.cfg": "[options]\ninstall_requires = c\n",
    }
    assert homes(files, "x/tests/test_app.py") == ["x/tests/requirements.txt", "x/requirements.txt", "setup.cfg"]


def test_settings_of_tools_alone_are_no_declaration() -> None:
    files = {"x/pyproject.toml": "[tool.black]\n[build-system]\nrequires = ['setuptools']\n", "requirements.txt": "a"}
    assert homes(files, "x/app.py") == ["requirements.txt"]


def test_a_folder_of_requirements_is_for_the_folder_above_it() -> None:
    assert homes({"x/requirements/base.in": "a"}, "x/app.py") == ["x/requirements/base.in"]


def test_what_a_file_includes_counts_with_the_role_that_the_include_gives_it() -> None:
    files = {"requirements.txt": "-r more/all.list\n-c limits.txt\na", "more/all.list": "b", "limits.txt": "c<2"}
    declared = dependencies(files).declared
    assert [one.name for _, one in declared.requirements("requirements.txt")] == ["a", "b"]
    assert declared.problems == ()


def test_a_circle_is_one_problem_and_so_is_each_file_that_is_gone() -> None:
    files = {
        "a-requirements.txt": "x\n-r b-requirements.txt",
        "b-requirements.txt": "-r a-requirements.txt\n-r gone.txt",
    }
    problems = [(one.path, one.line) for one in dependencies(files).declared.problems]
    assert problems == [("a-requirements.txt", 2), ("b-requirements.txt", 2)]


@pytest.mark.parametrize(
    ("path", "kind", "role", "usual"),
    [
        ("requirements.txt", Format.REQUIREMENTS, Role.MAIN, True),
        ("requirements-dev.txt", Format.REQUIREMENTS, Role.DEV, True),
        ("test-requirements.txt", Format.REQUIREMENTS, Role.DEV, True),
        ("requirements/prod.txt", Format.REQUIREMENTS, Role.MAIN, True),
        ("requirements_py311.txt", Format.REQUIREMENTS, Role.MAIN, True),
        ("demo_requirements.txt", Format.REQUIREMENTS, Role.MAIN, False),
        ("constraints.txt", Format.REQUIREMENTS, Role.CONSTRAINT, True),
        ("environment.yml", Format.CONDA, Role.MAIN, True),
        ("pylock.dev.toml", Format.LOCK, Role.MAIN, True),
        ("notes.txt", None, Role.MAIN, True),
    ],
)
def test_the_name_of_a_file_tells_what_it_declares(path: str, kind: Format | None, role: Role, usual: bool) -> None:
    assert format_of(path) is kind
    assert is_usual(path) is usual
    if kind is Format.REQUIREMENTS:
        assert role_of(path) is role


def test_inputs_of_tests_declare_nothing_for_the_project() -> None:
    assert is_sample("tests/fixtures/app/requirements.txt")
    assert is_sample("tests/apps/one/pyproject.toml")
    assert not is_sample("tests/integration/requirements.txt")
    assert not is_sample("tests/pyproject.toml")


def test_metadata_is_believed_first_then_declarations_then_locks_then_the_table() -> None:
    files = {
        "requirements.txt": "opencv-python-headless",
        "uv.lock": '[[package]]\nname = "pyyaml"\nversion = "6.0.2"\n',
    }
    mine = InstalledDistribution("acme-vision", "1.0", ("acme_vision", "shared.acme"))
    found = dependencies(files, mine)
    told = {
        name: found.distributions_of(name) for name in ("acme_vision.lens", "cv2", "yaml", "google.cloud.storage.blob")
    }
    assert {name: (one.distribution, one.evidence) for name, one in told.items() if one} == {
        "acme_vision.lens": ("acme-vision", Evidence.INSTALLED),
        "cv2": ("opencv-python-headless", Evidence.DECLARED),
        "yaml": ("pyyaml", Evidence.LOCKED),
        "google.cloud.storage.blob": ("google-cloud-storage", Evidence.KNOWN),
    }
    assert found.is_shared("google.cloud")
    assert found.is_shared("shared")
    assert not found.is_shared("cv2")


def test_names_are_never_taken_to_be_equal() -> None:
    found = dependencies({"requirements.txt": "httpx"})
    assert found.distributions_of("quux") is None
    assert not found.provides("quux")


def test_a_common_word_proves_nothing_unless_it_is_declared() -> None:
    assert not dependencies({}).provides("agents.planner")
    assert dependencies({"requirements.txt": "openai-agents"}).provides("agents.planner")


@pytest.mark.parametrize(
    ("line", "dotted", "covers"),
    [
        ("PyYAML", "yaml.nodes", True),
        ("opencv-python-headless", "cv2", True),
        ("google-cloud-storage", "google.cloud.storage", True),
        ("google-cloud-storage", "google.cloud.tasks", False),
        ("acme.billing", "acme.billing.invoices", True),
        ("python-quux", "quux", True),
        ("quux-sdk", "quux", True),
        ("redis[hiredis]", "hiredis", True),
        ("redis", "hiredis", False),
        ("numpy", "yaml", False),
    ],
)
def test_a_declared_name_covers_the_imports_that_it_offers(line: str, dotted: str, covers: bool) -> None:
    found = dependencies({"requirements.txt": line})
    assert (found.covering(dotted, found.coverage("app.py").usual) is not None) is covers


def test_extras_cover_what_the_metadata_says_they_add() -> None:
    fastapi = InstalledDistribution("fastapi", "0.111.0", ("fastapi",), ("starlette",), {"all": ("pyyaml",)})
    found = dependencies({"requirements.txt": "fastapi[all]"}, fastapi)
    assert found.covering("yaml", found.coverage("app.py").usual) == "fastapi"
    assert found.comes_along_with("starlette", found.coverage("app.py").usual) == "fastapi"


def test_a_table_says_the_same_however_often_it_is_asked() -> None:
    text = "".join(f"name{number}\tdistribution-{number}\tfiles\n" for number in range(40)) + "name7\tlast\tdocs?\n"
    names = parse_import_names(text)
    said = [names.find(f"name{number}.inner") for number in (*range(41), *range(41))]
    assert said[:41] == said[41:]
    assert said[40] is None
    assert [one.distributions[0] for one in said[:8] if one is not None][6:] == ["distribution-6", "last"]


def test_the_table_is_whole_sorted_and_names_distributions_as_pep_503_does() -> None:
    names = import_names()
    different = [name for name, one in names.entries.items() if name.replace("_", "-").lower() != one.distributions[0]]
    assert len(different) > 500
    assert list(names.entries) == sorted(names.entries, key=lambda name: (name.lower(), name))
    for one in names.entries.values():
        assert all(name == name.lower() and "_" not in name and "." not in name for name in one.distributions)
        assert all(part.isidentifier() for part in one.import_name.split("."))
    assert names.find("PIL.Image") is not None
    assert names.find("google.cloud") is None
    assert names.is_namespace("google.cloud")
    assert names.imports_of("pyyaml") == ("_yaml", "yaml")


def test_what_is_installed_from_a_folder_of_the_project_has_the_name_that_this_makes() -> None:
    files = {
        "services/api/requirements.txt": "-e ../../libs/money[all]\n./gone\n",
        "libs/money/pyproject.toml": "[project]\nname = 'Acme_Money'\n",
    }
    found = dependencies(files).declared.files["services/api/requirements.txt"].requirements
    assert [one.name for one in found] == ["acme-money", ""]
