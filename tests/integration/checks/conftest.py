"""`sophia verify` on a project of a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types
from verified import Verified, Verify

from sophia_cli.main import main

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "schemas" / "verify.json").read_text("utf-8"))


@pytest.fixture
def verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Run `sophia verify --json` in a project with some settings; its document fits the schema."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, settings: str = "") -> Verified:
        if settings:
            (tmp_path / "sophia.toml").write_text(settings, "utf-8")
        capsys.readouterr()
        code = main(["verify", "--json", *words])
        document = json.loads(capsys.readouterr().out)
        assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
        assert document["exit_code"] == code
        checks = document.get("checks", [])
        return Verified(
            code,
            document,
            {check["name"]: check["message"] for check in checks},
            {check["name"]: check["message"] for check in checks if not check["passed"]},
        )

    return run


@pytest.fixture
def shop_settings() -> Callable[[str, str], str]:
    """Return settings of one service at a URL, with checks."""

    def settings(url: str, checks: str) -> str:
        port = url.rpartition(":")[2]
        return f'[services.shop]\ncommand = "true"\nport = {port}\n{checks}'

    return settings
