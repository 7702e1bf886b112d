"""The token of the web API: private, whole or not there, and another one whenever it may have been seen."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sophia_cli.agent.web.token import TOKEN_FILE, WebToken
from sophia_cli.core.errors import UnavailableError


def token_in(folder: Path) -> bytes:
    return (folder / TOKEN_FILE).read_bytes().strip()


def test_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    first = WebToken(tmp_path)
    token = token_in(tmp_path)
    assert len(token) >= 43
    assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600
    assert first.is_right(token)
    assert WebToken(tmp_path).is_right(token)
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN_FILE]


def test_only_the_token_is_right(tmp_path: Path) -> None:
    made = WebToken(tmp_path)
    token = token_in(tmp_path)
    for wrong in (b"", token[:-1], token + b"x", token.swapcase(), b"\xff" * len(token), token + b"\n"):
        assert not made.is_right(wrong)


def test_those_who_make_it_at_one_time_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: WebToken(tmp_path), range(8)))
    assert all(one.is_right(token_in(tmp_path)) for one in made)


def test_a_deleted_token_is_no_longer_right(tmp_path: Path) -> None:
    made = WebToken(tmp_path)
    old = token_in(tmp_path)
    (tmp_path / TOKEN_FILE).unlink()
    assert not made.is_right(old)
    assert made.is_right(token_in(tmp_path))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602, 0o610])
def test_a_token_that_others_may_see_is_replaced(tmp_path: Path, mode: int) -> None:
    WebToken(tmp_path)
    old = token_in(tmp_path)
    (tmp_path / TOKEN_FILE).chmod(mode)
    assert not WebToken(tmp_path).is_right(old)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 300, b"a b" * 20, b"\x00" * 43, "é".encode() * 40])
def test_what_cannot_be_a_token_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / TOKEN_FILE
    path.write_bytes(content)
    path.chmod(0o600)
    made = WebToken(tmp_path)
    assert not made.is_right(content)
    assert made.is_right(token_in(tmp_path))


def test_a_token_of_the_user_is_taken(tmp_path: Path) -> None:
    path = tmp_path / TOKEN_FILE
    path.write_bytes(b"k" * 40 + b"\n")
    path.chmod(0o600)
    assert WebToken(tmp_path).is_right(b"k" * 40)


def test_a_link_or_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"k" * 40)
    elsewhere.chmod(0o600)
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / TOKEN_FILE).symlink_to(elsewhere)
    with pytest.raises(UnavailableError):
        WebToken(folder)
    assert elsewhere.read_bytes() == b"k" * 40
    (folder / TOKEN_FILE).unlink()
    (folder / TOKEN_FILE).mkdir(mode=0o700)
    with pytest.raises(UnavailableError):
        WebToken(folder)


def test_a_pipe_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / TOKEN_FILE, 0o600)
    assert WebToken(tmp_path).is_right(token_in(tmp_path))


def test_a_running_web_api_keeps_its_token_when_no_other_can_be_made(tmp_path: Path) -> None:
    made = WebToken(tmp_path)
    token = token_in(tmp_path)
    (tmp_path / TOKEN_FILE).unlink()
    (tmp_path / TOKEN_FILE).mkdir()
    assert made.is_right(token)
    assert not made.is_right(b"")
