"""The last good version of a file and the commit that broke it, over real histories."""

from __future__ import annotations

import os
import shutil

import pytest
from git_project import BROKEN, GOOD, WORSE, GitProject, make_project

from sophia_cli.project.history.model import History


def test_the_commit_that_broke_a_file_is_named(project: GitProject) -> None:
    first = project.commit("add totals", totals=GOOD)
    breaking = project.commit("tidy up\n\nwith a body", totals=BROKEN)
    project.commit("more", totals=WORSE, other="x = 1\n")
    good = project.history("totals.py").good["totals.py"]
    assert (good.commit, good.breaking_commit, good.breaking_summary) == (first, breaking, "tidy up")
    assert (good.text, good.first_broken, good.path) == (GOOD, BROKEN, "totals.py")


def test_damage_that_is_not_committed_has_no_breaking_commit(project: GitProject) -> None:
    head = project.commit("add", totals=GOOD)
    project.write("totals.py", BROKEN)
    good = project.history("totals.py").good["totals.py"]
    assert good.is_uncommitted
    assert (good.commit, good.text, good.breaking_summary) == (head, GOOD, "")


def test_a_rename_before_the_damage_is_followed(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.git("mv", "totals.py", "sums.py")
    moved = project.commit("rename")
    breaking = project.commit("break", sums=BROKEN)
    good = project.history("sums.py").good["sums.py"]
    assert (good.commit, good.breaking_commit, good.path) == (moved, breaking, "sums.py")


def test_a_move_to_another_folder_that_edits_and_breaks_is_followed(project: GitProject) -> None:
    added = project.commit("add", old__deep__totals=GOOD)
    (project.root / "services").mkdir()
    project.git("mv", "old/deep/totals.py", "services/totals.py")
    breaking = project.commit("move", services__totals=BROKEN)
    good = project.history("services/totals.py").good["services/totals.py"]
    assert (good.commit, good.breaking_commit, good.path) == (added, breaking, "old/deep/totals.py")


def test_a_move_after_the_damage_is_followed(project: GitProject) -> None:
    project.commit("add", old__totals=GOOD)
    breaking = project.commit("break", old__totals=BROKEN)
    project.git("mv", "old", "fresh")
    project.commit("move all")
    good = project.history("fresh/totals.py").good["fresh/totals.py"]
    assert (good.breaking_commit, good.path) == (breaking, "old/totals.py")


def test_damage_on_a_branch_is_found_behind_the_merge_that_brought_it(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.git("checkout", "-q", "-b", "side")
    breaking = project.commit("break on the side", totals=BROKEN)
    project.git("checkout", "-q", "main")
    project.commit("elsewhere", other="x = 1\n")
    project.git("merge", "-q", "--no-edit", "side")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_damage_on_a_branch_is_found_when_the_other_branch_edited_the_file_too(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.git("checkout", "-q", "-b", "side")
    breaking = project.commit("break on the side", totals=BROKEN)
    project.git("checkout", "-q", "main")
    project.commit("edit", totals=GOOD.replace("the mean", "the arithmetic mean"))
    project.git("merge", "-q", "--no-edit", "side")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_damage_on_a_branch_is_found_when_the_other_branch_moved_the_file(project: GitProject) -> None:
    project.commit("add", old__totals=GOOD)
    project.git("checkout", "-q", "-b", "side")
    breaking = project.commit("break on the side", old__totals=BROKEN)
    project.git("checkout", "-q", "main")
    project.git("mv", "old", "fresh")
    project.commit("move")
    project.git("merge", "-q", "--no-edit", "side")
    good = project.history("fresh/totals.py").good["fresh/totals.py"]
    assert (good.breaking_commit, good.path) == (breaking, "old/totals.py")


def test_a_merge_committed_with_conflict_markers_is_the_breaking_commit(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.git("checkout", "-q", "-b", "side")
    project.commit("one way", totals=GOOD.replace("the mean", "a mean"))
    project.git("checkout", "-q", "main")
    project.commit("other way", totals=GOOD.replace("the mean", "that mean"))
    project.git("merge", "-q", "side", check=False)
    assert "<<<<<<<" in (project.root / "totals.py").read_text()
    merge = project.commit("merge side")
    good = project.history("totals.py").good["totals.py"]
    assert (good.breaking_commit, good.breaking_summary) == (merge, "merge side")


def test_a_break_that_was_reverted_and_made_again_names_the_latest(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.commit("break", totals=BROKEN)
    mended = project.commit("mend", totals=GOOD)
    again = project.commit("break again", totals=BROKEN)
    good = project.history("totals.py").good["totals.py"]
    assert (good.commit, good.breaking_commit) == (mended, again)


def test_broken_versions_that_alternate_lead_back_to_the_first_break(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    project.commit("worse", totals=WORSE)
    project.commit("as it was", totals=BROKEN)
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_a_file_removed_and_added_again_broken_finds_its_older_life(project: GitProject) -> None:
    first = project.commit("add", totals=GOOD, other="x = 1\n")
    project.git("rm", "-q", "totals.py")
    project.commit("remove")
    again = project.commit("add again", totals=BROKEN)
    good = project.history("totals.py").good["totals.py"]
    assert (good.commit, good.breaking_commit, good.text) == (first, again, GOOD)


def test_a_damaged_copy_finds_the_file_it_was_copied_from(project: GitProject) -> None:
    project.commit("add", old__totals=GOOD)
    copied = project.commit("copy", fresh__totals=BROKEN)
    good = project.history("fresh/totals.py").good["fresh/totals.py"]
    assert (good.breaking_commit, good.path, good.text) == (copied, "old/totals.py", GOOD)


def test_a_file_of_the_same_name_with_other_contents_is_no_evidence(project: GitProject) -> None:
    project.commit("add", old__totals="\n".join(f"value_{i} = {i}" for i in range(30)) + "\n")
    added = project.commit("add another", fresh__totals=BROKEN)
    history = project.history("fresh/totals.py")
    assert not history.good
    assert history.never_compiled["fresh/totals.py"].commit == added


def test_a_file_that_never_compiled_names_the_commit_that_added_it(project: GitProject) -> None:
    added = project.commit("add broken", totals=BROKEN)
    project.commit("edit", totals=WORSE)
    history = project.history("totals.py")
    never = history.never_compiled["totals.py"]
    assert (never.commit, never.summary, never.path) == (added, "add broken", "totals.py")
    assert not history.unknown


def test_an_untracked_file_has_no_history(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.write("loose.py", BROKEN)
    history = project.history("loose.py")
    assert not history.good
    assert not history.never_compiled
    assert not history.unknown


def test_a_branch_without_commits_gives_an_empty_history(project: GitProject) -> None:
    project.write("totals.py", BROKEN)
    assert project.history("totals.py") == History()


def test_a_folder_outside_git_gives_an_empty_history(project: GitProject) -> None:
    project.write("totals.py", BROKEN)
    shutil.rmtree(project.root / ".git")
    assert project.history("totals.py") == History()


def test_a_project_in_a_folder_of_the_checkout_follows_files_that_came_from_outside(project: GitProject) -> None:
    project.commit("add", shared__totals=GOOD)
    (project.root / "shop").mkdir()
    project.git("mv", "shared/totals.py", "shop/totals.py")
    breaking = project.commit("move", shop__totals=BROKEN)
    good = GitProject(project.root / "shop").history("totals.py").good["totals.py"]
    assert (good.breaking_commit, good.path) == (breaking, "shared/totals.py")


def test_a_linked_worktree_reads_its_own_head(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    project.git("worktree", "add", "-q", "-b", "side", str(project.root.parent / "linked"))
    linked = GitProject(project.root.parent / "linked", ticks=100)
    breaking = linked.commit("break", totals=BROKEN)
    assert linked.history("totals.py").good["totals.py"].breaking_commit == breaking
    project.write("totals.py", BROKEN + "x = 1\n")
    assert project.history("totals.py").good["totals.py"].is_uncommitted


def test_a_submodule_has_a_history_of_its_own(project: GitProject) -> None:
    library = make_project(project.root.parent / "library")
    library.commit("add", totals=GOOD)
    breaking = library.commit("break", totals=BROKEN)
    project.git("submodule", "--quiet", "add", str(library.root), "vendor")
    project.commit("add the library")
    assert not project.history("vendor/totals.py").good
    inside = GitProject(project.root / "vendor").history("totals.py")
    assert inside.good["totals.py"].breaking_commit == breaking


def test_a_shallow_clone_claims_nothing_about_what_was_cut_off(project: GitProject) -> None:
    project.commit("add", totals=GOOD, late=GOOD)
    project.commit("break", totals=BROKEN)
    project.commit("elsewhere", other="x = 1\n")
    late = project.commit("break late", late=BROKEN)
    project.git("clone", "-q", "--depth", "2", f"file://{project.root}", str(project.root.parent / "shallow"))
    history = GitProject(project.root.parent / "shallow").history("totals.py", "late.py")
    assert history.unknown == {"totals.py"}
    assert not history.never_compiled
    assert history.good["late.py"].breaking_commit == late


def test_a_partial_clone_uses_what_is_here_and_fetches_nothing(project: GitProject) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    project.commit("add", totals=GOOD)
    project.commit("break", totals=BROKEN)
    partial = project.root.parent / "partial"
    project.git("clone", "-q", "--filter=blob:none", f"file://{project.root}", str(partial))
    packs = sorted(os.listdir(partial / ".git/objects/pack"))
    history = GitProject(partial).history("totals.py")
    assert history.unknown == {"totals.py"}
    assert sorted(os.listdir(partial / ".git/objects/pack")) == packs


def test_line_endings_converted_at_checkout_do_not_matter(project: GitProject) -> None:
    project.write(".gitattributes", "*.py text eol=crlf\n")
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    project.write("totals.py", BROKEN.replace("\n", "\r\n"))
    good = project.history("totals.py").good["totals.py"]
    assert (good.breaking_commit, good.text) == (breaking, GOOD)


def test_committed_line_endings_come_back_as_newlines(project: GitProject) -> None:
    project.commit("add", totals=GOOD.replace("\n", "\r\n"))
    project.commit("break", totals=BROKEN.replace("\n", "\r\n"))
    assert project.history("totals.py").good["totals.py"].text == GOOD


@pytest.mark.parametrize("name", [b"caf\xe9.py", b"two\nlines.py", b"a tab\t.py", b'"quoted".py', b" :*?[x].py"])
def test_odd_file_names_are_followed(project: GitProject, name: bytes) -> None:
    path = os.fsdecode(name)
    project.write(path, GOOD)
    project.commit("add")
    project.write(path, BROKEN)
    breaking = project.commit("break")
    assert project.history(path).good[path].breaking_commit == breaking


def test_a_script_without_suffix_is_followed(project: GitProject) -> None:
    project.write("run", GOOD)
    project.commit("add")
    project.write("run", BROKEN)
    breaking = project.commit("break")
    assert project.history("run").good["run"].breaking_commit == breaking


def test_a_file_that_was_a_link_before_has_no_older_version(project: GitProject) -> None:
    project.write("real.py", GOOD)
    (project.root / "totals.py").symlink_to("real.py")
    project.commit("add a link")
    (project.root / "totals.py").unlink()
    breaking = project.commit("a file now", totals=BROKEN)
    assert project.history("totals.py").never_compiled["totals.py"].commit == breaking


def test_a_repository_of_sha256_ids_is_read(project: GitProject) -> None:
    shutil.rmtree(project.root / ".git")
    project.git("init", "-q", "--object-format=sha256")
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    assert len(breaking) == 64
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_packed_references_and_objects_are_read(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    project.git("pack-refs", "--all")
    project.git("repack", "-a", "-d", "-q")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_a_detached_head_is_read(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    project.git("checkout", "-q", "--detach")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_a_replaced_commit_does_not_rewrite_the_history(project: GitProject) -> None:
    first = project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    fake = project.git("commit-tree", "-m", "fake", "HEAD^{tree}")
    project.git("replace", first, fake)
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking


def test_clocks_that_run_backwards_do_not_lose_the_break(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    breaking = project.commit("break", totals=BROKEN)
    project.git("checkout", "-q", "-b", "side")
    project.commit("elsewhere", other="x = 1\n")
    project.git("checkout", "-q", "main")
    project.ticks = -1000
    project.commit("worse, on a machine whose clock is late", totals=WORSE)
    project.ticks = 1000
    project.git("merge", "-q", "--no-edit", "side")
    assert project.history("totals.py").good["totals.py"].breaking_commit == breaking
