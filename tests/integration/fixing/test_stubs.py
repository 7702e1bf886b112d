"""`sophia fix --stub`: stand-ins for missing modules, only when asked for, marked, and gone after an undo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli

APP = "from shop.rates import rate_of, RateError, LIMIT\nfrom shop.deep.inner.store import Store\nimport shop.whole\n"
STUBS = {"shop/rates.py", "shop/whole.py", "shop/deep/__init__.py", "shop/deep/inner/__init__.py"} | {
    "shop/deep/inner/store.py"
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package whose modules import what is not there."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "app.py").write_text(APP)
    (folder / "other.py").write_text("from shop.rates import Table\nfrom .deep import inner\n")
    return folder


def _files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and ".sophia" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def _json(cli: Cli, *arguments: str) -> Any:
    return json.loads(cli(*arguments, "--json").out)


def _python(root: Path, code: str) -> str:
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else "ran"


@pytest.mark.parametrize("flags", [(), ("--unsafe",)])
def test_without_the_flag_no_stub_is_written(flags: tuple[str, ...], cli: Cli, shop: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    document = _json(cli, "fix", *flags)
    assert (document["exit_code"], document["changes"]) == (1, [])
    assert all(finding["fix"] is None for finding in document["findings"])
    assert _files(tmp_path) == before


def test_a_dry_run_shows_the_files_and_writes_none(cli: Cli, shop: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    document = _json(cli, "fix", "--stub", "--dry-run")
    assert {change["path"] for change in document["changes"] if change["created"]} == STUBS
    assert all(change["diff"].startswith("--- /dev/null\n+++ b/shop/") for change in document["changes"])
    fixes = [finding["fix"] for finding in document["findings"]]
    assert {(fix["safety"], *fix["evidence"]) for fix in fixes} == {("unsafe", "asked for with --stub")}
    assert _files(tmp_path) == before


def test_stubs_can_be_imported_fail_when_used_and_are_undone(cli: Cli, shop: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    document = _json(cli, "fix", "--stub")
    assert (document["exit_code"], document["summary"]["remaining"]) == (0, 0)
    after = _files(tmp_path)
    assert set(after) - set(before) == STUBS
    assert all(after[path].startswith(b"# sophia: stub") for path in STUBS)
    assert {path: after[path] for path in before} == before

    assert _python(tmp_path, "from shop.rates import rate_of, RateError, Table; import shop.other, shop.whole") == "ran"
    assert _python(tmp_path, "from shop.deep.inner.store import Store") == "ran"
    for use in ("from shop.rates import rate_of; rate_of(1)", "from shop.rates import Table; Table()"):
        assert _python(tmp_path, use).startswith("NotImplementedError: shop.rates."), use
    assert _python(tmp_path, "import shop.rates; shop.rates.LIMIT").startswith("NotImplementedError: shop.rates.LIMIT")

    undone = _json(cli, "undo")
    assert (set(undone["removed"]), undone["kept"]) == (STUBS, [])
    assert _files(tmp_path) == before
    assert not (shop / "deep").exists()


def test_a_second_run_has_nothing_to_do(cli: Cli, shop: Path) -> None:
    cli("fix", "--stub")
    assert _json(cli, "fix", "--stub")["verdict"] == "clean"


def test_names_of_a_file_that_does_not_parse_are_in_the_stub(cli: Cli, shop: Path) -> None:
    (shop / "broken.py").write_text("from shop.rates import convert\n\ndef f(:\n    pass\n")
    cli("fix", "--stub")
    assert b"def convert(" in (shop / "rates.py").read_bytes()


def test_evidence_goes_before_a_stub(cli: Cli, shop: Path) -> None:
    (shop / "money").mkdir()
    (shop / "money" / "__init__.py").touch()
    (shop / "money" / "rates.py").write_text("LIMIT = 1\nTable = RateError = int\n\ndef rate_of():\n    pass\n")
    _json(cli, "fix", "--stub", "--unsafe")
    assert not (shop / "rates.py").exists()
    assert "from shop.money.rates import" in (shop / "app.py").read_text()


@pytest.mark.parametrize("kind", ["link", "folder of data"])
def test_nothing_that_is_there_is_replaced(kind: str, cli: Cli, shop: Path) -> None:
    place = shop / "rates.py"
    if kind == "link":
        place.symlink_to("nowhere.py")
    else:
        place.mkdir()
    document = _json(cli, "fix", "--stub")
    assert place.is_symlink() or place.is_dir()
    assert "shop/rates.py" not in {change["path"] for change in document["changes"]}
    assert (shop / "whole.py").exists()


def test_what_is_not_selected_gets_no_stub(cli: Cli, shop: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    assert _json(cli, "fix", "--stub", "--ignore", "missing-module")["changes"] == []
    assert _files(tmp_path) == before


def test_a_check_that_a_stub_breaks_takes_it_back(cli: Cli, shop: Path, tmp_path: Path) -> None:
    check = tmp_path / "check"
    check.write_text("#!/bin/sh\ntest ! -e shop/rates.py\n")
    check.chmod(0o755)
    document = _json(cli, "fix", "--stub", "--verify", "./check")
    assert document["check"]["result"] == "passed"
    assert {change["path"] for change in document["changes"]} == STUBS - {"shop/rates.py"}
    assert not (shop / "rates.py").exists()
    assert all((tmp_path / path).exists() for path in STUBS - {"shop/rates.py"})


def test_an_undo_without_runs_says_so_and_creates_nothing(cli: Cli, tmp_path: Path) -> None:
    for arguments, code in ((("undo",), 2), (("undo", "7f3a"), 2), (("undo", "--list"), 0), (("undo", "--dry-run"), 2)):
        assert cli(*arguments).code == code, arguments
        assert not (tmp_path / ".sophia").exists(), arguments
