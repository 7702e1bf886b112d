"""A checkout whose configuration, hooks, attributes and remotes want to run something runs nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from git_project import BROKEN, GOOD, GitProject
from sophia_command import Sophia, facts

from sophia_cli.fixers.history_evidence import compiles
from sophia_cli.project.history.model import History
from sophia_cli.project.history.repository import history_key
from sophia_cli.project.history.versions import last_good_versions

ATTRIBUTES = "*.py filter=evil diff=evil merge=evil text eol=crlf working-tree-encoding=UTF-16\n"


def arm(project: GitProject) -> Path:
    """Make everything in the checkout that git could run touch a marker; return the marker."""
    marker = project.root.parent / "marker"
    script = project.root.parent / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch '{marker}'\nexit 1\n")
    script.chmod(0o755)
    program = str(script)
    (project.root / ".git/info").mkdir(exist_ok=True)
    (project.root / ".git/info/attributes").write_text(ATTRIBUTES)
    hooks = project.root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "reference-transaction", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(script, hooks / hook)
    included = project.root.parent / "included"
    included.write_text(f"[core]\n\tfsmonitor = {program}\n[diff]\n\texternal = {program}\n")
    entries = {
        "core.fsmonitor": program,
        "core.hooksPath": str(hooks),
        "core.pager": program,
        "core.sshCommand": program,
        "core.editor": program,
        "core.askPass": program,
        "core.gitProxy": program,
        "core.alternateRefsCommand": program,
        "core.attributesFile": str(project.root / ".git/info/attributes"),
        "pager.log": program,
        "diff.external": program,
        "diff.evil.command": program,
        "diff.evil.textconv": program,
        "diff.evil.cachetextconv": "true",
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "filter.evil.required": "true",
        "merge.evil.driver": program,
        "alias.log": f"!{program}",
        "alias.cat-file": f"!{program}",
        "gpg.program": program,
        "log.showSignature": "true",
        "credential.helper": f"!{program}",
        "include.path": str(included),
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": program,
        "remote.origin.partialclonefilter": "blob:none",
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
        "uploadpack.packObjectsHook": program,
        "core.worktree": "/",
    }
    for name, value in entries.items():
        project.git("config", name, value)
    return marker


@pytest.fixture
def hostile(project: GitProject) -> tuple[GitProject, Path, str]:
    """A hostile checkout with a broken file, its marker, and the commit that broke the file."""
    project.write(".gitattributes", ATTRIBUTES.replace("text eol=crlf working-tree-encoding=UTF-16", ""))
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    return project, arm(project), breaking


def drop_object(project: GitProject, revision: str) -> None:
    """Remove one loose object, as in a partial clone that has not fetched it."""
    name = project.git("-c", "core.worktree=.", "rev-parse", revision)
    (project.root / ".git/objects" / name[:2] / name[2:]).unlink()


def test_ordinary_git_runs_the_hostile_programs(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, _ = hostile
    project.git("-c", "core.worktree=.", "log", "-p", "--ext-diff", "-1", check=False)
    assert marker.exists()


def test_ordinary_git_fetches_what_is_missing(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, _ = hostile
    drop_object(project, "HEAD~1:totals.py")
    project.git("-c", "core.worktree=.", "cat-file", "-p", "HEAD~1:totals.py", check=False)
    assert marker.exists()


def test_reading_history_runs_nothing(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, breaking = hostile
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking
    assert not marker.exists()


def test_a_missing_object_of_a_hostile_promisor_is_not_fetched(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, _ = hostile
    drop_object(project, "HEAD~1:totals.py")
    assert project.history("totals.py").unknown == {"totals.py"}
    assert not marker.exists()


def test_an_invalid_configuration_of_the_checkout_is_not_even_read(hostile: tuple[GitProject, Path, str]) -> None:
    project, _, breaking = hostile
    (project.root / ".git/config").write_bytes(b"[[[ \xff nonsense")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_git_variables_of_the_caller_do_not_reach_git(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, breaking = hostile
    script = str(project.root.parent / "evil.sh")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_EXTERNAL_DIFF": script,
        "GIT_PAGER": script,
        "GIT_SSH_COMMAND": script,
        "GIT_DIR": "/nowhere",
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={script}'",
        "GIT_TRACE": str(marker),
    }
    broken = {"totals.py": BROKEN.encode()}
    history = last_good_versions(project.root, broken, compiles, environment=environment)
    assert history.good["totals.py"].breaking_commit == breaking
    assert not marker.exists()


def test_a_git_inside_the_checkout_is_not_run(hostile: tuple[GitProject, Path, str]) -> None:
    project, marker, _ = hostile
    shutil.copy(project.root.parent / "evil.sh", project.root / "git")
    broken = {"totals.py": BROKEN.encode()}
    history = last_good_versions(project.root, broken, compiles, environment={"PATH": str(project.root)})
    assert history == History()
    assert not marker.exists()


def test_a_machine_without_git_has_an_empty_history(project: GitProject, tmp_path: Path) -> None:
    project.commit("add", totals=GOOD)
    broken = {"totals.py": BROKEN.encode()}
    assert last_good_versions(project.root, broken, compiles, environment={"PATH": str(tmp_path)}) == History()


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "packed-refs", "shallow", "commondir"])
def test_a_pipe_in_place_of_a_git_file_does_not_hang(project: GitProject, name: str) -> None:
    project.commit("add", totals=GOOD)
    project.write("totals.py", BROKEN)
    target = project.root / ".git" / name
    target.unlink(missing_ok=True)
    os.mkfifo(target)
    project.history("totals.py")
    history_key(project.root)


@pytest.mark.parametrize("head", ["ref: ../../../etc/passwd", "ref: refs/heads/../../x", "", "ref: HEAD", "--output=x"])
def test_a_head_that_is_no_branch_gives_an_empty_history(project: GitProject, head: str) -> None:
    project.commit("add", totals=GOOD)
    (project.root / ".git/HEAD").write_text(head)
    project.write("totals.py", BROKEN)
    assert project.history("totals.py") == History()


def test_nothing_in_the_checkout_changes(hostile: tuple[GitProject, Path, str]) -> None:
    project, _, _ = hostile

    def state() -> dict[str, tuple[int, int]]:
        found = {}
        for folder, _, names in os.walk(project.root):
            for name in [*names, "."]:
                status = os.lstat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (status.st_mtime_ns, status.st_size)
        return found

    before = state()
    project.history("totals.py")
    assert state() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_is_read(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    for folder, _, names in os.walk(project.root):
        for name in [".", *names]:
            os.chown(os.path.join(folder, name), 12345, 12345)
    assert project.git("log", "-1", check=False) == ""
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


# What a checkout may hold to be run in place of something else: programs, and modules that Python would find first.
PROGRAMS = ("git", "python", "python3", "sophia", "less", "ssh", "sh")
MODULES = ("sitecustomize", "usercustomize", "json", "typing", "ast", "sophia_cli", "rich", "encodings")


@pytest.mark.parametrize("search_path", [".", "{root}"])
def test_scan_and_fix_run_nothing_of_a_hostile_checkout(
    hostile: tuple[GitProject, Path, str], sophia: Sophia, search_path: str
) -> None:
    project, marker, breaking = hostile
    for name in PROGRAMS:
        shutil.copy(project.root.parent / "evil.sh", project.root / name)
    for name in MODULES:
        project.write(f"{name}.py", f"open({str(marker)!r}, 'w').close()\n")
    folder = search_path.format(root=project.root)
    sophia.environment = {"PATH": f"{folder}{os.pathsep}{sophia.tools}{os.pathsep}{os.environ['PATH']}"}
    document = sophia.json("scan")
    assert facts(document, "totals.py")["commit"] == breaking
    sophia.run("fix")
    assert (project.root / "totals.py").read_text() == GOOD
    sophia.run("undo")
    assert not marker.exists()
