"""`sophia fix --install` once from the dry run to the undo, and what each of them says and does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
from wheel_shop import LIMIT_S, Ended, Picture, Project, Shop, make_project

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@dataclass(frozen=True, slots=True)
class Story:
    """An environment that holds alpha 1 and beta 1, a project that wants more, and what came of it."""

    project: Project
    dry: Ended
    unchanged: bool
    fixed: Ended
    versions: dict[str, str]
    recorded: list[str]
    again: Ended
    undone: Ended
    before: Picture
    after: Picture
    back: Picture
    kept: Path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    shop = Shop(folder / "shop")
    shop.folder.mkdir()
    data = {"alpha-1.0.data/data/share/alpha.txt": "one\n", "alpha-1.0.data/scripts/alpha-tool": "#!python\nprint(1)\n"}
    shop.wheel("alpha", "1.0", files={**data, "alpha/old.py": "x = 1\n"}, scripts=["alpha"])
    shop.wheel("alpha", "2.0", ["shared>=2"], files={"alpha/new/part.py": "x = 2\n"}, scripts=["alpha", "alpha-two"])
    shop.wheel("beta", "1.0")
    shop.wheel("beta", "2.0")
    for version in ("1.0", "2.0", "3.0"):
        shop.wheel("shared", version)
    project = make_project(folder, shop)
    project.install("alpha==1.0", "beta==1.0")
    project.write("requirements.txt", "-r more.txt\nbeta>=1\n")
    project.write("more.txt", "alpha>=2  # the two\nshared!=3.0\n")
    project.write("broken.py", "def f(a)\n    return a\n")
    before = project.picture()
    state = {path.name for path in project.root.iterdir()}
    dry = project.sophia("fix", "--install", "--dry-run", "--json")
    unchanged = project.picture() == before and "return a" in (project.root / "broken.py").read_text()
    unchanged = unchanged and not (project.root / ".sophia" / "runs").exists() and state is not None
    fixed = project.sophia("fix", "--install", "--json")
    after, versions = project.picture(), project.versions()
    recorded = (project.site / "alpha-2.0.dist-info" / "RECORD").read_text().split()
    again = project.sophia("fix", "--install")
    # The shop is closed: the way back needs nobody.
    shutil.rmtree(shop.folder)
    undone = project.sophia("undo", "--json")
    kept = project.root / ".sophia" / "runs" / fixed.document["run_id"] / "packages"
    return Story(
        project, dry, unchanged, fixed, versions, recorded, again, undone, before, after, project.picture(), kept
    )


def test_a_dry_run_changes_nothing_and_says_that_it_would(story: Story) -> None:
    assert story.dry.code == 1
    assert story.unchanged


def test_a_dry_run_shows_the_very_steps_that_a_run_makes(story: Story) -> None:
    assert story.dry.document["packages"]["steps"] == story.fixed.document["packages"]["steps"]
    assert [(s["name"], s["action"], s["before"], s["after"]) for s in story.dry.document["packages"]["steps"]] == [
        ("alpha", "upgrade", "1.0", "2.0"),
        ("shared", "install", None, "2.0"),
    ]


def test_a_step_says_who_wants_it(story: Story) -> None:
    steps = {step["name"]: step["wanted_by"] for step in story.dry.document["packages"]["steps"]}
    assert steps == {"alpha": ["more.txt:1"], "shared": ["more.txt:2", "alpha"]}


def test_what_is_there_and_will_do_stays(story: Story) -> None:
    assert story.versions == {"alpha": "2.0", "beta": "1.0", "shared": "2.0"}
    assert story.fixed.document["packages"]["unchanged"] == 1


def test_files_and_packages_are_one_run(story: Story) -> None:
    assert story.fixed.code == 0
    assert story.fixed.document["summary"]["files_changed"] == 1
    assert story.fixed.document["packages"]["applied"] is True
    assert story.undone.document["restored"] == ["broken.py"]
    assert story.undone.document["packages"] == ["alpha", "shared"]


def test_the_plan_is_shown_on_standard_error_before_it_is_carried_out(story: Story) -> None:
    assert "alpha 1.0 -> 2.0" in story.fixed.err


def test_undo_brings_back_the_very_files_without_the_index(story: Story) -> None:
    assert story.undone.code == 0
    assert story.after != story.before
    assert story.back == story.before


def test_no_folder_of_the_new_packages_is_left_behind(story: Story) -> None:
    folders = {path.name for path in story.project.site.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {"alpha", "alpha-1.0.dist-info", "beta", "beta-1.0.dist-info"}
    assert not (story.project.site / "alpha" / "new").exists()


def test_what_pip_installed_was_all_foreseen(story: Story) -> None:
    manifest = json.loads((story.kept / "manifest.json").read_text())
    foreseen = {(story.project.venv / file["path"]).resolve() for file in manifest["files"]}
    rows = [row.rpartition(",")[0].rpartition(",")[0] for row in story.recorded]
    installed = {(story.project.site / row).resolve() for row in rows if not row.endswith(".pyc")}
    assert installed <= foreseen


def test_the_resolved_versions_are_kept_with_their_hashes(story: Story) -> None:
    resolved = story.project.root / story.fixed.document["packages"]["resolved"]
    lines = resolved.read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["alpha==2.0", "beta==1.0", "shared==2.0"]
    assert all("--hash=sha256:" in line for line in lines)


def test_the_old_package_is_kept_as_a_wheel_that_pip_can_install(story: Story, tmp_path: Path) -> None:
    wheel = story.kept / "alpha-1.0-py3-none-any.whl"
    assert zipfile.ZipFile(wheel).testzip() is None
    words = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(tmp_path),
        str(wheel),
    ]
    subprocess.run(words, check=True, timeout=LIMIT_S, env=story.project.shop.environment())
    assert (tmp_path / "alpha" / "old.py").read_text() == "x = 1\n"


def test_a_second_run_finds_everything_as_declared(story: Story) -> None:
    assert story.again.code == 0
    assert "nothing to install" in story.again.out


@pytest.mark.parametrize(("command", "part"), [("fix", "dry"), ("fix", "fixed"), ("undo", "undone")])
def test_documents_keep_to_their_schemas(story: Story, command: str, part: str) -> None:
    schema = json.loads((SCHEMAS / f"{command}.json").read_text())
    Draft202012Validator(schema).validate(getattr(story, part).document)
