"""Rules that read the whole project, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import Cli

SAYS = b"say_tea = 1\n"


def _found(cli: Cli, *arguments: str) -> list[tuple[str, int, str]]:
    document = json.loads(cli("scan", "--json", "--select", "SPH904", *arguments).out)
    return [(f["path"], f["line"], f["data"]["word"]) for f in document["findings"]]


def test_what_follows_from_several_files_is_found(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\n" + SAYS)
    (tmp_path / "words.toml").write_bytes(b"")
    assert _found(cli) == [("a.py", 2, "say_tea")]


def test_a_warm_scan_finds_the_same_and_hears_of_a_changed_document(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(SAYS)
    (tmp_path / "words.toml").write_bytes(b"")
    first = _found(cli)
    assert (first, _found(cli)) == ([("a.py", 1, "say_tea")], [("a.py", 1, "say_tea")])
    (tmp_path / "words.toml").write_bytes(b"say_tea = true\n")
    assert _found(cli) == []


def test_a_changed_file_is_read_again_and_the_others_are_remembered(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(SAYS)
    (tmp_path / "b.py").write_bytes(b"x = 1\n")
    (tmp_path / "words.toml").write_bytes(b"")
    _found(cli)
    (tmp_path / "b.py").write_bytes(b"say_milk = 1\n")
    assert _found(cli) == [("a.py", 1, "say_tea"), ("b.py", 1, "say_milk")]


def test_a_part_is_judged_by_the_whole_and_reported_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.py").write_bytes(SAYS)
    (tmp_path / "b.py").write_bytes(SAYS)
    (tmp_path / "words.toml").write_bytes(b"")
    assert _found(cli, "shop") == [("shop/a.py", 1, "say_tea")]
    assert _found(cli, "b.py") == [("b.py", 1, "say_tea")]
    assert json.loads(cli("scan", "--json", "shop").out)["summary"]["files"] == 1


def test_a_file_that_does_not_compile_counts_too(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(SAYS + b"def broken(:\n    pass\n")
    (tmp_path / "words.toml").write_bytes(b"")
    assert _found(cli) == [("a.py", 1, "say_tea")]


def test_a_comment_keeps_such_a_finding_quiet(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"say_tea = 1  # sophia: ignore[unheard-word]\nsay_milk = 1\n")
    (tmp_path / "words.toml").write_bytes(b"")
    assert _found(cli) == [("a.py", 2, "say_milk")]


def test_a_fix_writes_a_document_and_undo_gives_it_back(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(SAYS)
    (tmp_path / "words.toml").write_bytes(b"# listed\n")
    result = json.loads(cli("fix", "--json").out)
    assert (result["verdict"], result["summary"]["fixed"], result["summary"]["remaining"]) == ("fixed", 1, 0)
    assert (tmp_path / "words.toml").read_bytes() == b"# listed\nsay_tea = true\n"
    assert cli("undo").code == 0
    assert (tmp_path / "words.toml").read_bytes() == b"# listed\n"


def test_a_dry_run_shows_the_change_of_a_document(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(SAYS)
    (tmp_path / "words.toml").write_bytes(b"")
    result = cli("fix", "--dry-run")
    assert (result.code, "+say_tea = true" in result.out) == (1, True)
    assert (tmp_path / "words.toml").read_bytes() == b""


def test_the_grade_counts_errors_in_what_services_start(cli: Cli, tmp_path: Path) -> None:
    lines = b"pass\n" * 5000
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "main.py").write_bytes(b"from shop import prices\napp = prices\n" + lines)
    (tmp_path / "shop" / "prices.py").write_bytes(lines)
    (tmp_path / "apart.py").write_bytes(b"x = 'old'\n")
    (tmp_path / "sophia.toml").write_text('[services.shop]\napp = "shop.main:app"\n')

    def grade() -> str:
        letter: str = json.loads(cli("scan", "--json").out)["summary"]["grade"]["letter"]
        return letter

    assert (grade(), grade()) == ("A", "A")
    (tmp_path / "shop" / "prices.py").write_bytes(b"x = 'old'\n")
    assert (grade(), grade()) == ("F", "F")


def test_rules_of_single_files_alone_leave_unread_what_files_say_and_a_later_scan_reads_it(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_bytes(SAYS + b"x = 'old'\n")
    (tmp_path / "b.py").write_bytes(SAYS + b"def broken(:\n    pass\n")
    (tmp_path / "words.toml").write_bytes(b"")

    def of_files(*arguments: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(cli("scan", "--json", *arguments).out)["findings"]
        return [finding for finding in found if finding["rule"] != "SPH904"]

    selected = of_files("--select", "SPH1,SPH901")
    assert not list((tmp_path / ".sophia").rglob("facts*"))
    assert _found(cli) == [("a.py", 1, "say_tea"), ("b.py", 1, "say_tea")]
    assert list((tmp_path / ".sophia").rglob("facts*"))
    assert of_files("--select", "SPH1,SPH901") == selected != []
    assert selected == [finding for finding in of_files() if finding["rule"] in {f["rule"] for f in selected}]


def test_the_grade_asks_what_services_start_whatever_is_selected(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "main.py").write_bytes(b"app = 1\n" + b"pass\n" * 10_000)
    (tmp_path / "apart.py").write_bytes(b"x = 'old'\n")
    (tmp_path / "sophia.toml").write_text('[services.shop]\napp = "shop.main:app"\n')
    for selected in ("SPH901", "SPH9"):
        summary = json.loads(cli("scan", "--json", "--select", selected).out)["summary"]
        assert (selected, summary["grade"]["letter"]) == (selected, "A")
