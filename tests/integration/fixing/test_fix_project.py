"""A whole fix on real files: lock, rounds, transaction, the user's check, report, undo."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest
from small_rules import replacing, reporting_faults, write

from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.fixing.drafting import Request
from sophia_cli.commands.fixing.fix_project import fix_project
from sophia_cli.core.errors import BusyError, ExitCode, SophiaError, UsageError
from sophia_cli.core.findings import Safety, Severity
from sophia_cli.core.fix_report import CheckResult, FixReport
from sophia_cli.core.report import FailOn, Verdict
from sophia_cli.fixers.rule import Rule
from sophia_cli.project.clock import SystemClock
from sophia_cli.project.locks import project_lock
from sophia_cli.project.runs.undo import list_runs, undo_run

OLD_TO_NEW = replacing(901, b"old", b"new")
CLOCK = SystemClock()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sophia.toml").write_text("")
    return tmp_path


def fixed(*rules: Rule, request: Request | None = None) -> FixReport:
    progress = ProgressLine(io.StringIO(), CLOCK, {})
    return fix_project(request or Request(), rules, CLOCK, os.environ, progress, None)


def undone(root: Path, run: str | None = None) -> None:
    with project_lock(root, "test", 1.0, CLOCK) as lock:
        assert undo_run(lock, run, CLOCK.now).kept == ()


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(root.glob("*.py"))}


def checking(root: Path, source: str) -> str:
    """Return a command that runs a script beside the project's files, which the scan does not look at."""
    script = root / "check.script"
    script.write_text(source)
    return f"{sys.executable} {script.name}"


def test_files_are_fixed_and_the_undo_gives_every_byte_and_mode_back(root: Path) -> None:
    before = {"a": b"\xef\xbb\xbfx = 'old'\r\ny = 'old'", "b": b"# coding: latin-1\n'old \xe9'\n", "c": b"'fine'\n"}
    write(root, **before)
    (root / "a.py").chmod(0o751)
    report = fixed(OLD_TO_NEW)
    assert contents(root) == {
        "a.py": b"\xef\xbb\xbfx = 'new'\r\ny = 'new'",
        "b.py": b"# coding: latin-1\n'new \xe9'\n",
        "c.py": b"'fine'\n",
    }
    assert (report.verdict, report.exit_code, report.summary.fixed) == (Verdict.FIXED, ExitCode.DONE, 3)
    undone(root, report.run_id)
    assert contents(root) == {f"{name}.py": data for name, data in before.items()}
    assert stat.S_IMODE((root / "a.py").stat().st_mode) == 0o751


def test_a_file_with_several_hard_links_is_replaced_at_its_one_name_and_the_report_says_so(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    os.link(root / "a.py", root / "kept.script")
    report = fixed(OLD_TO_NEW)
    assert report.unlinked == ("a.py",)
    assert contents(root) == {"a.py": b"'new'\n", "b.py": b"'new'\n"}
    assert (root / "kept.script").read_bytes() == b"'old'\n"


def test_a_second_run_finds_nothing_and_writes_no_run(root: Path) -> None:
    write(root, a=b"'old'\n")
    fixed(OLD_TO_NEW)
    report = fixed(OLD_TO_NEW)
    assert (report.verdict, report.run_id, report.findings) == (Verdict.CLEAN, None, ())
    assert len(list_runs(root)) == 1


def test_a_dry_run_writes_nothing_and_holds_the_plan_that_is_executed(root: Path) -> None:
    rules = (reporting_faults(), replacing(101, b"\\(:", b"():"), OLD_TO_NEW)
    write(root, a=b"def f(:\n    old = 1\n", b=b"'old'\n")
    before = contents(root)
    dry = fixed(*rules, request=Request(dry_run=True))
    assert contents(root) == before
    assert (dry.exit_code, dry.verdict, dry.run_id) == (ExitCode.FINDINGS, Verdict.WOULD_CHANGE, None)
    real = fixed(*rules)
    assert dry.plan == real.plan
    assert {change.path: change.after for change in dry.plan.changes()} == contents(root)


def test_a_dry_run_with_nothing_to_change_exits_with_0(root: Path) -> None:
    write(root, a=b"'fine'\n")
    assert fixed(OLD_TO_NEW, request=Request(dry_run=True)).exit_code is ExitCode.DONE


def test_what_remains_has_its_reason(root: Path) -> None:
    rules = (replacing(901, b"u", b"U", safety=Safety.UNSAFE), replacing(902, b"m", b"M", safety=Safety.MANUAL))
    write(root, a=b"'um'\n")
    report = fixed(*rules)
    assert {item.finding.rule: item.reason for item in report.findings} == {
        "SPH901": "its fix is unsafe; apply it with `--unsafe`",
        "SPH902": "needs a decision by a person",
    }
    assert (report.summary.fixed, report.summary.remaining, report.run_id) == (0, 2, None)


@pytest.mark.parametrize(
    ("fail_on", "severity", "exit_code"),
    [
        (FailOn.ERROR, Severity.ERROR, 1),
        (FailOn.ERROR, Severity.WARNING, 0),
        (FailOn.WARNING, Severity.WARNING, 1),
        (FailOn.WARNING, Severity.NOTE, 0),
        (FailOn.NOTE, Severity.NOTE, 1),
        (FailOn.NEVER, Severity.ERROR, 0),
    ],
)
def test_the_exit_code_counts_what_remains(root: Path, fail_on: FailOn, severity: Severity, exit_code: int) -> None:
    write(root, a=b"'m'\n")
    rule = replacing(901, b"m", b"M", safety=Safety.MANUAL, severity=severity)
    assert fixed(rule, request=Request(fail_on=fail_on)).exit_code == exit_code


def test_only_selected_rules_are_fixed(root: Path) -> None:
    write(root, a=b"'ab'\n")
    report = fixed(replacing(901, b"a", b"A"), replacing(902, b"b", b"B"), request=Request(select=("SPH902",)))
    assert contents(root) == {"a.py": b"'aB'\n"}
    assert [item.finding.rule for item in report.findings] == ["SPH902"]
    fixed(replacing(901, b"a", b"A"), replacing(902, b"B", b"b"), request=Request(ignore=("small-902",)))
    assert contents(root) == {"a.py": b"'AB'\n"}


def test_a_group_with_a_member_that_is_not_selected_is_left_out(root: Path) -> None:
    write(root, a=b"'ab'\n")
    rules = (replacing(901, b"a", b"A", group="g"), replacing(902, b"b", b"B", group="g"))
    report = fixed(*rules, request=Request(select=("SPH901",)))
    assert contents(root) == {"a.py": b"'ab'\n"}
    assert [(item.finding.rule, item.reason) for item in report.findings] == [
        ("SPH901", "belongs to a fix of SPH902, which is not selected")
    ]


def test_findings_that_settings_leave_out_for_a_path_are_not_fixed(root: Path) -> None:
    (root / "sophia.toml").write_text('[rules.per_path_ignores]\n"b.py" = ["SPH901"]\n')
    write(root, a=b"'old'\n", b=b"'old'\n")
    report = fixed(OLD_TO_NEW)
    assert contents(root) == {"a.py": b"'new'\n", "b.py": b"'old'\n"}
    assert [item.finding.path for item in report.findings] == ["a.py"]


def test_only_the_named_file_is_fixed(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    fixed(OLD_TO_NEW, request=Request(paths=(Path("b.py"),)))
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'new'\n"}


def test_a_missing_path_is_a_usage_error(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fixed(OLD_TO_NEW, request=Request(paths=(Path("nothing.py"),)))
    assert caught.value.reference == "path-missing"


def test_a_read_only_file_is_left_out_with_the_reason_and_the_others_are_fixed(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    (root / "a.py").chmod(0o444)
    report = fixed(OLD_TO_NEW)
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'new'\n"}
    assert [item.finding.path for item in report.findings if item.now is not None and item.reason] == ["a.py"]


def test_a_fix_waits_for_the_lock_and_then_names_its_holder(root: Path) -> None:
    write(root, a=b"'old'\n")
    with project_lock(root, "somebody at work", 1.0, CLOCK), pytest.raises(BusyError) as caught:
        fixed(OLD_TO_NEW, request=Request(wait_s=0.1))
    assert caught.value.exit_code == 75
    assert "somebody at work" in caught.value.message
    assert contents(root) == {"a.py": b"'old'\n"}


def test_a_dry_run_needs_no_lock(root: Path) -> None:
    write(root, a=b"'old'\n")
    with project_lock(root, "somebody at work", 1.0, CLOCK):
        assert fixed(OLD_TO_NEW, request=Request(dry_run=True)).plan.steps


def test_a_check_that_passes_before_and_after_leaves_everything(root: Path) -> None:
    write(root, a=b"'old'\n")
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, "import sys; sys.exit(0)")))
    assert contents(root) == {"a.py": b"'new'\n"}
    assert report.check is not None
    assert (report.check.result, report.check.runs) == (CheckResult.PASSED, 2)


def test_the_one_fix_that_breaks_the_check_is_found_and_taken_back(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n", c=b"'old'\n")
    source = "import sys; text = open('b.py').read(); print('b says', text); sys.exit('new' in text)"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"'new'\n", "b.py": b"'old'\n", "c.py": b"'new'\n"}
    assert [[f.path for f in item.findings] for item in report.taken_back] == [["b.py"]]
    assert report.check is not None
    assert report.check.result is CheckResult.PASSED
    assert {item.finding.path: item.applied for item in report.findings} == {"a.py": True, "b.py": False, "c.py": True}
    left = [item for item in report.findings if item.now is not None]
    assert [item.reason is not None and "taken back" in item.reason for item in left] == [True]
    undone(root, report.run_id)
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'old'\n", "c.py": b"'old'\n"}


def test_culprits_in_one_file_are_told_apart(root: Path) -> None:
    write(root, a=b"x = 'old'\ny = 'old'\nz = 'old'\n")
    source = "import sys; sys.exit('y = \\'new' in open('a.py').read())"
    fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"x = 'new'\ny = 'old'\nz = 'new'\n"}


def test_a_check_that_every_fix_breaks_leaves_nothing_changed_and_no_run(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    source = "import sys; sys.exit('new' in open('a.py').read() + open('b.py').read())"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'old'\n"}
    assert (report.run_id, len(report.taken_back)) == (None, 2)
    assert list_runs(root) == ()


def test_a_check_that_failed_before_blames_nothing(root: Path) -> None:
    write(root, a=b"'old'\n")
    source = "import sys; print('always unhappy'); sys.exit(1)"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"'new'\n"}
    assert report.check is not None
    assert (report.check.result, report.check.passed_after) == (CheckResult.FAILED_BEFORE, False)
    assert "always unhappy" in report.check.output


def test_a_check_that_the_fixes_heal_says_so(root: Path) -> None:
    write(root, a=b"'old'\n")
    source = "import sys; sys.exit('old' in open('a.py').read())"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert report.check is not None
    assert (report.check.passed_before, report.check.passed_after) == (False, True)


def test_a_check_that_fails_without_a_cause_takes_everything_back(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    # Passes once, then never again, whatever the files hold.
    source = "import os, sys; seen = os.path.exists('seen'); open('seen', 'w').close(); sys.exit(seen)"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'old'\n"}
    assert report.check is not None
    assert (report.check.result, report.exit_code) == (CheckResult.FAILED, ExitCode.ROLLED_BACK)


def test_a_check_that_fails_now_and_then_blames_no_fix(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    # Fails at its second run only, whatever the files hold.
    source = "import sys; runs = open('runs', 'a+'); runs.write('.'); sys.exit(runs.tell() == 2)"
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert contents(root) == {"a.py": b"'new'\n", "b.py": b"'new'\n"}
    assert report.check is not None
    assert (report.check.result, report.check.steady, report.taken_back) == (CheckResult.PASSED, False, ())


def test_a_check_that_writes_a_file_before_the_fix_is_refused(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    with pytest.raises(SophiaError) as caught:
        fixed(OLD_TO_NEW, request=Request(check=checking(root, "open('b.py', 'a').write('# seen')")))
    assert (caught.value.location, caught.value.exit_code) == ("b.py", ExitCode.ROLLED_BACK)
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'old'\n# seen"}


WRITES_AFTER = "import sys; mended = 'new' in open('b.py').read(); mended and open('b.py', 'a').write('# seen')"


def test_what_a_check_writes_after_the_fix_is_told_with_its_report(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, WRITES_AFTER)))
    assert report.check is not None
    assert (report.check.result, report.check.altered) == (CheckResult.PASSED, ("b.py",))


def test_a_check_that_fails_and_writes_leaves_only_what_it_wrote(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    with pytest.raises(SophiaError) as caught:
        fixed(OLD_TO_NEW, request=Request(check=checking(root, f"{WRITES_AFTER}; sys.exit(mended)")))
    assert (caught.value.location, caught.value.exit_code) == ("b.py", ExitCode.UNDO_INCOMPLETE)
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'new'\n# seen"}


def test_a_dry_run_says_that_the_check_was_not_run(root: Path) -> None:
    write(root, a=b"'old'\n")
    report = fixed(OLD_TO_NEW, request=Request(dry_run=True, check=checking(root, "open('ran', 'w')")))
    assert report.check is not None
    assert (report.check.result, (root / "ran").exists()) == (CheckResult.NOT_RUN, False)


def test_a_check_that_hangs_is_stopped_and_counts_as_failed(root: Path) -> None:
    write(root, a=b"'old'\n", b=b"'old'\n")
    # A shell is there long before the time is up, also where everything is slow.
    (root / "check.script").write_text("if grep -q new a.py; then exec sleep 3600; fi\n")
    report = fixed(OLD_TO_NEW, request=Request(check="sh check.script", check_timeout_s=1.5))
    assert contents(root) == {"a.py": b"'old'\n", "b.py": b"'new'\n"}
    assert [[f.path for f in item.findings] for item in report.taken_back] == [["a.py"]]


def test_a_check_that_cannot_be_started_changes_nothing(root: Path) -> None:
    write(root, a=b"'old'\n")
    with pytest.raises(UsageError) as caught:
        fixed(OLD_TO_NEW, request=Request(check="no-such-program-here --now"))
    assert caught.value.reference == "check-not-found"
    assert contents(root) == {"a.py": b"'old'\n"}


def test_a_check_is_not_read_by_a_shell(root: Path) -> None:
    write(root, a=b"'old'\n")
    command = f'{sys.executable} -c \'import sys; sys.exit(sys.argv[1:] != ["$HOME", ";", "touch", "x"])\''
    report = fixed(OLD_TO_NEW, request=Request(check=f"{command} $HOME ; touch x"))
    assert report.check is not None
    assert report.check.result is CheckResult.PASSED
    assert not (root / "x").exists()


def test_without_anything_to_fix_the_check_is_not_run(root: Path) -> None:
    write(root, a=b"'fine'\n")
    report = fixed(OLD_TO_NEW, request=Request(check=checking(root, "open('ran', 'w')")))
    assert report.check is not None
    assert report.check.result is CheckResult.NOT_RUN
    assert not (root / "ran").exists()


def test_an_interrupted_check_restores_the_files(root: Path) -> None:
    write(root, a=b"'old'\n")
    source = (
        "import os, signal\n"
        "if 'new' in open('a.py').read():\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n"
        "    signal.pause()\n"
    )
    with pytest.raises(SophiaError) as caught:
        fixed(OLD_TO_NEW, request=Request(check=checking(root, source)))
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert contents(root) == {"a.py": b"'old'\n"}


def test_findings_in_broken_fixtures_are_notes_and_stay(root: Path) -> None:
    folder = root / "tests" / "fixtures"
    folder.mkdir(parents=True)
    (folder / "bad_syntax.py").write_bytes(b"def f(:\n")
    report = fixed(reporting_faults(), replacing(101, b"\\(:", b"():"))
    assert report.plan.steps == ()
    assert {item.finding.severity for item in report.findings} == {Severity.NOTE}


def test_the_figures_tell_before_from_after(root: Path) -> None:
    write(root, a=b"def f(:\n    pass\n", b=b"x = = 1\n", c=b"'fine'\n")
    summary = fixed(reporting_faults(), replacing(101, b"\\(:", b"():")).summary
    assert (summary.files, summary.files_unparsable_before, summary.files_unparsable_after) == (3, 2, 1)
    assert (summary.findings, summary.fixed, summary.remaining) == (3, 2, 1)
