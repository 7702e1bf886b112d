"""The project that a command works on: root, settings, rules and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.findings import Finding
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.analysis import AnalysisContext, FileReport
from sophia_cli.fixers.rule import AnyRule, ProjectRule
from sophia_cli.fixers.selection import select_rules, without_path_ignored
from sophia_cli.project.files.discover import discover
from sophia_cli.project.files.inventory import Inventory, ProjectFile
from sophia_cli.project.python_version import project_python
from sophia_cli.project.root import find_root, is_root, left_behind
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Project:
    """A project and the part of it that a command was asked to look at.

    All rules of files run, so one cache serves every selection; `selected` are the ids of the rules that are reported,
    `named` the files that the user named one by one. `whole` is the inventory of the whole project, which may be more
    than `inventory`, the part that was asked for.
    """

    root: Path
    settings: Settings
    rules: tuple[AnyRule, ...]
    selected: frozenset[str]
    inventory: Inventory
    whole: Inventory
    named: frozenset[str]
    asked_for: frozenset[str]
    python: tuple[int, int]

    def context_for(self, file: ProjectFile) -> AnalysisContext:
        """Return what the analysis of a file may know."""
        return AnalysisContext(python=self.python, named=file.named)

    def reported(self, report: FileReport) -> FileReport:
        """Return the report without the findings that the selection or the settings leave out."""
        findings = [finding for finding in report.findings if finding.rule in self.selected]
        kept = without_path_ignored(self.rules, findings, self.settings.rules.per_path)
        return report if len(kept) == len(report.findings) else replace(report, findings=kept)

    @property
    def file_rules(self) -> frozenset[str]:
        """The ids of the rules that look at one file."""
        return frozenset(rule.id for rule in self.rules if not isinstance(rule, ProjectRule))

    @property
    def looks_at_files_together(self) -> bool:
        """Whether a report needs more than each file by itself: a rule of all files is selected, or the grade asks
        what the declared services start from."""
        return not self.selected <= self.file_rules or bool(self.settings.services)

    def reports_on(self, path: str) -> bool:
        """Tell whether a file lies in the part that was asked for."""
        return self.inventory.is_whole or path in self.asked_for

    def wants(self, finding: Finding) -> bool:
        """Tell whether a finding is one that is reported."""
        if finding.rule not in self.selected:
            return False
        return bool(without_path_ignored(self.rules, [finding], self.settings.rules.per_path))


def open_project(
    paths: Sequence[Path], rules: tuple[AnyRule, ...], select: Sequence[str], ignore: Sequence[str]
) -> Project:
    """Return the project that holds the paths (the current folder when there are none).

    UsageError when a path does not exist (`path-missing`), lies in another project or is led out of its own by a link
    (`path-outside`), and for settings and selectors that cannot be.
    """
    targets = list(paths) or [Path()]
    for path in targets:
        if not os.path.lexists(path):
            raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
        left = left_behind(path)
        if left is not None:
            raise UsageError(
                "path-outside",
                f"a symbolic link leads from `{path}` to `{path.resolve()}`, out of the project `{left}`",
                hint="name the file or folder that is meant by its own path",
            )
    root = find_root(targets[0])
    settings = load_settings(root)
    _check_selectors(rules, settings)
    chosen = select_rules(rules, tuple(select) or settings.rules.select, (*settings.rules.ignore, *ignore))
    inventory = discover(root, targets, settings.project.include, settings.project.exclude)
    running = (sys.version_info.major, sys.version_info.minor)
    python = project_python(root, running, settings.project.python_version)
    return Project(
        root=root,
        settings=settings,
        rules=rules,
        selected=frozenset(rule.id for rule in chosen),
        inventory=inventory,
        whole=_whole(root, inventory, settings),
        named=frozenset(file.path for file in inventory.files if file.named),
        asked_for=frozenset(file.path for file in (*inventory.files, *inventory.documents)),
        python=python,
    )


def _check_selectors(rules: Sequence[AnyRule], settings: Settings) -> None:
    """Raise UsageError (`unknown-rule`), with the settings file, for a selector there that fits no rule."""
    per_path = tuple(selector for item in settings.rules.per_path for selector in item.ignore)
    try:
        select_rules(rules, settings.rules.select, (*settings.rules.ignore, *per_path))
    except UsageError as error:
        error.location = settings.source
        raise


def _whole(root: Path, inventory: Inventory, settings: Settings) -> Inventory:
    """Return the inventory of the whole project; a file in no project has nothing around it that matters."""
    if inventory.is_whole or not is_root(root):
        return inventory
    whole = discover(root, (), settings.project.include, settings.project.exclude)
    asked_for = {file.path: file for file in inventory.files}
    known = {file.path: file for file in whole.files} | asked_for
    return replace(whole, files=tuple(known[path] for path in sorted(known)))
