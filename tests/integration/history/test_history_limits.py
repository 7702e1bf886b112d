"""Limits are kept and named, and each distinct version is compiled once."""

from __future__ import annotations

from collections import Counter

from git_project import BROKEN, GOOD, WORSE, GitProject

from sophia_cli.fixers.history_evidence import compiles
from sophia_cli.project.history.model import HistoryLimits, Stop
from sophia_cli.project.history.repository import history_key
from sophia_cli.project.history.versions import last_good_versions


def long_history(project: GitProject) -> str:
    project.commit("add", totals=GOOD, late=GOOD)
    project.commit("break", totals=BROKEN)
    for number in range(6):
        project.commit(f"edit {number}", totals=BROKEN + f"x = {number}\n")
    return project.commit("break late", late=BROKEN)


def test_the_commit_limit_ends_the_reading_and_is_named(project: GitProject) -> None:
    late = long_history(project)
    history = project.history("totals.py", "late.py", limits=HistoryLimits(commits=3))
    assert history.stop is Stop.COMMITS
    assert history.unknown == {"totals.py"}
    assert history.good["late.py"].breaking_commit == late


def test_the_byte_limit_ends_the_reading_and_is_named(project: GitProject) -> None:
    late = long_history(project)
    history = project.history("totals.py", "late.py", limits=HistoryLimits(bytes=5 * len(GOOD)))
    assert history.stop is Stop.BYTES
    assert history.unknown == {"totals.py"}
    assert history.good["late.py"].breaking_commit == late


def test_the_time_limit_ends_the_reading_and_is_named(project: GitProject) -> None:
    late = long_history(project)
    now = 0.0

    def clock() -> float:
        return now

    def slow(data: bytes) -> bool:
        nonlocal now
        now += 1.0
        return compiles(data)

    broken = {name: (project.root / name).read_bytes() for name in ("totals.py", "late.py")}
    history = last_good_versions(project.root, broken, slow, limits=HistoryLimits(seconds=2.5), clock=clock)
    assert history.stop is Stop.SECONDS
    assert history.unknown == {"totals.py"}
    assert history.good["late.py"].breaking_commit == late


def test_a_version_over_the_size_limit_is_not_judged(project: GitProject) -> None:
    project.commit("add", totals=GOOD + "#" * 2000)
    project.commit("break", totals=BROKEN)
    history = project.history("totals.py", limits=HistoryLimits(version_bytes=1000))
    assert history.unknown == {"totals.py"}


def test_a_damaged_object_is_named_and_loses_no_other_answer(project: GitProject) -> None:
    project.commit("add", totals=GOOD)
    tree = project.git("rev-parse", "HEAD^{tree}")
    project.commit("break", totals=BROKEN)
    late = project.commit("good", late=GOOD)
    late = project.commit("break late", late=BROKEN)
    (project.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    history = project.history("totals.py", "late.py")
    assert history.stop is Stop.FAILED
    assert history.detail
    assert history.good["late.py"].breaking_commit == late
    assert history.unknown == {"totals.py"}


def test_each_distinct_version_is_compiled_once(project: GitProject) -> None:
    project.commit("add", totals=GOOD, other=GOOD)
    project.commit("break", totals=BROKEN, other=BROKEN)
    project.commit("worse", totals=WORSE, other=WORSE)
    seen: Counter[bytes] = Counter()

    def counting(data: bytes) -> bool:
        seen[data] += 1
        return compiles(data)

    broken = {name: WORSE.encode() for name in ("totals.py", "other.py")}
    history = last_good_versions(project.root, broken, counting)
    assert set(history.good) == {"totals.py", "other.py"}
    assert seen == {BROKEN.encode(): 1, GOOD.encode(): 1}


def test_the_log_is_read_no_further_than_needed(project: GitProject) -> None:
    long_history(project)
    assert project.history("late.py").commits == 1


def test_the_history_key_follows_head_and_nothing_else(project: GitProject) -> None:
    assert history_key(project.root) == ""
    project.commit("add", totals=GOOD)
    key = history_key(project.root)
    project.write("totals.py", BROKEN)
    assert history_key(project.root) == key
    project.git("pack-refs", "--all")
    assert history_key(project.root) == key
    project.commit("break", totals=BROKEN)
    assert history_key(project.root) not in ("", key)


def test_the_history_key_of_a_folder_is_its_own(project: GitProject) -> None:
    project.commit("add", shop__totals=GOOD)
    assert history_key(project.root / "shop") not in ("", history_key(project.root))
