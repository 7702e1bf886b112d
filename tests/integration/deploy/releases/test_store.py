"""Releases on the disk: created whole, shared where equal, compared, restored and pruned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from release_project import CREATED, PACKS, ReleasedProject, draft_of, picture

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.fingerprint import Change
from sophia_cli.deploy.releases.model import FileDifference, KeptRelease, Pruned, Release


def _inode(project: ReleasedProject, release: Release, path: str) -> int:
    return (project.store.tree(release) / path).stat().st_ino


def test_a_release_reads_back_as_it_was_drafted(project: ReleasedProject) -> None:
    made = project.release()
    draft = draft_of("api")
    read = project.store.read("api", 1)
    assert read == made
    assert (read.service, read.number, read.created, read.environment) == (draft.service, 1, CREATED, "staging")
    assert (read.commit, read.lock, read.search_path) == ("abc123", draft.lock, ("src",))
    assert (read.fingerprint, read.secrets) == (draft.fingerprint.digest, (("K", "h"),))
    assert project.store.fingerprint(read) == draft.fingerprint


def test_the_tree_is_the_project_with_its_modes_and_times(project: ReleasedProject) -> None:
    (project.root / "app.py").chmod(0o755)
    os.utime(project.root / "page.html", ns=(1_000_000_123, 1_000_000_123))
    release = project.release()
    assert project.tree(release) == {
        "app.py": b"import core.db\n", "core/__init__.py": b"", "core/db.py": b"ROWS = 1\n", "page.html": b"<p>",
    }  # fmt: skip
    tree = project.store.tree(release)
    assert (tree / "app.py").stat().st_mode & 0o777 == 0o755
    assert (tree / "page.html").stat().st_mtime_ns == 1_000_000_123


def test_an_edit_of_the_project_does_not_reach_a_release(project: ReleasedProject) -> None:
    release = project.release()
    with open(project.root / "core/db.py", "a") as stream:
        stream.write("BROKEN(\n")
    assert project.tree(release)["core/db.py"] == b"ROWS = 1\n"


def test_numbers_count_up_for_each_service(project: ReleasedProject) -> None:
    assert [project.release(name).number for name in ("api", "api", "web", "api")] == [1, 2, 1, 3]
    assert project.store.numbers("api") == (1, 2, 3)
    assert project.store.numbers("nobody") == ()


def test_files_that_did_not_change_are_shared_with_the_release_before(project: ReleasedProject) -> None:
    first = project.release()
    project.write({"core/db.py": "ROWS = 2\n"})
    (project.root / "page.html").chmod(0o600)
    second = project.release()
    shared = {path for path in project.tree(second) if _inode(project, first, path) == _inode(project, second, path)}
    assert shared == {"app.py", "core/__init__.py"}
    assert project.tree(first)["core/db.py"] == b"ROWS = 1\n"
    assert project.objects() == 5


def test_releases_that_are_made_together_share_their_files_and_are_whole_each(project: ReleasedProject) -> None:
    drafts = [draft_of(name) for name in ("api", "web", "api")]
    made = project.store.create_all(drafts, project.sources(), project.clock)
    assert [(release.name, release.number) for release in made] == [("api", 1), ("web", 1), ("api", 2)]
    assert len({_inode(project, release, "core/db.py") for release in made}) == 1
    assert all(project.store.differences(release).is_intact for release in made)
    other = project.release("worker")
    assert _inode(project, other, "core/db.py") == _inode(project, made[0], "core/db.py")


def test_nothing_to_make_is_no_mistake(project: ReleasedProject) -> None:
    assert project.store.create_all([], project.sources(), project.clock) == ()


def test_environments_of_releases_are_known(project: ReleasedProject) -> None:
    draft = draft_of("api")
    project.release("web")
    project.store.create(replace(draft, lock=replace(draft.lock, environment="ab")), project.sources(), project.clock)
    assert project.store.environments() == {"ab"}


def test_a_file_that_was_edited_in_the_release_before_is_copied_anew(project: ReleasedProject) -> None:
    first = project.release()
    (project.store.tree(first) / "app.py").write_text("import core.xx\n")
    second = project.release()
    assert project.tree(second)["app.py"] == b"import core.db\n"


def test_a_release_is_made_of_the_very_files_that_the_plan_looked_at(project: ReleasedProject) -> None:
    sources = project.sources()
    with pytest.raises(SophiaError) as caught:
        project.store.create(draft_of("api", {"app.py": "0" * 64}), sources, project.clock)
    assert (caught.value.reference, caught.value.location) == ("release-sources-changed", "app.py")
    project.write({"core/db.py": "ROWS = 3\n"})
    with pytest.raises(SophiaError) as caught:
        project.store.create(draft_of("api", sources.hashes), sources, project.clock)
    assert (caught.value.reference, caught.value.location) == ("release-sources-changed", "core/db.py")
    assert project.store.numbers("api") == ()
    assert os.listdir(project.root / ".sophia/releases") == []


def test_a_folder_that_became_a_link_is_not_followed(project: ReleasedProject, tmp_path: Path) -> None:
    sources = project.sources()
    (project.root / "core").rename(tmp_path / "moved")
    (project.root / "core").symlink_to(tmp_path / "moved")
    with pytest.raises(SophiaError) as caught:
        project.store.create(draft_of("api"), sources, project.clock)
    assert caught.value.reference == "release-sources-changed"


def test_two_processes_that_create_at_once_get_numbers_of_their_own(project: ReleasedProject) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: project.release().number, range(8)))
    assert sorted(made) == list(range(1, 9))
    assert all(project.store.differences(project.store.read("api", number)).is_intact for number in made)


def test_a_release_that_is_not_there_and_one_that_was_damaged_are_told_apart(project: ReleasedProject) -> None:
    release = project.release()
    folder = project.root / ".sophia/releases/api/1"
    with pytest.raises(SophiaError) as caught:
        project.store.read("api", 2)
    assert caught.value.reference == "release-missing"
    record = json.loads((folder / "contents.json").read_bytes())
    record["files"][0][0] = "../../../outside.py"
    (folder / "contents.json").write_text(json.dumps(record))
    with pytest.raises(SophiaError) as caught:
        project.store.restore(release)
    assert caught.value.reference == "release-damaged"
    (folder / "release.json").write_text("{")
    with pytest.raises(SophiaError) as caught:
        project.store.read("api", 1)
    assert caught.value.reference == "release-damaged"


def test_an_edited_copy_is_told_with_a_diff_and_restored_and_the_edit_is_kept(project: ReleasedProject) -> None:
    release = project.release()
    before, tree = project.tree(release), project.store.tree(release)
    (tree / "core/db.py").write_text("ROWS = 9\n")
    (tree / "app.py").unlink()
    (tree / "more.py").write_text("new")
    found = project.store.differences(release)
    assert [(item.path, item.change) for item in found.edited] == [
        ("app.py", Change.REMOVED), ("core/db.py", Change.CHANGED),
    ]  # fmt: skip
    assert "-ROWS = 1\n+ROWS = 9\n" in found.edited[1].diff
    assert found.added == (FileDifference("more.py", Change.ADDED),)
    assert project.store.restore(release) == found
    assert project.tree(release) == {**before, "more.py": b"new"}
    assert project.store.differences(release).is_intact
    assert (tree.parent / "edited/core/db.py").read_text() == "ROWS = 9\n"


@pytest.mark.parametrize("same_size", [True, False])
def test_an_edit_that_keeps_size_and_time_is_seen_once_the_clock_ticks(
    project: ReleasedProject, same_size: bool
) -> None:
    release = project.release()
    place = project.store.tree(release) / "core/db.py"
    stamp = place.stat().st_mtime_ns
    _look_until_remembered(project, release)
    place.write_text("ROWS = 2\n" if same_size else "ROWS = 22\n")
    os.utime(place, ns=(stamp, stamp))
    assert [item.path for item in project.store.differences(release).edited] == ["core/db.py"]


def _look_until_remembered(project: ReleasedProject, release: Release) -> None:
    remembered = project.store.tree(release).parent / "seen-intact.json"
    deadline = time.monotonic() + 120
    while not remembered.exists() or len(json.loads(remembered.read_bytes())) < len(project.tree(release)):
        assert time.monotonic() < deadline
        project.store.differences(release)


def test_a_changed_mode_is_an_edit(project: ReleasedProject) -> None:
    release = project.release()
    _look_until_remembered(project, release)
    (project.store.tree(release) / "app.py").chmod(0o777)
    assert project.store.restore(release).edited == (FileDifference("app.py", Change.CHANGED),)
    assert (project.store.tree(release) / "app.py").stat().st_mode & 0o777 == (
        (project.root / "app.py").stat().st_mode & 0o777
    )


def test_an_edit_in_a_shared_file_is_restored_in_every_release_that_shares_it(project: ReleasedProject) -> None:
    made = [project.release(name) for name in ("api", "api", "web")]
    with open(project.store.tree(made[0]) / "app.py", "w") as stream:
        stream.write("edited in place")
    assert not any(project.store.differences(release).is_intact for release in made)
    project.store.restore(made[1])
    assert all(project.store.differences(release).is_intact for release in made)
    assert len({_inode(project, release, "app.py") for release in made}) == 1


def test_whatever_takes_the_place_of_a_file_gives_way(project: ReleasedProject, tmp_path: Path) -> None:
    (project.root / "link.py").symlink_to("app.py")
    release = project.release()
    before, tree = project.tree(release), project.store.tree(release)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "db.py").write_text("not ours")
    (outside / "__init__.py").write_text("")
    (tree / "core").rename(tmp_path / "taken")
    (tree / "core").symlink_to(outside)
    (tree / "app.py").unlink()
    (tree / "app.py").mkdir()
    (tree / "app.py/inner.txt").write_text("mine")
    (tree / "link.py").unlink()
    (tree / "link.py").write_text("a file")
    project.store.restore(release)
    assert project.tree(release) == before
    assert picture(outside) == {"db.py": b"not ours", "__init__.py": b""}
    assert (tree.parent / "edited/app.py/inner.txt").read_text() == "mine"
    project.store.restore(release)
    assert project.tree(release) == before


def test_a_file_whose_content_the_store_lost_is_an_error_and_nothing_is_touched(project: ReleasedProject) -> None:
    release = project.release()
    tree = project.store.tree(release)
    (tree / "app.py").write_text("edited")
    for stored in (project.root / PACKS).glob("*.pack"):
        stored.write_bytes(b"rubbish")
    with pytest.raises(SophiaError) as caught:
        project.store.restore(release)
    assert caught.value.reference == "release-damaged"
    assert (tree / "app.py").read_text() == "edited"


def test_what_is_left_of_a_mostly_unwanted_pack_moves_to_another(project: ReleasedProject) -> None:
    project.write({f"old_{number}.py": f"{number}\n" for number in range(20)})
    project.release()
    for number in range(20):
        (project.root / f"old_{number}.py").unlink()
    latest = project.release()
    (first,) = (project.root / PACKS).glob("*.pack")
    project.store.prune("api", (), project.clock, keep=1)
    (second,) = (project.root / PACKS).glob("*.pack")
    assert (first == second, project.objects()) == (False, 4)
    for path in project.tree(latest):
        (project.store.tree(latest) / path).unlink()
    project.store.restore(latest)
    assert project.store.differences(latest).is_intact


def test_a_pack_without_its_index_counts_for_nothing(project: ReleasedProject) -> None:
    (project.root / PACKS).mkdir(parents=True)
    (project.root / PACKS / "ab.pack").write_bytes(b"half")
    (project.root / PACKS / "ab.index.tmp").write_bytes(b"{")
    project.release()
    assert len(list((project.root / PACKS).iterdir())) == 2


def test_bytecode_that_python_writes_is_no_edit(project: ReleasedProject) -> None:
    release = project.release()
    tree = project.store.tree(release)
    subprocess.run([sys.executable, "-c", "import app"], cwd=tree, check=True, env={**os.environ, **_WRITING})
    assert (tree / "core/__pycache__").is_dir()
    found = project.store.differences(release)
    assert (found.edited, found.added) == ((), ())


_WRITING = {"PYTHONDONTWRITEBYTECODE": ""}


def test_old_releases_go_and_the_latest_and_the_protected_stay(project: ReleasedProject) -> None:
    for number in range(7):
        project.write({"app.py": f"VERSION = {number}\n"})
        project.release()
    assert project.store.prune("api", {2}, project.clock, keep=3) == Pruned(removed=(1, 3, 4))
    assert project.store.numbers("api") == (2, 5, 6, 7)
    # The first `app.py` stays where it is: most of its pack is wanted.
    assert project.objects() == 4 + 3 + 1
    assert project.store.prune("api", (), project.clock, keep=0) == Pruned(removed=(2, 5, 6))
    assert project.store.numbers("api") == (7,)
    assert project.release().number == 8


def test_contents_that_another_service_needs_stay(project: ReleasedProject) -> None:
    kept = project.release("web")
    project.release()
    project.write({"app.py": "VERSION = 2\n"})
    project.release()
    project.store.prune("api", (), project.clock, keep=1)
    (project.store.tree(kept) / "app.py").unlink()
    project.store.restore(kept)
    assert project.tree(kept)["app.py"] == b"import core.db\n"


def test_a_release_with_files_of_somebody_else_is_kept_and_they_are_named(project: ReleasedProject) -> None:
    first, second = project.release(), project.release()
    project.write({"app.py": "VERSION = 3\n"})
    project.release()
    (project.store.tree(first) / "orders.db").write_text("rows")
    (project.store.tree(second) / "page.html").unlink()
    (project.store.tree(second) / "page.html").write_text("changed by the service")
    (project.store.tree(second) / "app.py").unlink()
    pruned = project.store.prune("api", (), project.clock, keep=1)
    assert pruned == Pruned(kept=(KeptRelease(1, ("orders.db",)), KeptRelease(2, ("page.html",))))
    assert (project.store.tree(first) / "orders.db").read_text() == "rows"


def test_pruning_never_follows_a_link_out_of_a_release(project: ReleasedProject) -> None:
    project.write({"data/rows.txt": "1"})
    project.release(persist=("data",))
    project.release(persist=("data",))
    project.store.prune("api", (), project.clock, keep=1)
    assert (project.root / "data/rows.txt").read_text() == "1"
    assert project.store.numbers("api") == (2,)


def test_releases_are_private_to_the_user(project: ReleasedProject) -> None:
    project.release()
    for folder in (".sophia", ".sophia/releases", ".sophia/releases/api", ".sophia/releases/api/1", ".sophia/store"):
        assert (project.root / folder).stat().st_mode & 0o077 == 0, folder
