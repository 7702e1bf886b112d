"""What an installation would do: the wishes resolved against what the environment holds. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sophia_cli.core.packages import PackageAction, PackageNote, PackagesReport, PackageStep
from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.packages.installed import Installed, installed_packages
from sophia_cli.project.packages.lock_files import renew_locks
from sophia_cli.project.packages.resolution import Pin, Question, Resolution
from sophia_cli.project.packages.resolvers import resolve
from sophia_cli.project.packages.target import Target
from sophia_cli.project.packages.tools import Tools
from sophia_cli.project.packages.versions import is_newer, is_same_version
from sophia_cli.project.packages.wishes import Read, Wishes
from sophia_cli.project.runs.changes import FileChange


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """The packages to change (`pins`), all that was resolved, and what is told to the user."""

    target: Target
    pins: tuple[Pin, ...]
    resolved: tuple[Pin, ...]
    locks: tuple[FileChange, ...]
    before: Mapping[str, Installed]
    allow_build: tuple[str, ...]
    report: PackagesReport

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to install."""
        return self.report.changes_something


def plan_installation(
    wishes: Wishes, read: Read, target: Target, tools: Tools, allow_build: Iterable[str]
) -> InstallPlan:
    """Return what has to change so that the environment holds what the project asks for; raises what `resolve` raises.

    `read` gives the bytes of a declaration. What the environment or a lock file has already stays where it will do.
    Packages that nobody asks for stay too.
    """
    present = installed_packages(target)
    preferred = {name: package.version for name, package in present.items() if package.is_replaceable}
    preferred.update(wishes.pins)
    allowed = tuple(sorted(set(allow_build)))
    question = Question(wishes.requirements, wishes.constraints, preferred, allowed)
    resolution = resolve(question, target, tools)
    steps: list[PackageStep] = []
    pins: list[Pin] = []
    notes = list(wishes.notes)
    places = _places(wishes)
    for pin in sorted(resolution.pins, key=lambda one: one.name):
        held = present.get(pin.name)
        if held is not None and not held.is_replaceable:
            if not is_same_version(held.version, pin.version):
                reason = (
                    f"{held.version} is installed from {held.source.value}, which stays; {pin.version} was resolved"
                )
                notes.append(PackageNote(pin.name, reason))
            continue
        action = _action(held, pin)
        if action is None:
            continue
        wanted_by = (*places.get(pin.name, ()), *pin.wanted_by)
        steps.append(PackageStep(pin.name, action, None if held is None else held.version, pin.version, wanted_by))
        pins.append(pin)
    locks = renew_locks(wishes, resolution, read, target, tools)
    notes += locks.notes
    report = PackagesReport(
        environment=target.shown,
        python=".".join(str(number) for number in target.version),
        resolver=resolution.tool,
        steps=tuple(steps),
        notes=tuple(notes),
        unchanged=_unchanged(resolution, wishes, pins),
        locks=locks.told,
    )
    return InstallPlan(target, tuple(pins), resolution.pins, locks.changes, present, allowed, report)


def applied(report: PackagesReport, resolved: str | None) -> PackagesReport:
    """Return the report once its steps are done; `resolved` is the file that holds what was resolved."""
    return replace(report, applied=True, resolved=resolved)


def _action(held: Installed | None, pin: Pin) -> PackageAction | None:
    if held is None:
        return PackageAction.INSTALL
    if is_same_version(held.version, pin.version):
        return None
    return PackageAction.UPGRADE if is_newer(pin.version, held.version) else PackageAction.DOWNGRADE


def _unchanged(resolution: Resolution, wishes: Wishes, pins: list[Pin]) -> int:
    if resolution.is_whole:
        return len(resolution.pins) - len(pins)
    changed = {pin.name for pin in resolution.pins}
    return len({wish.name for wish in wishes.requirements} - changed)


def _places(wishes: Wishes) -> dict[str, tuple[str, ...]]:
    places: dict[str, tuple[str, ...]] = {}
    for wish in wishes.requirements:
        places[wish.name] = tuple(dict.fromkeys((*places.get(wish.name, ()), wish.place)))
    return places
