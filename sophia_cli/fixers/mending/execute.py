"""Carrying a plan out: write, read back, run the user's check, and take back the steps that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.findings import Finding
from sophia_cli.core.fix_report import CheckReport, CheckResult, TakenBack
from sophia_cli.core.plan import Plan, Step
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.contents import read_bytes
from sophia_cli.fixers.mending.bisect import split_good
from sophia_cli.fixers.mending.compose import OwnedEdit
from sophia_cli.fixers.mending.trial import Analyse
from sophia_cli.fixers.mending.user_check import CheckRun
from sophia_cli.fixers.mending.verify import Version, objection
from sophia_cli.project.runs.atomic import FileChanged
from sophia_cli.project.runs.changes import FileChange
from sophia_cli.project.runs.records import Kept

MAX_CHECK_RUNS = 60


class WritesFiles(Protocol):
    """Makes changes of files that can be taken back: a run of `project.transactions`."""

    def apply(self, changes: Iterable[FileChange]) -> tuple[str, ...]: ...

    def take_back(self, paths: Iterable[str]) -> tuple[Kept, ...]: ...


class Check(Protocol):
    """The user's check, as `user_check` gives it."""

    @property
    def command(self) -> str: ...

    def run(self) -> CheckRun: ...


@dataclass(frozen=True, slots=True)
class Executed:
    """What stands on the disk: the steps that were kept, what was taken back, and what the check said."""

    plan: Plan
    taken_back: tuple[TakenBack, ...]
    check: CheckReport | None


def execute(
    plan: Plan,
    run: WritesFiles,
    root: Path,
    analyse: Analyse,
    check: Check | None,
    on_check: Callable[[int], None] | None = None,
) -> Executed:
    """Write the plan's files through `run` and keep what the check accepts.

    When the check passed before and fails after, the steps that make it fail are found by halving, taken back, and the
    check is run again to confirm; when it does not pass even then, everything is taken back. A check that failed before
    blames nothing, and neither does one that passes when it is run again on the same files. `on_check` hears the number
    of each run of the check. Raises what `run.apply` raises, and SophiaError when a file of the plan changes while the
    check runs (`file-changed`) or the disk does not hold what was written (`written-wrong`).
    """
    disk = _Disk(plan, run, root, analyse)
    if check is None:
        disk.put(plan.steps)
        return Executed(plan, (), None)
    checks = _Checks(check, on_check)
    before = checks.run()
    disk.require_unaltered(check.command)
    disk.put(plan.steps)
    after = checks.run()
    if not before.passed:
        report = checks.report(CheckResult.FAILED_BEFORE, before.passed, after, altered=disk.altered())
        return Executed(plan, (), report)
    if after.passed:
        return Executed(plan, (), checks.report(CheckResult.PASSED, True, after, altered=disk.altered()))
    disk.require_unaltered(check.command)
    # Another run costs little against blaming a fix for a check that fails now and then; not where it hung.
    if not after.stopped and (again := checks.run()).passed:
        return Executed(plan, (), checks.report(CheckResult.PASSED, True, again, steady=False, altered=disk.altered()))
    kept, culprits = _bisected(plan, disk, checks)
    disk.require_unaltered(check.command)
    disk.put(kept)
    confirmed = checks.run()
    taken_back = [TakenBack(step.findings, f"`{check.command}` fails with it and passes without") for step in culprits]
    if not confirmed.passed:
        disk.require_unaltered(check.command)
        disk.put(())
        taken_back += [
            TakenBack(step.findings, f"`{check.command}` fails and no single cause was found") for step in kept
        ]
        kept = []
    result = CheckResult.PASSED if confirmed.passed else CheckResult.FAILED
    report = checks.report(result, True, confirmed, altered=disk.altered())
    return Executed(plan.only(kept), tuple(taken_back), report)


def _bisected(plan: Plan, disk: _Disk, checks: _Checks) -> tuple[list[Step], list[Step]]:
    """Return (kept, culprits) after the check failed for the whole plan; nothing is kept when the runs ran out."""

    def passes(steps: Sequence[Step]) -> bool:
        # The whole plan is what failed; asking again would only cost time.
        if len(steps) == len(plan.steps) or not disk.stands(steps) or checks.exhausted:
            return False
        disk.require_unaltered(checks.command)
        disk.put(steps)
        return checks.run().passed

    kept, culprits = split_good(plan.steps, passes)
    return ([], list(plan.steps)) if checks.exhausted else (kept, culprits)


class _Checks:
    """Runs of the check, counted."""

    def __init__(self, check: Check, on_check: Callable[[int], None] | None) -> None:
        self._check = check
        self._on_check = on_check
        self._runs = 0

    @property
    def command(self) -> str:
        return self._check.command

    @property
    def exhausted(self) -> bool:
        return self._runs >= MAX_CHECK_RUNS

    def run(self) -> CheckRun:
        self._runs += 1
        if self._on_check is not None:
            self._on_check(self._runs)
        return self._check.run()

    def report(
        self,
        result: CheckResult,
        passed_before: bool,
        last: CheckRun,
        *,
        steady: bool = True,
        altered: tuple[str, ...] = (),
    ) -> CheckReport:
        return CheckReport(self.command, result, passed_before, last.passed, self._runs, last.output, steady, altered)


class _Disk:
    """The plan's files on the disk, with any subset of its steps made."""

    def __init__(self, plan: Plan, run: WritesFiles, root: Path, analyse: Analyse) -> None:
        self._plan = plan
        self._run = run
        self._root = root
        self._analyse = analyse
        self._before = {original.path: original.data if original.exists else None for original in plan.originals}
        self._present = dict(self._before)

    def put(self, steps: Iterable[Step]) -> None:
        """Make the files what they are with these steps and no others."""
        wanted = {**self._before, **{change.path: change.after for change in self._plan.only(steps).changes()}}
        differing = [(path, data) for path, data in wanted.items() if data != self._present[path]]
        kept = self._run.take_back([path for path, data in differing if data is None])
        if kept:
            raise FileChanged(kept[0].path)
        changes = [FileChange(path, self._present[path], data) for path, data in differing if data is not None]
        if changes:
            self._run.apply(changes)
        for change in changes:
            if read_bytes(self._root, change.path) != change.after:
                raise _written_wrong(change.path)
        self._present = wanted

    def altered(self) -> tuple[str, ...]:
        """Return the plan's files that hold something else than was put there."""
        return tuple(path for path, data in self._present.items() if read_bytes(self._root, path) != data)

    def require_unaltered(self, command: str) -> None:
        """Raise SophiaError (`file-changed`) when a file of the plan changed while the check ran."""
        for path in self.altered():
            was_mended = self._present[path] != self._before[path]
            raise SophiaError(
                "file-changed",
                f"`{path}` changed while the check `{command}` ran and keeps its bytes; everything else is taken back",
                hint="give `--verify` a check that only looks: a formatter, for example, with `--check`",
                location=path,
                exit_code=ExitCode.UNDO_INCOMPLETE if was_mended else ExitCode.ROLLED_BACK,
            )

    def stands(self, steps: Sequence[Step]) -> bool:
        """Tell whether these steps by themselves leave every file no worse than it was."""
        for change in self._plan.only(steps).changes():
            before = Version(change.before, self._analyse(change.path, change.before))
            after = Version(change.after, self._analyse(change.path, change.after))
            edits = [OwnedEdit(e.start, e.end, e.replacement, frozenset()) for e in change.edits]
            if objection(before, after, edits) is not None:
                return False
        return True


def unwritable(findings: Iterable[Finding], why: Callable[[str], str | None]) -> dict[str, str]:
    """Return the files of the findings' fixes that may not be written, each with the reason that `why` gives."""
    paths = {edit.path for f in findings if f.fix is not None for edit in f.fix.edits}
    return {path: reason for path in sorted(paths) if (reason := why(path)) is not None}


def _written_wrong(path: str) -> SophiaError:
    return SophiaError(
        "written-wrong",
        f"`{path}` does not hold what was written to it a moment ago; everything is taken back",
        hint="somebody else writes to it, or the disk fails; run again when that is over",
        location=path,
        exit_code=ExitCode.ROLLED_BACK,
    )
