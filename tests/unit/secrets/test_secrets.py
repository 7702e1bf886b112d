"""Secrets: the places they come from, what is said when one is missing, and that none shows itself."""

from __future__ import annotations

import copy
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.project.secrets.chain import find_secrets, resolve_secrets
from sophia_cli.project.secrets.keyed_hash import keyed_hash, project_key
from sophia_cli.project.secrets.model import Secret
from sophia_cli.project.secrets.providers import usual_providers
from sophia_cli.project.state_folder import StateFolder


def test_the_first_place_that_has_a_secret_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=1\n\nC=1\nD=\n")
    (tmp_path / ".env.production").write_text("B=2\nC=2\n")
    providers = usual_providers(tmp_path, "production", {"C": "3", "D": ""})
    found = find_secrets(["C", "B", "A", "D"], providers)
    assert [(secret.name, secret.value.reveal(), secret.source) for secret in found] == [
        ("C", "3", "the environment of the process"),
        ("B", "2", ".env.production:1"),
        ("A", "1", ".env:1"),
    ]


def test_without_an_environment_only_the_common_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env.production").write_text("A=1\n")
    assert find_secrets(["A"], usual_providers(tmp_path, None, {})) == ()


def test_a_missing_secret_is_named_with_the_places_that_were_looked_at(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    with pytest.raises(UsageError) as info:
        resolve_secrets("api", ["A", "B", "C"], usual_providers(tmp_path, "blue", {}))
    assert info.value.reference == "secret-missing"
    assert all(word in info.value.message for word in ("`api`", "`B`", "`C`"))
    assert "`A`" not in info.value.message
    assert all(word in str(info.value.hint) for word in ("environment of the process", "`.env.blue`", "`.env`"))


@pytest.mark.parametrize("content", [b"A=\xff\n", b"x" * 1_000_001])
def test_a_file_that_cannot_be_read_is_an_error_and_not_an_absent_secret(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(UsageError) as info:
        find_secrets(["A"], usual_providers(tmp_path, None, {}))
    assert (info.value.reference, info.value.location) == ("dotenv-unreadable", ".env")


def test_a_secret_shows_itself_in_no_text() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
    for write in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            write(secret)


def test_a_hash_tells_values_and_names_and_projects_apart(tmp_path: Path) -> None:
    key, other = (project_key(StateFolder(_folder(tmp_path / name))) for name in ("one", "two"))
    same = keyed_hash(key, "A", Secret("x"))
    assert same == keyed_hash(key, "A", Secret("x"))
    different = {
        keyed_hash(key, "A", Secret("y")),
        keyed_hash(key, "B", Secret("x")),
        keyed_hash(other, "A", Secret("x")),
    }
    assert len(different | {same}) == 4


def test_the_key_is_private_made_once_and_the_same_for_all_who_ask_at_once(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: project_key(state), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE((state.path / "secrets.key").stat().st_mode) == 0o600
    assert sorted(os.listdir(state.path)) == [".gitignore", "secrets.key"]


def test_a_key_that_others_can_read_is_closed(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    key = project_key(state)
    (state.path / "secrets.key").chmod(0o644)
    assert project_key(state) == key
    assert stat.S_IMODE((state.path / "secrets.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["short", "link", "folder"])
def test_a_key_file_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    state = StateFolder(tmp_path)
    state.ensure()
    place = state.path / "secrets.key"
    if kind == "short":
        place.write_bytes(b"x")
    elif kind == "link":
        (tmp_path / "target").write_bytes(b"x" * 32)
        place.symlink_to(tmp_path / "target")
    else:
        place.mkdir()
    with pytest.raises(SophiaError) as info:
        project_key(state)
    assert info.value.reference == "secrets-key-refused"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
