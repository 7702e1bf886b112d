"""`sophia fix` and `sophia undo` as a user runs them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import SCRIPT, Cli, start

from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock

TEXT = b"x = 'old'\r\ny = 'risky'\r\nz = 'lost'"


def test_a_fix_shows_the_diff_and_ends_with_how_to_undo_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("# é\nx = 'old'\n".encode())
    result = cli("fix")
    assert result.code == 0
    assert "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n # é\n-x = 'old'\n+x = 'new'\n" in result.out
    last = result.out.splitlines()[-1]
    found = re.fullmatch(r"1 file changed, run ([0-9a-f]+)\. Undo: sophia undo ([0-9a-f]+)", last)
    assert found is not None
    assert found.group(1) == found.group(2)
    assert cli("undo", found.group(1)).code == 0
    assert (tmp_path / "a.py").read_bytes() == "# é\nx = 'old'\n".encode()


def test_unsafe_fixes_are_made_when_asked_for_and_manual_ones_never(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    cli("fix")
    assert (tmp_path / "a.py").read_bytes() == b"x = 'new'\r\ny = 'risky'\r\nz = 'lost'"
    cli("fix", "--unsafe")
    assert (tmp_path / "a.py").read_bytes() == b"x = 'new'\r\ny = 'sure'\r\nz = 'lost'"


def test_a_broken_file_is_mended_by_the_rules_that_sophia_has(cli: Cli, tmp_path: Path) -> None:
    broken = b"import os\r\n\r\n\r\ndef home()\r\n    return os.environ['HOME']\r\n"
    (tmp_path / "a.py").write_bytes(broken)
    document = json.loads(cli("fix", "--unsafe", "--json").out)
    assert (document["exit_code"], document["summary"]["files_unparsable_after"]) == (0, 0)
    assert (tmp_path / "a.py").read_bytes() == broken.replace(b"def home()", b"def home():")
    assert json.loads(cli("fix", "--unsafe", "--json").out)["verdict"] == "clean"
    assert cli("undo").code == 0
    assert (tmp_path / "a.py").read_bytes() == broken


@pytest.mark.parametrize("flag", ["--dry-run", "--diff"])
def test_a_dry_run_shows_the_diff_and_writes_nothing(cli: Cli, tmp_path: Path, flag: str) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    result = cli("fix", flag)
    assert result.code == 1
    assert "+x = 'new'" in result.out
    assert (tmp_path / "a.py").read_bytes() == TEXT
    assert cli("undo").code == 2


def test_json_tells_what_was_done(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    document = json.loads(cli("fix", "--json").out)
    assert (document["verdict"], document["exit_code"], document["dry_run"]) == ("findings", 0, False)
    assert document["run_id"]
    summary = document["summary"]
    assert (summary["findings"], summary["fixed"], summary["remaining"], summary["files_changed"]) == (3, 1, 2, 1)
    assert summary["by_rule"] == {"SPH901": 1, "SPH902": 1, "SPH903": 1}
    assert [(f["rule"], f["applied"], f["remains"]) for f in document["findings"]] == [
        ("SPH901", True, False),
        ("SPH902", False, True),
        ("SPH903", False, True),
    ]
    assert [(c["path"], c["added"], c["removed"]) for c in document["changes"]] == [("a.py", 1, 1)]


def test_a_dry_run_in_json_has_the_diff_and_no_run(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    document = json.loads(cli("fix", "--json", "--dry-run").out)
    assert (document["verdict"], document["run_id"]) == ("would-change", None)
    assert document["changes"][0]["diff"] == "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-'old'\n+'new'\n"


def test_a_named_file_that_is_broken_on_purpose_is_looked_at(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "fixtures"
    folder.mkdir(parents=True)
    (folder / "bad_words.py").write_bytes(b"'old' (\n")
    assert json.loads(cli("scan", "--json").out)["findings"][0]["severity"] == "note"
    named = json.loads(cli("scan", "--json", "tests/fixtures/bad_words.py").out)["findings"]
    assert "error" in {finding["severity"] for finding in named}


def test_naming_a_file_leaves_others_alone(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_bytes(b"'old'\n")
    assert cli("fix", "b.py").code == 0
    assert [(tmp_path / f"{name}.py").read_bytes() for name in ("a", "b")] == [b"'old'\n", b"'new'\n"]


def test_the_undo_is_named_with_the_project_when_it_is_elsewhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    last = cli("fix", str(tmp_path)).out.splitlines()[-1]
    words = last.partition("sophia ")[2].split()
    assert cli(*words).code == 0
    assert (tmp_path / "a.py").read_bytes() == b"'old'\n"


def test_a_failing_check_names_the_culprit(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").write_bytes(b"'old'\n")
    (tmp_path / "check.script").write_text("import sys; sys.exit('new' in open('b.py').read())")
    result = cli("fix", "--verify", f"{sys.executable} check.script")
    assert result.code == 1
    assert "taken back  b.py:1" in result.out
    assert [(tmp_path / f"{name}.py").read_bytes() for name in ("a", "b", "c")] == [b"'new'\n", b"'old'\n", b"'new'\n"]


def test_a_check_longer_than_its_limit_fails(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    (tmp_path / "check.script").write_text("import signal; signal.pause()")
    result = cli("fix", "--verify", f"{sys.executable} check.script", "--verify-timeout", "200ms")
    assert "failed already before the fix" in result.out


@pytest.mark.parametrize(
    "option", [["--wait", "soon"], ["--verify-timeout", "-1s"], ["--verify", "'"], ["--verify", ""]]
)
def test_options_that_make_no_sense_are_usage_errors(cli: Cli, tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    assert cli("fix", *option).code == 2
    assert (tmp_path / "a.py").read_bytes() == b"'old'\n"


def test_a_busy_project_exits_with_75_and_names_the_holder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    with project_lock(tmp_path, "a long deployment", 1.0, SystemClock()):
        result = cli("fix", "--wait", "50ms")
    assert result.code == 75
    assert "a long deployment" in result.err


def test_interactive_needs_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    result = start("fix", "--interactive", cwd=tmp_path)
    assert result.returncode == 2
    assert (tmp_path / "a.py").read_bytes() == b"'old'\n"


@pytest.mark.parametrize("option", ["--json", "--yes"])
def test_interactive_contradicts_not_asking(cli: Cli, option: str) -> None:
    assert cli("fix", "--interactive", option).code == 2


def test_nothing_to_fix_says_so(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'fine'\n")
    result = cli("fix")
    assert (result.code, result.out) == (0, "nothing to fix\n")


def test_quiet_prints_the_end_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    result = cli("fix", "-q")
    assert "+++" not in result.out
    assert "Undo: sophia undo" in result.out.splitlines()[-1]


def test_the_list_of_runs_tells_which_stand(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old' 'risky'\n")
    first = json.loads(cli("fix", "--json").out)["run_id"]
    second = json.loads(cli("fix", "--json", "--unsafe").out)["run_id"]
    assert cli("undo").code == 0
    runs = json.loads(cli("undo", "--list", "--json").out)["runs"]
    assert [(run["run_id"], run["state"]) for run in runs] == [(first, "committed"), (second, "undone")]
    assert (tmp_path / "a.py").read_bytes() == b"'new' 'risky'\n"


def test_a_run_under_way_is_listed_as_running_and_an_unreadable_one_as_such(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    listing = f"{sys.executable} {SCRIPT} undo --list --json --output list.json"
    assert cli("fix", "--verify", listing).code == 0
    (run,) = json.loads((tmp_path / "list.json").read_bytes())["runs"]
    assert (run["state"], run["files"]) == ("running", 1)
    (tmp_path / ".sophia" / "runs" / run["run_id"] / "journal.jsonl").write_bytes(b"garbage\n")
    assert [line.split()[-3] for line in cli("undo", "--list").out.splitlines()] == ["unreadable"]


def test_an_undo_in_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    cli("fix")
    result = cli("undo", "--dry-run", "--json")
    assert (result.code, json.loads(result.out)["restored"]) == (1, ["a.py"])
    assert (tmp_path / "a.py").read_bytes() == b"'new'\n"


def test_a_file_that_was_changed_since_is_kept_and_the_exit_code_is_4(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_bytes(b"'old'\n")
    cli("fix")
    (tmp_path / "a.py").write_bytes(b"'mine'\n")
    for options in (["--dry-run"], []):
        result = cli("undo", "--json", *options)
        document = json.loads(result.out)
        assert (result.code, document["verdict"]) == (4, "incomplete")
        assert ([kept["path"] for kept in document["kept"]], document["restored"]) == (["a.py"], ["b.py"])
    assert [(tmp_path / f"{name}.py").read_bytes() for name in ("a", "b")] == [b"'mine'\n", b"'old'\n"]


def test_an_unknown_run_is_a_usage_error(cli: Cli) -> None:
    assert cli("undo", "abcd").code == 2
    assert cli("undo", "--list", "abcd").code == 2


def test_fixed_then_undone_is_the_same_to_the_byte(cli: Cli, tmp_path: Path) -> None:
    files = {"a.py": TEXT, "b.py": b"\xef\xbb\xbf'old'", "c.py": b"'risky'\r'old'\r"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    cli("fix", "--unsafe")
    assert all((tmp_path / name).read_bytes() != data for name, data in files.items())
    cli("undo")
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_a_name_that_is_no_text_is_fixed_and_undone(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.py"
    path.write_bytes(b"'old'\n")
    (tmp_path / "sophia.toml").touch()
    result = start("fix", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert b"+++ b/caf\xe9.py\n" in result.stdout
    assert path.read_bytes() == b"'new'\n"
    assert start("undo", cwd=tmp_path).returncode == 0
    assert path.read_bytes() == b"'old'\n"


def test_a_second_ctrl_c_leaves_at_once_and_says_how_to_finish(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").touch()
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    # The check plays the first Ctrl-C, a failpoint in the roll-back the second.
    (tmp_path / "check.script").write_text(
        "import os, signal\n"
        "if 'new' in open('a.py').read():\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n"
        "    signal.pause()\n"
    )
    command = f"{sys.executable} check.script"
    stopped = start("fix", "--verify", command, cwd=tmp_path, SOPHIA_FAILPOINT="roll-back-begun:1:SIGINT")
    assert stopped.returncode == 130
    assert b"sophia undo --list" in stopped.stderr
    assert (tmp_path / "a.py").read_bytes() == b"'new'\n"
    assert start("undo", "--list", cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.py").read_bytes() == b"'old'\n"


@pytest.mark.parametrize("request_to_end", ["SIGTERM", "SIGHUP"])
def test_a_request_to_end_takes_everything_back_and_ends_the_check(tmp_path: Path, request_to_end: str) -> None:
    (tmp_path / "sophia.toml").touch()
    (tmp_path / "a.py").write_bytes(b"'old'\n")
    (tmp_path / "check.script").write_text(
        "import os, pathlib, signal\n"
        "if 'new' in open('a.py').read():\n"
        "    pathlib.Path('pid').write_text(str(os.getpid()))\n"
        f"    os.kill(os.getppid(), signal.{request_to_end})\n"
        "    signal.pause()\n"
    )
    stopped = start("fix", "--verify", f"{sys.executable} check.script", cwd=tmp_path)
    assert (stopped.returncode, stopped.stderr.split(b"\n")[0]) == (130, b"error: interrupted")
    assert (tmp_path / "a.py").read_bytes() == b"'old'\n"
    assert json.loads(start("undo", "--list", "--json", cwd=tmp_path).stdout)["runs"] == []
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_a_full_disk_leaves_every_file_and_exits_with_3(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").touch()
    (tmp_path / "a.py").write_bytes(b"x = 'old'\n" + b"#" * 300_000)
    before = (tmp_path / "a.py").read_bytes()
    # A limit on the size of files is a full disk that needs no disk.
    limited = "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limited += " resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); sys.argv = sys.argv[1:];"
    limited += " sys.path.insert(0, sys.argv[0].rpartition('/')[0]); runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", limited, str(SCRIPT), "fix"], cwd=tmp_path, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "a.py").read_bytes() == before


@pytest.mark.parametrize("command", ["scan", "fix"])
def test_a_named_link_that_leads_out_of_the_project_is_refused(cli: Cli, tmp_path: Path, command: str) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "a.py").write_bytes(TEXT)
    (tmp_path / "sophia.toml").write_text("")
    (tmp_path / "a.py").symlink_to(outside / "a.py")
    result = cli(command, "a.py", "--json")
    assert (result.code, json.loads(result.out)["error"]["reference"]) == (2, "path-outside")
    assert [(entry.name, entry.read_bytes()) for entry in outside.iterdir()] == [("a.py", TEXT)]


@pytest.mark.parametrize("output", ["no/such/folder/report", "folder"])
@pytest.mark.parametrize("command", ["fix", "undo"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_changes(
    cli: Cli, tmp_path: Path, command: str, output: str
) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    (tmp_path / "folder").mkdir()
    if command == "undo":
        cli("fix")
    before = (tmp_path / "a.py").read_bytes()
    result = cli(command, "--output", output, "--json")
    assert (result.code, json.loads(result.out)["error"]["reference"]) == (2, "output-unwritable")
    assert (tmp_path / "a.py").read_bytes() == before


def test_a_fix_whose_report_nobody_takes_still_says_how_to_undo_it(cli: Cli, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    (tmp_path / "a.py").write_bytes(TEXT)
    result = cli("fix", "--output", "/dev/full")
    assert result.code == 69
    assert "1 file changed, run " in result.err
    assert "Undo: sophia undo " in result.err


def test_a_fix_says_how_many_more_the_unsafe_ones_would_mend(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(TEXT)
    assert "1 of 3 findings fixed, 2 remain; `sophia fix --unsafe` mends 1 of them\n" in cli("fix").out
    assert "`sophia fix --unsafe`" not in cli("fix", "--unsafe").out
