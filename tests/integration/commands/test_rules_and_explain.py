"""`sophia rules` and `sophia explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.main import main


def test_every_rule_stands_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:-1]] == [[rule.id, rule.name] for rule in all_rules()]


def test_the_table_as_json_has_every_rule_and_the_common_head(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["command"] == "rules"
    assert document["run_id"] is None
    assert document["summary"] == {"rules": len(all_rules())}
    assert [rule["id"] for rule in document["rules"]] == [rule.id for rule in all_rules()]


def test_the_table_can_be_narrowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json", "--select", "invalid-syntax"]) == 0
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)["rules"]] == ["SPH100"]


def test_the_table_can_go_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--output", str(tmp_path / "rules.txt")]) == 0
    assert capsys.readouterr().out == ""
    assert "invalid-syntax" in (tmp_path / "rules.txt").read_text()


@pytest.mark.parametrize("word", ["SPH100", "sph100", "invalid-syntax"])
def test_a_rule_is_explained_by_id_and_by_name(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# invalid-syntax\n")
    assert "## Fix safety" in shown


def test_an_explanation_as_json_holds_the_manual_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "SPH100", "--json"]) == 0
    rule = json.loads(capsys.readouterr().out)["rule"]
    assert (rule["id"], rule["name"]) == ("SPH100", "invalid-syntax")
    assert "## What it does" in rule["manual"]


def test_a_typo_is_answered_with_the_nearest_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "invalid-sintax"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: unknown-rule\n")
    assert "`invalid-syntax`" in captured.err
