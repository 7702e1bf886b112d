"""Environments for releases: one for every set of packages, complete or not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from wheel_shop import Shop

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.releases.environment_spec import EnvironmentSpec
from sophia_cli.deploy.releases.environments import EnvironmentStore, outline_of, project_spec
from sophia_cli.deploy.releases.model import PackageLock
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.failpoints import VARIABLE
from sophia_cli.project.packages.outline import outline_environment
from sophia_cli.project.state_folder import StateFolder

KILLED = -9
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
_BUILD = """
import os, sys
from pathlib import Path
from sophia_cli.deploy.releases.environments import EnvironmentStore, project_spec
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.state_folder import StateFolder
root = Path(sys.argv[1])
spec = project_spec(root, None, os.environ)
EnvironmentStore(StateFolder(root)).ensure(spec, os.environ, SystemClock(), print)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An index with two versions of a package and one that it needs."""
    (tmp_path / "wheels").mkdir()
    made = Shop(tmp_path / "wheels")
    made.wheel("tea", "1.0", requires=["water>=1"], scripts=["brew"])
    made.wheel("tea", "2.0", requires=["water>=1"])
    made.wheel("water", "1.0")
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project that has no environment and pins one package."""
    place = tmp_path / "shop"
    place.mkdir()
    (place / "requirements.txt").write_text("tea==1.0\n")
    return place


def _spec(root: Path, shop: Shop) -> EnvironmentSpec:
    return project_spec(root, None, shop.environment())


def _ensure(root: Path, shop: Shop, said: list[str] | None = None) -> PackageLock:
    say = (said if said is not None else []).append
    return EnvironmentStore(StateFolder(root)).ensure(_spec(root, shop), shop.environment(), SystemClock(), say)


def _asked(lock: PackageLock, code: str) -> str:
    return subprocess.run([lock.python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_releases_of_one_lock_share_an_environment_and_another_lock_has_its_own(root: Path, shop: Shop) -> None:
    said: list[str] = []
    first = _ensure(root, shop, said)
    assert first.distributions == (("tea", "1.0"), ("water", "1.0"))
    assert _asked(first, "import tea; print(tea.VERSION)") == "1.0"
    assert subprocess.check_output([Path(first.python).parent / "brew"], text=True) == "1.0\n"
    assert (_ensure(root, shop, said), len(said)) == (first, 1)
    (root / "requirements.txt").write_text("tea==2.0\n")
    second = _ensure(root, shop, said)
    assert (len(said), second.environment != first.environment) == (2, True)
    assert [_asked(lock, "import tea; print(tea.VERSION)") for lock in (first, second)] == ["1.0", "2.0"]
    store = EnvironmentStore(StateFolder(root))
    assert store.prune({second.environment}, SystemClock()) == (first.environment,)
    assert (store.is_complete(first.environment), store.is_complete(second.environment)) == (False, True)


def test_what_the_project_runs_with_is_built_again_where_nothing_is_pinned(root: Path, shop: Shop) -> None:
    (root / "requirements.txt").write_text("tea\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    words = [sys.executable, "-m", "pip", "--python", str(root / ".venv/bin/python"), "install", "-q", "tea==1.0"]
    subprocess.run(words, env=shop.environment(), check=True)
    lock = _ensure(root, shop)
    assert lock.distributions == (("tea", "1.0"), ("water", "1.0"))
    assert not lock.python.startswith(str(root / ".venv"))


@pytest.mark.skipif(UV is None, reason="uv is not on PATH")
def test_a_lock_of_uv_is_exported_by_uv_and_holds_whatever_is_installed(root: Path, shop: Shop) -> None:
    (root / "requirements.txt").unlink()
    about = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
    extras = 'dependencies = ["tea<2"]\n[dependency-groups]\ndev = ["cup"]\n'
    (root / "pyproject.toml").write_text(about + extras)
    shop.wheel("cup", "1.0")
    assert UV is not None
    path = f"{Path(UV).parent}:/usr/bin:/bin"
    variables = shop.environment(PATH=path, UV_NO_INDEX="1", UV_FIND_LINKS=str(shop.folder), UV_PYTHON=sys.executable)
    subprocess.run([UV, "lock", "--quiet"], cwd=root, env=variables, check=True)
    spec = project_spec(root, None, variables)
    assert (spec.source, spec.versions, spec.is_whole) == ("uv.lock", (("tea", "1.0"), ("water", "1.0")), True)
    lock = EnvironmentStore(StateFolder(root)).ensure(spec, shop.environment(), SystemClock(), print)
    assert lock.distributions == (("tea", "1.0"), ("water", "1.0"))
    # The lock is what counts: not what the declaration could have meanwhile, nor what is installed.
    (root / "pyproject.toml").write_text(about + extras.replace("tea<2", "tea"))
    assert project_spec(root, None, variables).digest == spec.digest
    with pytest.raises(SophiaError) as caught:
        project_spec(root, None, shop.environment())
    assert caught.value.reference == "lock-not-exported"


def test_a_fingerprint_knows_the_versions_before_the_environment_is_built(root: Path, shop: Shop) -> None:
    spec = _spec(root, shop)
    outline = outline_environment(root, None, shop.environment())
    assert outline_of(spec, outline).distributions == (("tea", "1.0"),)
    assert outline_of(spec, replace(outline, is_own=False, distributions=(("tea", "3"), ("water", "1.0")))) == replace(
        outline, is_own=False, distributions=(("tea", "1.0"), ("water", "1.0"))
    )


@pytest.mark.parametrize(
    ("line", "reference"),
    [("tea==9.9", "install-failed"), (f"tea==1.0 --hash=sha256:{'0' * 64}", "package-hash-mismatch")],
)
def test_what_cannot_be_had_leaves_nothing(root: Path, shop: Shop, line: str, reference: str) -> None:
    (root / "requirements.txt").write_text(f"{line}\n")
    with pytest.raises(SophiaError) as caught:
        _ensure(root, shop)
    assert caught.value.reference == reference
    assert os.listdir(root / ".sophia/environments") == ["lock"]


@pytest.mark.parametrize("point", ["environment-made", "environment-filled"])
def test_a_build_that_is_killed_counts_for_nothing_and_is_done_again(root: Path, shop: Shop, point: str) -> None:
    variables = {**shop.environment(), VARIABLE: point}
    ended = subprocess.run([sys.executable, "-c", _BUILD, root], env=variables, capture_output=True, check=False)
    assert ended.returncode == KILLED, ended.stderr
    store = EnvironmentStore(StateFolder(root))
    assert not store.is_complete(_spec(root, shop).digest)
    lock = _ensure(root, shop)
    assert _asked(lock, "import tea; print(tea.VERSION)") == "1.0"
    assert store.is_complete(lock.environment)


def test_an_environment_whose_removal_was_cut_short_is_built_again(root: Path, shop: Shop) -> None:
    lock = _ensure(root, shop)
    folder = EnvironmentStore(StateFolder(root)).path(lock.environment)
    (folder / "sophia-complete").unlink()
    (folder / "bin/python").unlink()
    assert _asked(_ensure(root, shop), "import tea; print(tea.VERSION)") == "1.0"
