"""`sophia init` writes a settings file once, and `sophia config show` tells what it comes to."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from sophia_cli.main import main

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "web.py").write_text(APP)
    (tmp_path / "shop" / "broken.py").write_bytes(b"from flask import Flask\napp = Flask(__name__)\ndef f(:\n\xff")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOP_KEY", raising=False)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], name: str) -> dict[str, object]:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))
    assert isinstance(document, dict)
    return document


def test_the_services_are_written_and_read_back(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert "sophia.toml" in capsys.readouterr().out
    assert main(["config", "show", "--json"]) == 0
    rows = shown(capsys, "config")["values"]
    assert isinstance(rows, list)
    apps = {row["table"]: row["value"] for row in rows if row["key"] == "app"}
    assert apps == {"services.broken": "broken:app", "services.shop-web": "web:app"}


def test_settings_that_exist_are_replaced_only_by_force_and_then_kept(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "sophia.toml").write_text("# mine\n")
    assert main(["init", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == "settings-exist"
    assert (shop / "sophia.toml").read_text() == "# mine\n"
    assert main(["init", "--force"]) == 0
    assert (shop / "sophia.toml.1.old").read_text() == "# mine\n"
    assert "[services." in (shop / "sophia.toml").read_text()


def test_settings_in_pyproject_are_never_doubled(shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.sophia.project]\nname = 'x'\n")
    assert main(["init", "--force"]) == 2
    assert not (shop / "sophia.toml").exists()


def test_a_dry_run_prints_the_file_and_writes_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--dry-run"]) == 1
    printed = capsys.readouterr().out
    assert not (shop / "sophia.toml").exists()
    assert main(["init"]) == 0
    assert (shop / "sophia.toml").read_text() == printed


def test_the_document_has_a_row_for_all_evidence(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--dry-run", "--json"]) == 1
    document = shown(capsys, "init")
    rows = document["services"]
    assert isinstance(rows, list)
    assert [(row["path"], row["line"], row["kind"]) for row in rows] == [
        ("shop/broken.py", 2, "flask-app"),
        ("shop/web.py", 2, "fastapi-app"),
    ]
    assert document["file"] is None


def test_effective_values_name_their_source_and_hide_secrets(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "sophia.toml").write_text(
        '[services.web]\napp = "shop.web:app"\nport = 9000\nrestart = "never"\nsecrets = ["SHOP_KEY", "OTHER"]\n'
        'env = { LEVEL = "low", DB_PASSWORD = "hunter2", URL = "db://me:hunter2@host/x" }\n'
        "[environments.blue.services.web]\nport = 9001\n"
    )
    (shop / ".env.blue").write_text("SHOP_KEY=hunter2\n")
    assert main(["config", "show", "--env", "blue", "--json"]) == 0
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    rows = {row["key"]: (row["value"], row["source"], row["place"]) for row in json.loads(printed)["values"]}
    assert rows["app"] == ("shop.web:app", "base", "sophia.toml:2:7")
    assert rows["port"] == (9001, "environment", "sophia.toml:8:8")
    assert rows["restart.policy"] == ("never", "base", "sophia.toml:4:11")
    assert rows["restart.within"] == ("1m", "default", None)
    assert rows["secrets.SHOP_KEY"][1:] == ("found", ".env.blue:1")
    assert rows["secrets.OTHER"] == ("", "missing", None)
    assert rows["env.LEVEL"][0] == "low"
    assert main(["config", "show", "--env", "blue", "-v"]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_an_unknown_environment_is_an_error(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--env", "blue", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reference"] == "environment-unknown"


def test_a_project_is_called_what_its_declaration_calls_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "pyproject.toml").write_text('[project]\nname = "orchard"\n')
    (shop / "shop" / "broken.py").unlink()
    assert main(["init", "--quiet"]) == 0
    assert capsys.readouterr().out == "1 service written to sophia.toml. Next: sophia deploy --plan\n"
    assert 'name = "orchard"' in (shop / "sophia.toml").read_text()
