"""What the commands print as JSON is what the schemas in docs/schemas say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import Cli
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the library ships no types

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


def valid(name: str, text: str) -> dict[str, object]:
    """Return the document when the schema accepts it."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    document = json.loads(text)
    assert isinstance(document, dict)
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
    assert errors == []
    return document


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_bytes(b"x = 'old'\ny = 'risky'\nz = 'lost'\n")
    (tmp_path / "b.py").write_bytes(b"'old'\n")
    (tmp_path / "broken.py").write_bytes(b"def f(:\n")
    (tmp_path / "check.script").write_text("import sys; sys.exit('new' in open('b.py').read())")
    return tmp_path


@pytest.mark.parametrize("name", sorted(path.stem for path in SCHEMAS.glob("*.json")))
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads((SCHEMAS / f"{name}.json").read_text()))


@pytest.mark.parametrize("options", [[], ["--select", "SPH902"], ["a.py"]])
def test_scan(cli: Cli, project: Path, options: list[str]) -> None:
    assert valid("scan", cli("scan", "--json", *options).out)["findings"]


@pytest.mark.parametrize("options", [["--dry-run"], [], ["--unsafe"], ["--select", "SPH903"]])
def test_fix(cli: Cli, project: Path, options: list[str]) -> None:
    assert valid("fix", cli("fix", "--json", *options).out)["dry_run"] is ("--dry-run" in options)


def test_fix_with_a_check_that_takes_back(cli: Cli, project: Path) -> None:
    document = valid("fix", cli("fix", "--json", "--verify", f"{sys.executable} check.script").out)
    assert document["taken_back"]
    assert document["check"]


def test_undo(cli: Cli, project: Path) -> None:
    cli("fix")
    assert valid("undo", cli("undo", "--json", "--dry-run").out)["dry_run"] is True
    (project / "a.py").write_bytes(b"changed")
    assert valid("undo", cli("undo", "--json").out)["kept"]
    assert valid("undo", cli("undo", "--json", "--list").out)["runs"]


@pytest.mark.parametrize("arguments", [["rules"], ["explain", "SPH100"], ["doctor"]])
def test_commands_that_only_read(cli: Cli, project: Path, arguments: list[str]) -> None:
    valid(arguments[0], cli(*arguments, "--json").out)


@pytest.mark.parametrize(
    "arguments",
    [["scan", "no-such-path"], ["fix", "--select", "no-such-rule"], ["undo", "abcd"], ["explain", "no-such-rule"]],
)
def test_errors(cli: Cli, project: Path, arguments: list[str]) -> None:
    assert valid(arguments[0], cli(*arguments, "--json").out)["verdict"] == "error"
