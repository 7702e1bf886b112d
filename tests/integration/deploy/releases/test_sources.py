"""What a release is copied from: everything that git tracks or does not ignore, and nothing outside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from release_project import ReleasedProject

from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.releases.sources import Left, LinkedOut, Sources, read_sources


def _paths(sources: Sources) -> list[str]:
    return [file.path for file in sources.files]


def _links(sources: Sources) -> dict[str, str]:
    return {link.path: link.target for link in sources.links}


def test_files_of_every_kind_are_taken_and_what_nothing_runs_from_is_not(project: ReleasedProject) -> None:
    project.write({"vendor/lib.py": "", "static/a.bin": b"\0", ".hidden": "x", "core/__pycache__/db.pyc": "x"})
    project.write({".sophia/lock": "", ".mypy_cache/x.json": "", ".venv/pyvenv.cfg": "", ".venv/lib/x.py": ""})
    assert _paths(project.sources()) == [
        ".hidden", "app.py", "core/__init__.py", "core/db.py", "page.html", "static/a.bin", "vendor/lib.py",
    ]  # fmt: skip


def test_ignored_files_stay_behind_unless_git_tracks_them_or_the_service_needs_them(project: ReleasedProject) -> None:
    project.write({"made/keep.py": "", "made/gone.py": "", "gen.py": "", "model.onnx": "", "deep/in/it/x.txt": ""})
    project.git("init", "-q")
    project.git("add", "-f", "made/keep.py")
    project.write({".gitignore": "made/\ngen.py\n*.onnx\ndeep/\n"})
    plain = _paths(project.sources())
    assert {"made/keep.py", ".gitignore"} <= set(plain)
    assert not {"made/gone.py", "gen.py", "model.onnx", "deep/in/it/x.txt"} & set(plain)
    wanted = _paths(read_sources(project.root, also=("gen.py",), patterns=("*.onnx", "/deep/in/")))
    assert set(wanted) - set(plain) == {"gen.py", "model.onnx", "deep/in/it/x.txt"}


def test_nested_checkouts_are_part_of_what_runs(project: ReleasedProject) -> None:
    project.write({"lib/inner/mod.py": "", "lib/inner/.git": "gitdir: ../../.git/modules/inner\n"})
    assert "lib/inner/mod.py" in _paths(project.sources())


def test_links_within_the_project_lead_to_the_copy(project: ReleasedProject) -> None:
    (project.root / "near.py").symlink_to("core/db.py")
    (project.root / "core/absolute.py").symlink_to(project.root / "app.py")
    (project.root / "folder").symlink_to("core")
    (project.root / "gone.py").symlink_to("nowhere.py")
    (project.root / "gone-out").symlink_to("/nowhere/at/all")
    assert _links(project.sources()) == {"near.py": "core/db.py", "core/absolute.py": "../app.py", "folder": "core"}


def test_a_link_to_what_is_not_copied_leads_back_to_the_project(project: ReleasedProject) -> None:
    project.write({"big/data.txt": "rows", ".gitignore": "big/\n"})
    (project.root / "core/data.txt").symlink_to("../big/data.txt")
    release = project.release()
    assert (project.store.tree(release) / "core/data.txt").read_text() == "rows"
    assert LinkedOut("core/data.txt", Left.IGNORED) in project.sources().linked_out


def test_a_link_out_of_the_project_is_refused_and_named(project: ReleasedProject, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project.root / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError) as caught:
        project.sources()
    assert (caught.value.reference, caught.value.location) == ("release-link-outside", "data")
    assert _links(project.sources(persist=("data",)))["data"].endswith("../data")


def test_links_to_environments_are_left_out(project: ReleasedProject, tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/pyvenv.cfg").write_text("")
    (project.root / ".venv").symlink_to(tmp_path / "venv")
    assert _links(project.sources()) == {}


def test_persisted_paths_and_installed_folders_are_shared_with_the_project(project: ReleasedProject) -> None:
    project.write({"data/rows/one.txt": "1", "web/node_modules/x/index.js": "x", "web/server.js": ""})
    sources = project.sources(persist=("data/rows", "data/rows/inner", "fresh", "store.db"))
    assert "data/rows/one.txt" not in _paths(sources)
    release = project.release(persist=("data/rows", "fresh", "store.db"))
    tree = project.store.tree(release)
    assert (tree / "data/rows/one.txt").read_text() == "1"
    (tree / "fresh/new.txt").write_text("kept")
    (tree / "store.db").write_text("kept too")
    assert (project.root / "fresh/new.txt").read_text() == "kept"
    assert (project.root / "store.db").read_text() == "kept too"
    assert (tree / "web/node_modules/x/index.js").read_text() == "x"
    assert project.store.differences(release).added == ()


def test_a_file_that_is_too_large_is_linked_to_and_named(project: ReleasedProject) -> None:
    project.write({"weights.bin": bytes(5000)})
    sources = read_sources(project.root, largest_copy=4000)
    assert "weights.bin" not in _paths(sources)
    assert sources.linked_out == (LinkedOut("weights.bin", Left.TOO_LARGE),)


def test_far_too_much_to_copy_is_refused_and_the_largest_folder_named(project: ReleasedProject) -> None:
    project.write({"dump/rows.txt": bytes(5000)})
    with pytest.raises(UsageError, match="`dump`"):
        read_sources(project.root, largest_release=4000)


def test_empty_folders_are_there_too(project: ReleasedProject) -> None:
    (project.root / "logs/today").mkdir(parents=True)
    release = project.release()
    assert (project.store.tree(release) / "logs/today").is_dir()


def test_odd_names_and_odd_files_do_no_harm(project: ReleasedProject) -> None:
    project.write({"with space.py": "", "täst.py": "", "new\nline.py": ""})
    (project.root / os.fsdecode(b"\xff.txt")).write_text("bytes")
    os.mkfifo(project.root / "pipe")
    release = project.release()
    assert project.tree(release)[os.fsdecode(b"\xff.txt")] == b"bytes"
    assert "pipe" not in project.tree(release)
    assert project.store.contents(release).files == tuple(sorted(project.sources().files, key=lambda f: f.path))


def test_ignore_rules_above_the_project_hold_in_it(tmp_path: Path) -> None:
    outer, inner = ReleasedProject(tmp_path), ReleasedProject(tmp_path / "services/shop")
    outer.git("init", "-q")
    inner.write({"app.py": "", "made/x.py": "", "made/kept.py": "", "logs/a.log": ""})
    outer.git("add", "services/shop/made/kept.py")
    outer.write({".gitignore": "services/shop/made/\n", "services/.gitignore": "logs\n"})
    assert _paths(inner.sources()) == ["app.py", "made/kept.py"]


def test_a_file_that_cannot_be_read_is_left_out(project: ReleasedProject) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is unreadable for root")
    (project.root / "page.html").chmod(0)
    assert "page.html" not in _paths(project.sources())
