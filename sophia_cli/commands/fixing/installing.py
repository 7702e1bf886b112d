"""The `--install` of `sophia fix`: the project's environment, what has to change in it, and changing it in the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sophia_cli.commands.command_line.output import has_colours, say
from sophia_cli.commands.scanning.project import Project
from sophia_cli.core.errors import UsageError
from sophia_cli.core.findings import Finding
from sophia_cli.core.fix_report import CheckReport, CheckResult
from sophia_cli.core.packages import PackageNote, PackagesReport
from sophia_cli.core.plan import Plan
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.contents import read_bytes
from sophia_cli.fixers.mending.user_check import CheckRun, UserCheck
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.installing import install
from sophia_cli.project.packages.planning import InstallPlan, plan_installation
from sophia_cli.project.packages.target import Target, find_target
from sophia_cli.project.packages.tools import Tools, find_tools
from sophia_cli.project.packages.wishes import declarations_among, read_wishes
from sophia_cli.project.runs.transactions import Run
from sophia_cli.render.packages import packages_text
from sophia_cli.render.style import Style

Say = Callable[[str], None]
# Findings about a declared name that no index is to be asked for, whatever rules were selected.
_NOT_INSTALLED = ("first-party-as-distribution", "not-a-distribution")


@dataclass(frozen=True, slots=True)
class Installer:
    """Installs what a project declares into its own environment."""

    project: Project
    target: Target
    tools: Tools
    allow_build: tuple[str, ...]
    quiet: bool

    def show(self, report: PackagesReport) -> None:
        """Write what is about to be installed to standard error, unless nobody wants to see it."""
        if not self.quiet:
            style = Style(colours=has_colours(sys.stderr, os.environ))
            say(packages_text(report, style).rstrip("\n"))

    def plan(self, fixes: Plan, left: Iterable[Finding]) -> InstallPlan:
        """Return what has to change once the fixes are made; asks the package index and changes nothing.

        `left` are the findings about the project that the fixes leave: what they call no distribution is not installed.
        Raises what `plan_installation` raises.
        """
        after = {change.path: change.after for change in fixes.changes()}
        documents = {file.path for file in self.project.whole.documents} | set(after)
        refused = {
            str(finding.data["distribution"]): finding.message
            for finding in left
            if finding.name in _NOT_INSTALLED and "distribution" in finding.data
        }

        def read(path: str) -> bytes | None:
            return after[path] if path in after else read_bytes(self.project.root, path)

        here = declarations_among(path for path in documents if self._concerns(path))
        wishes = read_wishes(here, read, declarations_among(documents), refused)
        return plan_installation(wishes, read, self.target, self.tools, self.allow_build)

    def _concerns(self, path: str) -> bool:
        """Tell whether a declaration covers what was asked for: it lies beside it, or in a folder above."""
        if self.project.inventory.is_whole:
            return True
        folder = path[: path.rfind("/") + 1]
        return any(asked.startswith(folder) for asked in self.project.asked_for)

    def rests_on(self, fixes: Plan) -> bool:
        """Tell whether any fix of a plan changes a declaration."""
        return any(declarations_among(change.path for change in fixes.changes()))

    def install(self, plan: InstallPlan, run: Run, progress: Say) -> PackagesReport:
        """Carry the plan out in a run; raises what `project.packages.installing.install` raises."""
        return install(plan, run, self.tools, progress)

    def install_checked(
        self, plan: InstallPlan, run: Run, check: UserCheck, earlier: CheckReport | None, progress: Say
    ) -> tuple[PackagesReport, CheckReport]:
        """Install and run the user's check again; the packages go back when it passed before and fails now.

        `earlier` is what the check said about the fixes, None when nothing was fixed.
        """
        before = _first(check, progress) if earlier is None else earlier
        report = self.install(plan, run, progress)
        progress("running the check with the packages")
        now = check.run()
        told = replace(before, runs=before.runs + 1, passed_after=now.passed, output=now.output)
        if now.passed or not before.passed_after:
            # It failed before: then the packages are not to blame, and may be the cure.
            return report, told
        kept = (*run.take_back_packages(), *run.take_back(change.path for change in plan.locks))
        notes = [PackageNote(one.path, f"not taken back: {one.reason}") for one in kept]
        notes.append(PackageNote(report.environment, f"taken back: `{check.command}` fails with these packages"))
        report = replace(report, applied=bool(kept), resolved=None, notes=(*report.notes, *notes))
        return report, replace(before, runs=told.runs, output=now.output)


def open_installer(
    project: Project, allow_build: tuple[str, ...], environment: Mapping[str, str], quiet: bool
) -> Installer:
    """Return what installs into the project's environment; raises what `find_target` and `find_tools` raise."""
    for name in allow_build:
        if not normalised(name).replace("-", "").isalnum():
            raise UsageError("usage", f"`--allow-build {name}` names no package", hint="give the name of a package")
    target = find_target(project.root, project.settings.project.python, Path(sys.prefix), environment)
    tools = find_tools(target, project.root, environment)
    return Installer(project, target, tools, tuple(normalised(name) for name in allow_build), quiet)


def _first(check: UserCheck, progress: Say) -> CheckReport:
    progress("running the check before the packages")
    ran: CheckRun = check.run()
    result = CheckResult.PASSED if ran.passed else CheckResult.FAILED_BEFORE
    return CheckReport(check.command, result, ran.passed, ran.passed, 1, ran.output)
