"""What `sophia fix --install` will not do, and what it says then: nothing is changed, and no secret is shown."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from wheel_shop import Project, Shop, make_project

NO_ENVIRONMENT = "environment-missing"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.wheel("alpha", "1.0")
    shop.wheel("alpha", "2.0", ["shared>=2"])
    shop.wheel("beta", "1.0", ["shared<2"])
    shop.wheel("shared", "1.0")
    shop.wheel("shared", "2.0")
    shop.source("built", "1.0")
    return shop


@pytest.fixture
def project(tmp_path: Path, shop: Shop) -> Project:
    return make_project(tmp_path, shop)


def _reference(error: str) -> str:
    return error.split("\n", 1)[0].removeprefix("error: ")


def test_a_conflict_names_who_wants_what_in_one_paragraph(project: Project) -> None:
    project.write("requirements.txt", "beta\n")
    project.write("service/requirements.txt", "\nalpha>=2\n")
    before = project.picture()
    ended = project.sophia("fix", "--install")
    assert ended.code == 2
    assert _reference(ended.err) == "packages-conflict"
    paragraph = ended.err.splitlines()[1]
    for part in (
        "requirements.txt:1",
        "service/requirements.txt:2",
        "shared>=2",
        "shared<2",
        "`alpha` 2.0",
        "`beta` 1.0",
    ):
        assert part in paragraph
    assert project.picture() == before


def test_what_comes_as_source_only_is_built_when_allowed_and_not_before(project: Project) -> None:
    project.write("requirements.txt", "built\n")
    refused = project.sophia("fix", "--install")
    assert (refused.code, _reference(refused.err)) == (2, "package-not-found")
    assert "--allow-build built" in refused.err
    assert project.versions() == {}
    allowed = project.sophia("fix", "--install", "--allow-build", "built")
    assert allowed.code == 0, allowed.err
    assert project.versions() == {"built": "1.0"}


def test_an_index_that_does_not_answer_is_exit_69_without_its_password(project: Project) -> None:
    project.write("requirements.txt", "alpha\n")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        ended = project.sophia(
            "fix",
            "--install",
            "--json",
            PIP_NO_INDEX="0",
            PIP_FIND_LINKS="",
            PIP_RETRIES="0",
            PIP_INDEX_URL=f"http://someone:hunter2@127.0.0.1:{port}/token-4711/simple",
        )
    assert ended.code == 69
    assert ended.document["error"]["reference"] == "index-unreachable"
    assert "refused" in ended.document["error"]["message"]
    assert "hunter2" not in ended.out + ended.err
    assert "token-4711" not in ended.out + ended.err


def test_a_project_without_an_environment_is_told_how_to_make_one(tmp_path: Path, shop: Shop) -> None:
    project = Project(tmp_path, shop)
    project.write("requirements.txt", "alpha\n")
    ended = project.sophia("fix", "--install")
    assert (ended.code, _reference(ended.err)) == (2, NO_ENVIRONMENT)
    assert "python3 -m venv .venv" in ended.err
    assert not (tmp_path / ".sophia").exists()


def test_editable_installs_stay_and_names_that_are_only_imported_do_not_come(project: Project) -> None:
    metadata = project.site / "alpha-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("alpha-1.0.dist-info/METADATA,,\n")
    (metadata / "direct_url.json").write_text(json.dumps({"url": "file:///somewhere", "dir_info": {"editable": True}}))
    project.write("main.py", "import beta\n")
    project.write("requirements.txt", "alpha>=2\nshared\n-e ./local\nthing @ git+https://example.invalid/thing\n")
    ended = project.sophia("fix", "--install", "--json", "--select", "SPH1")
    assert ended.code == 0, ended.err
    assert project.versions() == {"alpha": "1.0", "shared": "2.0"}
    notes = {note["name"]: note["reason"] for note in ended.document["packages"]["notes"]}
    assert "editable" in notes["alpha"]
    assert "requirements.txt:4" in notes["thing"]


def test_packages_that_break_the_users_check_are_taken_back(project: Project) -> None:
    project.install("shared==1.0")
    project.write("requirements.txt", "shared>=2\n")
    project.write("broken.py", "def f(a)\n    return a\n")
    check = f"{project.venv}/bin/python -c \"import shared; assert shared.VERSION == '1.0'\""
    before = project.picture()
    ended = project.sophia("fix", "--install", "--json", "--verify", check)
    assert project.picture() == before
    assert ended.document["packages"]["applied"] is False
    assert ended.document["check"]["result"] == "passed"
    assert ended.document["summary"]["files_changed"] == 1
    undone = project.sophia("undo", "--json")
    assert (undone.code, undone.document["packages"]) == (0, [])


def test_allow_build_without_install_is_a_usage_error(tmp_path: Path, shop: Shop) -> None:
    ended = Project(tmp_path, shop).sophia("fix", "--allow-build", "built")
    assert (ended.code, _reference(ended.err)) == (2, "usage")


def test_the_environment_that_sophia_runs_in_must_be_named(tmp_path: Path, shop: Shop) -> None:
    from sophia_cli.core.errors import UsageError
    from sophia_cli.project.packages.target import find_target

    project = make_project(tmp_path, shop)
    environment = shop.environment()
    with pytest.raises(UsageError) as refused:
        find_target(project.root, None, project.venv, environment)
    assert refused.value.reference == "environment-refused"
    assert find_target(project.root, ".venv", project.venv, environment).prefix == project.venv.resolve()
    assert find_target(project.root, None, Path(sys.prefix), environment).shown == ".venv"
