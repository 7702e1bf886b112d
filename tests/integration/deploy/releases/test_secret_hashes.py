"""Keyed hashes of secrets: stable in a project, of no use without its key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sophia_cli.deploy.releases.secret_hashes import project_key, secret_hashes
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.state_folder import StateFolder


def test_the_key_stays_and_is_private(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    key = project_key(state, SystemClock())
    assert (project_key(state, SystemClock()), len(key)) == (key, 32)
    assert (state.path / "secrets.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in state.path.iterdir() if "key" in path.name] == ["secrets.key"]


def test_all_who_ask_at_once_get_one_key(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.ensure()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: project_key(state, SystemClock()), range(16)))) == 1


def test_a_key_that_was_cut_short_gives_way(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.ensure()
    (state.path / "secrets.key").write_bytes(b"short")
    assert len(project_key(state, SystemClock())) == 32


def test_hashes_differ_by_name_value_and_key_and_hold_no_value() -> None:
    one = secret_hashes(b"k" * 32, {"A": "hush", "B": "hush"})
    assert (
        len(
            {
                one["A"],
                one["B"],
                secret_hashes(b"l" * 32, {"A": "hush"})["A"],
                *secret_hashes(b"k" * 32, {"A": "x"}).values(),
            }
        )
        == 4
    )
    assert secret_hashes(b"k" * 32, {"A": "hush"})["A"] == one["A"]
    assert all("hush" not in value for value in one.values())
