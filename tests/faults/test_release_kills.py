"""Creating, pruning and restoring releases, killed anywhere: a release is there whole, or it is not there."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faulty_project import KILLED, Children
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from release_child import SERVICE, latest_release, prune_now, release_now, restore_now, store_of

from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.failpoints import ReleaseFailpoint

CHILD = Path(__file__).with_name("release_child.py")
POINTS = frozenset(point.value for point in ReleaseFailpoint)
TEXT = "ROWS = {}\n"
Tree = dict[str, bytes | str]


@pytest.fixture(scope="module")
def releasing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Processes that create, prune and restore."""
    server = Children(tmp_path_factory.mktemp("releasing") / "stderr", CHILD)
    yield server
    server.close()


def _make(root: Path) -> None:
    (root / "core").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "app.py").write_text("import core.db\n")
    (root / "core/db.py").write_text(TEXT.format(0))
    (root / "core/alias.py").symlink_to("db.py")


def _edit(root: Path, number: int) -> None:
    (root / "core/db.py").write_text(TEXT.format(number))


def _tree(root: Path, release: Release) -> Tree:
    found: Tree = {}
    top = store_of(root).tree(release)
    for folder, folders, files in os.walk(top):
        for name in (*files, *folders):
            path = Path(folder, name)
            if path.is_symlink():
                found[path.relative_to(top).as_posix()] = os.readlink(path)
            elif path.is_file():
                found[path.relative_to(top).as_posix()] = path.read_bytes()
    return found


def _all_whole(root: Path) -> tuple[int, ...]:
    """Require that every release there is can be read, has all its files, and could be restored; return the numbers."""
    store = store_of(root)
    for number in store.numbers(SERVICE):
        release = store.read(SERVICE, number)
        assert store.differences(release).is_intact, number
        store.fingerprint(release)
        before = _tree(root, release)
        for path in before:
            (store.tree(release) / path).unlink()
        store.restore(release)
        assert _tree(root, release) == before
    return store.numbers(SERVICE)


def _nothing_is_left_over(root: Path) -> None:
    """Require that pruning finishes whatever a kill left."""
    prune_now(root)
    state = root / ".sophia"
    assert [name for name in os.listdir(state / "releases") if name.startswith(".")] == []
    latest = release_now(root)
    assert len(prune_now(root).removed) == 1
    needed = {file.sha256 for file in store_of(root).contents(latest).files}
    assert needed == ObjectStore(state / "store/packs").names()


def _prepare_none(root: Path) -> None:
    _make(root)


def _prepare_two(root: Path) -> None:
    _make(root)
    release_now(root)
    _edit(root, 1)
    release_now(root)
    _edit(root, 2)


def _prepare_scattered(root: Path) -> None:
    _make(root)
    others = [root / f"old_{number}.py" for number in range(6)]
    for path in others:
        path.write_text(f"{path.name}\n")
    release_now(root)
    for path in others:
        path.unlink()
    release_now(root)


def _prepare_edited(root: Path) -> None:
    _prepare_two(root)
    latest = latest_release(root)
    tree = store_of(root).tree(latest)
    (tree / "app.py").write_text("edited\n")
    (tree / "core/db.py").unlink()
    (tree / "core/alias.py").unlink()


@pytest.mark.parametrize(
    ("action", "prepare", "expected"),
    [
        ("create", _prepare_none, [(), (1,)]),
        ("create", _prepare_two, [(1, 2), (1, 2, 3)]),
        ("prune", _prepare_two, [(1, 2), (2,)]),
        ("prune", _prepare_scattered, [(1, 2), (2,)]),
    ],
    ids=["first", "later", "prune", "prune-and-move"],
)
def test_killed_anywhere_all_of_a_release_is_there_or_nothing(
    action: str,
    prepare: Callable[[Path], None],
    expected: list[tuple[int, ...]],
    releasing: Children,
    scratch: Path,
) -> None:
    seen = set()
    for number, point in enumerate(_every_hit(releasing, scratch / "trace", action, prepare)):
        root = scratch / str(number)
        prepare(root)
        assert releasing.run(root, action, point)[0] == KILLED, point
        found = _all_whole(root)
        assert found in expected, point
        seen.add(found)
        code, error = releasing.run(root, "create")
        assert (code, error) == (0, ""), point
        assert _all_whole(root) == (*found, max(found, default=0) + 1), point
        _nothing_is_left_over(root)
        shutil.rmtree(root)
    assert seen == set(expected)


def test_a_restoration_that_is_killed_anywhere_is_finished_by_the_next(releasing: Children, scratch: Path) -> None:
    for number, point in enumerate(_every_hit(releasing, scratch / "trace", "restore", _prepare_edited)):
        root = scratch / str(number)
        _prepare_edited(root)
        assert releasing.run(root, "restore", point)[0] == KILLED, point
        restore_now(root)
        latest = latest_release(root)
        assert _tree(root, latest) == {
            "app.py": b"import core.db\n",
            "core/db.py": TEXT.format(1).encode(),
            "core/alias.py": "db.py",
            "data": "../../../../../data",
        }
        kept = store_of(root).tree(latest).parent / "edited"
        assert "edited\n" in {path.read_text() for path in kept.rglob("*") if path.is_file()}, point
        (store_of(root).tree(latest).parent / "seen-intact.77.tmp").touch()
        _edit(root, 3)
        release_now(root)
        _nothing_is_left_over(root)
        shutil.rmtree(root)


def _every_hit(releasing: Children, root: Path, action: str, prepare: Callable[[Path], None]) -> list[str]:
    """Return every failpoint that the action reaches, once for each time it does."""
    prepare(root)
    reached: Counter[str] = Counter()
    hits = []
    for point in releasing.trace(root, action):
        if point in POINTS:
            reached[point] += 1
            hits.append(f"{point}:{reached[point]}")
    assert len(hits) > 2
    return hits


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 3)),
        st.tuples(st.just("prune"), st.integers(1, 4)),
        st.tuples(st.just("protect"), st.integers(0, 9)),
        st.tuples(st.just("damage"), st.integers(0, 9)),
        st.tuples(st.just("add"), st.integers(0, 9)),
    ),
    max_size=14,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=_steps)
def test_whatever_happens_a_protected_release_can_be_had_as_it_was_created(
    steps: list[tuple[str, int]], scratch: Path
) -> None:
    root = scratch / "laws"
    shutil.rmtree(root, ignore_errors=True)
    _make(root)
    store = store_of(root)
    created: dict[int, Tree] = {}
    added: dict[int, set[str]] = {}
    protected: set[int] = set()
    for step, value in steps:
        numbers = store.numbers(SERVICE)
        chosen = numbers[value % len(numbers)] if numbers else 0
        if step == "create":
            _edit(root, value)
            release = release_now(root)
            assert release.number > max(created, default=0)
            created[release.number] = _tree(root, release)
        elif step == "prune":
            pruned = store.prune(SERVICE, protected, SystemClock(), keep=value)
            assert not set(pruned.removed) & protected
            assert not any(added.get(number) for number in pruned.removed)
            assert {one.number for one in pruned.kept} <= set(numbers) - protected
            assert set(store.numbers(SERVICE)) == set(numbers) - set(pruned.removed)
        elif step == "protect" and chosen:
            protected.add(chosen)
        elif step == "damage" and chosen:
            (store.tree(store.read(SERVICE, chosen)) / "core/db.py").write_text("damaged in place\n")
        elif step == "add" and chosen:
            (store.tree(store.read(SERVICE, chosen)) / f"rows-{value}.txt").write_text("mine\n")
            added.setdefault(chosen, set()).add(f"rows-{value}.txt")
    assert protected <= set(store.numbers(SERVICE))
    for number in store.numbers(SERVICE):
        release = store.read(SERVICE, number)
        store.restore(release)
        own = {path: data for path, data in _tree(root, release).items() if path not in added.get(number, ())}
        assert own == created[number]
        assert added.get(number, set()) <= set(_tree(root, release))
