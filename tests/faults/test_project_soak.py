"""`sophia fix --unsafe` of damaged projects, killed at random moments and run twice at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from damage import damage
from healthy_project import make_project
from project_laws import LIMIT_S, Ended, Tree, picture, sophia

BUSY = 75
FIX = ("fix", "--unsafe")


def _damaged(root: Path, seed: int) -> Tree:
    random = Random(seed)
    make_project(root, random)
    damage(root, random, 8)
    return picture(root)


def _start(root: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sophia_cli", *words, "--json"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _standing(root: Path) -> list[str]:
    listed: Ended = sophia(root, "undo", "--list")
    return [run["run_id"] for run in listed.document["runs"] if run["state"] == "committed"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 306))
def test_a_fix_killed_at_a_random_moment_leaves_all_or_nothing(seed: int, tmp_path: Path) -> None:
    root = tmp_path / "project"
    before = _damaged(root, seed)
    finished = tmp_path / "finished"
    shutil.copytree(root, finished, symlinks=True)
    started = time.monotonic()
    sophia(finished, *FIX)
    took = time.monotonic() - started
    after = picture(finished)
    random = Random(seed)
    for _ in range(12):
        process = _start(root, *FIX)
        try:
            # Most of a run is search; what is written comes at its end.
            process.communicate(timeout=took * random.choice((random.random(), random.uniform(0.8, 1.1))))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=LIMIT_S)
        standing = _standing(root)
        assert picture(root) == (after if standing else before), "a mix after a kill"
        for run in standing:
            assert sophia(root, "undo", run).code == 0
        assert picture(root) == before, "undo is not exact"


@pytest.mark.parametrize("seed", [310, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(311, 315))])
def test_of_two_fixes_at_once_one_mends_and_the_other_waits_or_gives_up(seed: int, tmp_path: Path) -> None:
    root = tmp_path / "project"
    before = _damaged(root, seed)
    finished = tmp_path / "finished"
    shutil.copytree(root, finished, symlinks=True)
    sophia(finished, *FIX)
    both = [_start(root, *FIX, "--wait", wait) for wait in ("0s", f"{LIMIT_S:.0f}s", "0s")]
    for process in both:
        process.communicate(timeout=LIMIT_S)
    codes = [process.returncode for process in both]
    assert codes[1] in (0, 1), "the one that waits gets its turn"
    assert set(codes) <= {0, 1, BUSY}, codes
    assert picture(root) == picture(finished)
    standing = _standing(root)
    assert len(standing) == 1
    assert sophia(root, "undo", *standing).code == 0
    assert picture(root) == before


@pytest.mark.slow
def test_files_that_come_and_go_during_a_scan_crash_nothing(tmp_path: Path) -> None:
    root = tmp_path / "project"
    _damaged(root, 320)
    home = root / "moving"
    for round_ in range(10):
        home.mkdir()
        for number in range(60):
            (home / f"part_{number}.py").write_text(f"import os\n\nVALUE = {round_}\n" * 50)
        (root / "requirements.txt").write_text("-r moving/part_1.py\n")
        process = _start(root, "scan" if round_ % 2 else "fix")
        while process.poll() is None and any(home.iterdir()):
            for path in list(home.iterdir())[:3]:
                path.unlink()
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode in (0, 1), (out, err)
        shutil.rmtree(home)
