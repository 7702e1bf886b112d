"""Discovery: what is looked at, what is left alone and why, and that nothing on a disk makes it stumble."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.files.classify import FileStatus, classify_content
from sophia_cli.project.files.discover import discover
from sophia_cli.project.files.inventory import Inventory


def _write(root: Path, *names: str, content: str = "x = 1\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _git(root: Path, *arguments: str) -> None:
    command = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def _with_status(inventory: Inventory, status: FileStatus) -> list[str]:
    return [file.path for file in inventory.files if file.status is status]


def _looked_at(inventory: Inventory) -> list[str]:
    return _with_status(inventory, FileStatus.LOOKED_AT)


def test_files_come_in_the_same_order_whatever_the_disk_says(tmp_path: Path) -> None:
    _write(tmp_path, "b.py", "a/z.py", "a.py", "a/b/c.pyw", "notes.txt")
    assert _looked_at(discover(tmp_path)) == ["a.py", "a/b/c.pyw", "a/z.py", "b.py"]


def test_ignored_files_are_left_out_but_tracked_ones_are_looked_at(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _write(tmp_path, "gone/a.py", "gone/kept.py", "build/b.py", "c.py", "sub/d.py", "e.py")
    _git(tmp_path, "add", "gone/kept.py", "e.py")
    _write(tmp_path, ".gitignore", content="gone/\nbuild/\ne.py\n")
    _write(tmp_path, "sub/.gitignore", content="d.py\n")
    _write(tmp_path, ".git/info/exclude", content="c.py\n")
    inventory = discover(tmp_path)
    assert _looked_at(inventory) == ["e.py", "gone/kept.py"]
    assert _with_status(inventory, FileStatus.IGNORED) == ["c.py", "gone/a.py", "sub/d.py"]
    assert [folder.path for folder in inventory.folders] == ["build"]


def test_documents_that_speak_for_the_project_are_found_beside_the_code(tmp_path: Path) -> None:
    spoken = ["pyproject.toml", "Dockerfile.worker", "requirements/base.txt", "api/dev-requirements.txt", "Procfile"]
    _write(tmp_path, *spoken, "notes.txt", "gone/setup.cfg", "vendor/x/pyproject.toml")
    _write(tmp_path, ".gitignore", content="gone/\n")
    inventory = discover(tmp_path)
    assert [document.path for document in inventory.documents] == sorted(spoken)
    assert inventory.files == ()


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_git_index_is_understood(tmp_path: Path, version: str) -> None:
    _git(tmp_path, "init", "-q")
    names = [f"package/module_{number}/a.py" for number in range(20)]
    _write(tmp_path, *names, "package/new.py")
    _git(tmp_path, "add", *names)
    if version == "3":
        _git(tmp_path, "add", "-N", "package/new.py")
        names = sorted([*names, "package/new.py"])
    else:
        (tmp_path / "package/new.py").unlink()
        _git(tmp_path, "update-index", "--index-version", version)
    assert (tmp_path / ".git/index").read_bytes()[7] == int(version)
    _write(tmp_path, ".gitignore", content="package\n")
    assert _looked_at(discover(tmp_path)) == sorted(names)


@pytest.mark.parametrize("version", ["2", "4"])
def test_the_index_of_a_repository_with_longer_hashes_is_understood(tmp_path: Path, version: str) -> None:
    _git(tmp_path, "init", "-q", "--object-format=sha256")
    names = [f"package/module_{number}/a.py" for number in range(20)]
    _write(tmp_path, *names)
    _git(tmp_path, "add", *names)
    _git(tmp_path, "update-index", "--index-version", version)
    _write(tmp_path, ".gitignore", content="package\n")
    assert _looked_at(discover(tmp_path)) == sorted(names)


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_both_parts_of_a_split_index_count(tmp_path: Path, form: str) -> None:
    _git(tmp_path, "init", "-q", f"--object-format={form}")
    _write(tmp_path, "package/old.py", "package/changed.py", "package/new.py", "package/other.py")
    _git(tmp_path, "add", "package/old.py", "package/changed.py")
    _git(tmp_path, "update-index", "--split-index")
    _write(tmp_path, "package/changed.py", content="x = 1\n")
    _git(tmp_path, "add", "package/changed.py", "package/new.py")
    assert list((tmp_path / ".git").glob("sharedindex.*"))
    _write(tmp_path, ".gitignore", content="package\n")
    assert _looked_at(discover(tmp_path)) == ["package/changed.py", "package/new.py", "package/old.py"]


def test_a_damaged_index_only_costs_what_it_would_have_said(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _write(tmp_path, "a.py", "b.py")
    _git(tmp_path, "add", "a.py")
    _write(tmp_path, ".gitignore", content="a.py\n")
    whole = (tmp_path / ".git/index").read_bytes()
    for length in (0, 5, 12, 40, 75):
        (tmp_path / ".git/index").write_bytes(whole[:length])
        assert _looked_at(discover(tmp_path)) == ["b.py"]


def test_ignore_files_above_a_project_inside_a_repository_count(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _write(tmp_path, "service/a.py", "service/b.py", "service/deep/c.py")
    _write(tmp_path, ".gitignore", content="service/b.py\n/service/deep/\n")
    assert _looked_at(discover(tmp_path / "service")) == ["a.py"]


def test_what_is_not_the_projects_own_is_counted_and_left_alone(tmp_path: Path) -> None:
    _write(
        tmp_path, "a.py", "vendor/b.py", "pkg/_vendor/c.py", "env/lib/d.py", "env/pyvenv.cfg", "sub/e.py", "sub/.git"
    )
    _write(tmp_path, "conda/conda-meta/x.json", "conda/f.py", "node_modules/x/g.py", ".sophia/h.py", "x_pb2.py")
    _write(tmp_path, "{{ cookiecutter.name }}/i.py", "j.py.j2", "k.pyi", ".git/hooks/l.py", "__pycache__/m.py")
    inventory = discover(tmp_path)
    assert _looked_at(inventory) == ["a.py"]
    counts = {status.value: number for status, number in inventory.counts().items()}
    once = ("looked-at", "submodule", "state", "generated", "stub")
    assert counts == {**dict.fromkeys(once, 1), "vendored": 3, "virtual-environment": 2, "template": 2}


def test_a_named_file_is_looked_at_whatever_excludes_it(tmp_path: Path) -> None:
    _write(tmp_path, "vendor/b.py", "ignored.py", "script", "tests/fixtures/bad.py")
    _write(tmp_path, ".gitignore", content="ignored.py\n")
    names = ["ignored.py", "script", "tests/fixtures/bad.py", "vendor/b.py"]
    (tmp_path / "script").write_text("#!/usr/bin/env python3\n")
    inventory = discover(tmp_path, [tmp_path / name for name in names], exclude=["*.py"])
    assert _looked_at(inventory) == names
    assert all(file.named for file in inventory.files)
    assert not inventory.is_whole


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("notes.md", "# -*- text -*-\n", FileStatus.NOT_PYTHON),
        ("page.ts", "const x = 1\n", FileStatus.NOT_PYTHON),
        ("LICENSE", "Apache\n", FileStatus.NOT_PYTHON),
        ("run", "#!/bin/sh\n# python\n", FileStatus.NOT_PYTHON),
        ("run", "#!/usr/bin/env -S python3 -u\n", FileStatus.LOOKED_AT),
        ("run", "# -*- mode: python -*-\n", FileStatus.LOOKED_AT),
        ("shop.pyi", "x: int\n", FileStatus.LOOKED_AT),
        ("SConstruct", "x = 1\n", FileStatus.LOOKED_AT),
    ],
)
def test_a_named_file_is_looked_at_when_it_holds_python(
    tmp_path: Path, name: str, content: str, status: FileStatus
) -> None:
    (tmp_path / name).write_text(content)
    assert [file.status for file in discover(tmp_path, [tmp_path / name]).files] == [status]


def test_what_a_named_link_with_a_python_name_leads_to_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("x = 1\n")
    (tmp_path / "tool.py").symlink_to("tool")
    assert _looked_at(discover(tmp_path, [tmp_path / "tool.py"])) == ["tool"]


def test_a_named_folder_is_entered_whatever_its_name(tmp_path: Path) -> None:
    _write(tmp_path, "vendor/ours/a.py", "vendor/ours/vendor/b.py", "c.py")
    inventory = discover(tmp_path, [tmp_path / "vendor"])
    assert _looked_at(inventory) == ["vendor/ours/a.py"]
    assert _with_status(inventory, FileStatus.VENDORED) == ["vendor/ours/vendor/b.py"]


def test_targets_outside_the_root_or_missing_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "root/a.py", "outside.py")
    (tmp_path / "root/link.py").symlink_to(tmp_path / "outside.py")
    for target, reference in [
        ("../outside.py", "path-outside"),
        ("link.py", "path-outside"),
        ("no.py", "path-missing"),
    ]:
        with pytest.raises(UsageError) as caught:
            discover(tmp_path / "root", [tmp_path / "root" / target])
        assert caught.value.reference == reference


def test_settings_include_and_exclude_change_what_is_looked_at(tmp_path: Path) -> None:
    _write(
        tmp_path, "a.py", "old/b.py", "vendor/ours/c.py", "vendor/theirs/d.py", "out/e.py", "env/pyvenv.cfg", "env/f.py"
    )
    _write(tmp_path, ".gitignore", content="out/\n")
    inventory = discover(tmp_path, include=["vendor/ours/", "out/e.py"], exclude=["old"])
    assert _looked_at(inventory) == ["a.py", "out/e.py", "vendor/ours/c.py"]
    assert {folder.path: folder.status for folder in inventory.folders} == {
        "env": FileStatus.VIRTUAL_ENVIRONMENT,
        "old": FileStatus.EXCLUDED,
    }


@pytest.mark.parametrize(
    ("path", "is_fixture"),
    [
        ("tests/fixtures/a.py", True),
        ("testdata/a.py", True),
        ("lib2to3/tests/data/py2.py", True),
        ("tests/bad_indent.py", True),
        ("tests/unit/module_invalid_syntax.py", True),
        ("tests/syntax_error.py", True),
        ("tests/test_invalid_input.py", False),
        ("bad_words.py", False),
        ("syntax_error_fixer.py", False),
        ("fixtures/a.py", False),
        ("src/data/a.py", False),
        ("tests/conftest.py", False),
    ],
)
def test_files_broken_on_purpose_are_known_by_place_and_name(tmp_path: Path, path: str, is_fixture: bool) -> None:
    _write(tmp_path, path)
    (file,) = discover(tmp_path).files
    assert (file.status is FileStatus.FIXTURE) == is_fixture


def test_a_package_of_test_fixtures_is_code(tmp_path: Path) -> None:
    _write(tmp_path, "tests/fixtures/__init__.py", "tests/fixtures/database.py")
    assert len(_looked_at(discover(tmp_path))) == 2


def test_links_are_never_followed_and_their_targets_counted_once(tmp_path: Path) -> None:
    _write(tmp_path, "root/a.py", "root/pkg/b.py", "root/tool", "outside/c.py")
    root = tmp_path / "root"
    (root / "again.py").symlink_to("a.py")
    (root / "only.py").symlink_to("tool")
    (root / "out.py").symlink_to("../outside/c.py")
    (root / "outside").symlink_to("../outside")
    (root / "pkg/loop").symlink_to("..")
    (root / "self.py").symlink_to("self.py")
    (root / "dangling.py").symlink_to("nothing")
    inventory = discover(root)
    assert _looked_at(inventory) == ["a.py", "pkg/b.py", "tool"]
    assert len(_with_status(inventory, FileStatus.SYMLINK)) == 5


def test_strange_names_pipes_and_deep_trees_are_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    _write(tmp_path, "folder.py/a.py", "new\nline.py", "sp ace.py")
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("")
    before = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.chdir(before)
    inventory = discover(tmp_path)
    names = {os.fsdecode(b"caf\xe9.py"), "folder.py/a.py", "new\nline.py", "sp ace.py"}
    assert set(_looked_at(inventory)) == names
    assert _with_status(inventory, FileStatus.UNREADABLE) == ["pipe.py"]
    assert inventory.counts()[FileStatus.UNREADABLE] == 2


def test_a_file_beyond_the_limit_is_too_large_and_one_of_5_mb_is_not(tmp_path: Path) -> None:
    for name, size in (("five.py", 5 << 20), ("huge.py", 11 << 20)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    statuses = [file.status for file in discover(tmp_path).files]
    assert statuses == [FileStatus.LOOKED_AT, FileStatus.TOO_LARGE]


@pytest.mark.parametrize(
    ("content", "fault_line", "status"),
    [
        (b"# Generated by the protocol buffer compiler.  DO NOT EDIT!\nx\n", None, FileStatus.GENERATED),
        (b'"""\n@generated by tool\n"""\nx\n', None, FileStatus.GENERATED),
        (b"# Generated by Django 4.2\nx\n", None, None),
        (b"x = 1\n# generated code, do not edit\n", None, None),
        (b"# Please do not edit the list below by hand\n", None, None),
        (b'HEADER = "@generated"\n', None, None),
        (b"{% if x %}\nimport a\n{% endif %}\n", 1, FileStatus.TEMPLATE),
        (b"class {{ cookiecutter.name }}:\n", 1, FileStatus.TEMPLATE),
        (b"T = '''\n{% if x %}\n'''\ndef f(:\n", 4, None),
        (b"x = f'{{ a }}' +\n", 1, None),
    ],
)
def test_generated_files_and_templates_are_known_by_content(
    content: bytes, fault_line: int | None, status: FileStatus | None
) -> None:
    assert classify_content(content, fault_line) is status
