"""What `sophia fix` does, from the request to the report."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sophia_cli.commands.command_line.output import say
from sophia_cli.commands.command_line.progress import ProgressLine
from sophia_cli.commands.fixing.drafting import Drafted, Request, draft
from sophia_cli.commands.fixing.report import fix_report
from sophia_cli.commands.scanning.project import Project, open_project
from sophia_cli.commands.scanning.scan import Scan
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.fix_report import CheckReport, CheckResult, FixReport
from sophia_cli.core.packages import PackagesReport
from sophia_cli.core.plan import Plan
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.mending.execute import Executed, execute
from sophia_cli.fixers.mending.rounds import Ask
from sophia_cli.fixers.mending.user_check import UserCheck, user_check
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.project.clock import Clock
from sophia_cli.project.locks import HeldLock, project_lock
from sophia_cli.project.runs.recovery import Recovered, recover, recover_when_idle
from sophia_cli.project.runs.run_folders import list_runs
from sophia_cli.project.runs.run_record import RunState
from sophia_cli.project.runs.transactions import Run, begin_run

if TYPE_CHECKING:
    from sophia_cli.commands.fixing.installing import Installer
    from sophia_cli.project.packages.planning import InstallPlan

HOLDER = "sophia fix"


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of the plan: the run that holds it, None when nothing was written."""

    executed: Executed
    run_id: str | None
    packages: PackagesReport | None = None


def fix_project(
    request: Request,
    rules: tuple[AnyRule, ...],
    clock: Clock,
    environment: Mapping[str, str],
    progress: ProgressLine,
    ask: Ask | None,
) -> FixReport:
    """Fix what the request names with these rules and return what came of it.

    Raises UsageError for what the request gets wrong, BusyError when another Sophia holds the project, and what
    transactions raise when files cannot be written; everything is taken back then. Ctrl-C does the same and becomes a
    SophiaError (`interrupted`); a second one leaves at once, and the error says how to finish.
    """
    started = clock.monotonic()
    project = open_project(request.paths, rules, request.select, request.ignore)
    check = None
    if request.check is not None:
        check = user_check(request.check, project.root, request.check_timeout_s, environment)
    installer = None
    if request.install:
        # Most fixes install nothing: they do not pay for loading what does.
        from sophia_cli.commands.fixing.installing import open_installer

        installer = open_installer(project, request.allow_build, environment, request.quiet)
    try:
        drafted, done, recovered = _fixed(request, project, check, installer, clock, progress, ask)
    except KeyboardInterrupt as stop:
        raise _interrupted(project.root) from stop
    progress.clear()
    return fix_report(
        drafted=drafted,
        executed=done.executed,
        run_id=done.run_id,
        recovered=recovered,
        dry_run=request.dry_run,
        fail_on=request.fail_on,
        duration_s=clock.monotonic() - started,
        packages=done.packages,
    )


def _fixed(
    request: Request,
    project: Project,
    check: UserCheck | None,
    installer: Installer | None,
    clock: Clock,
    progress: ProgressLine,
    ask: Ask | None,
) -> tuple[Drafted, _Done, tuple[Recovered, ...]]:
    if request.dry_run:
        recovered = recover_when_idle(project.root, HOLDER, clock)
        if recovered:
            project = open_project(request.paths, project.rules, request.select, request.ignore)
        drafted = draft(request, project, progress, ask)
        packages = None if installer is None else _planned(installer, drafted.scan, drafted.plan, progress)
        done = _Done(Executed(drafted.plan, (), _not_run(check)), None, None if packages is None else packages.report)
    else:
        with project_lock(project.root, HOLDER, request.wait_s, clock) as lock:
            recovered = recover(lock, clock.now)
            # Files may have come and gone while another run was waited for or settled.
            project = open_project(request.paths, project.rules, request.select, request.ignore)
            drafted = draft(request, project, progress, ask)
            packages = None if installer is None else _planned(installer, drafted.scan, drafted.plan, progress)
            done = _execute(drafted, packages, installer, lock, check, clock, progress)
            if done.run_id is not None:
                _make_room(lock, clock)
    return drafted, done, recovered


def _planned(installer: Installer, scan: Scan, plan: Plan, progress: ProgressLine) -> InstallPlan:
    progress.say("asking which packages are wanted")
    after = {change.path: change.after for change in plan.changes()}
    # Of the whole project: a declaration may lie above the part that was asked for.
    found = {} if scan.survey is None else scan.survey.findings(after)
    return installer.plan(plan, (finding for findings in found.values() for finding in findings))


def _execute(
    drafted: Drafted,
    packages: InstallPlan | None,
    installer: Installer | None,
    lock: HeldLock,
    check: UserCheck | None,
    clock: Clock,
    progress: ProgressLine,
) -> _Done:
    scan, plan = drafted.scan, drafted.plan
    report = None if packages is None else packages.report
    if not plan.steps and (packages is None or not packages.changes_something):
        return _Done(Executed(plan, (), _not_run(check)), None, report)
    with begin_run(lock, HOLDER, clock.now) as run:
        executed = Executed(plan, (), None)
        if plan.steps:
            executed = execute(
                plan,
                run,
                scan.project.root,
                scan.analyse,
                check,
                on_check=lambda number: progress.say(f"running the check, {number} so far"),
            )
        if installer is not None and packages is not None:
            if executed.plan != plan and installer.rests_on(plan):
                packages = _planned(installer, scan, executed.plan, progress)
            executed, report = _install(packages, installer, run, executed, check, progress)
        changes = executed.plan.changes()
        installed = report is not None and report.applied
        if not changes and not installed:
            return _Done(executed, None, report)
        run.commit(
            f"{len(changes)} files changed" + (f", {len(report.steps)} packages" if installed and report else "")
        )
        return _Done(executed, run.id, report)


def _not_run(check: UserCheck | None) -> CheckReport | None:
    return None if check is None else CheckReport(check.command, CheckResult.NOT_RUN, None, None, 0, "")


def _install(
    packages: InstallPlan,
    installer: Installer,
    run: Run,
    executed: Executed,
    check: UserCheck | None,
    progress: ProgressLine,
) -> tuple[Executed, PackagesReport]:
    if not packages.changes_something:
        return executed, packages.report
    progress.clear()
    installer.show(packages.report)
    if check is None:
        return executed, installer.install(packages, run, progress.say)
    report, checked = installer.install_checked(packages, run, check, executed.check, progress.say)
    return replace(executed, check=checked), report


def _make_room(lock: HeldLock, clock: Clock) -> None:
    """Remove runs that are long past; the run that just ended stands whatever becomes of that."""
    from sophia_cli.project.runs.pruning import Retention, prune

    # Ctrl-C ends the pruning; what is left is for the next time.
    with contextlib.suppress(KeyboardInterrupt):
        try:
            prune(lock, clock.now, Retention())
        except (OSError, SophiaError) as error:
            say(f"old runs could not be removed: {error}")


def _interrupted(root: Path) -> SophiaError:
    """Return the error for Ctrl-C and its like: the run was taken back on the way here, unless a second one cut that
    short."""
    try:
        unfinished = any(run.state is RunState.UNFINISHED for run in list_runs(root))
    except SophiaError:
        # A dry run where the runs belong to another user: nothing was begun here.
        unfinished = False
    if unfinished:
        return SophiaError(
            "interrupted",
            "stopped while the files were given back what they held",
            hint="`sophia undo --list` completes that; nothing is lost",
            exit_code=ExitCode.INTERRUPTED,
        )
    return SophiaError("interrupted", "stopped; every file holds what it held before", exit_code=ExitCode.INTERRUPTED)
