"""What a person should know after a deployment: files that stayed behind, services that are not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sophia_cli.core.deploy_report import ServiceAction, ServiceReport
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.service_status import Role, ServiceState, ServiceStatus
from sophia_cli.deploy.fingerprint import Change
from sophia_cli.deploy.plan import DeploymentPlan
from sophia_cli.deploy.releases.store import ReleaseStore

if TYPE_CHECKING:
    from sophia_cli.project.state_folder import StateFolder

_MOST_SHOWN = 3
# What a program leaves behind as long as it runs, and nobody misses afterwards.
_PASSING = (".pid", ".sock", ".lock", ".tmp", ".ctl", "-journal", "-wal", "-shm")
_WELL = (ServiceState.RUNNING, ServiceState.STOPPED, ServiceState.ABSENT)


def files_left_behind(state: StateFolder, plan: DeploymentPlan, done: Sequence[ServiceReport]) -> list[str]:
    """Return a note for every replaced release that wrote files into its copy: the release after it has none of them.

    A copy that cannot be looked at is passed over.
    """
    store = ReleaseStore(state)
    replaced = {one.name: one.previous for one in plan.to_deploy if one.previous is not None}
    notes: list[str] = []
    for report in done:
        number = replaced.get(report.name)
        if report.action is not ServiceAction.DEPLOYED or number is None:
            continue
        try:
            found = store.differences(store.read(report.name, number)).added
        except SophiaError:
            continue
        if paths := [one.path for one in found if one.change is Change.ADDED and not one.path.endswith(_PASSING)]:
            shown = ", ".join(f"`{path}`" for path in paths[:_MOST_SHOWN])
            more = f" and {len(paths) - _MOST_SHOWN} more" if len(paths) > _MOST_SHOWN else ""
            notes.append(
                f"release {number} of {report.name} wrote {shown}{more} into its own copy, which release "
                f"{report.release} does not see; name what is to stay in `persist`"
            )
    return notes


def not_well(done: Sequence[ServiceReport], running: Mapping[str, ServiceStatus]) -> Iterator[str]:
    """Yield a note for every service that came in and is not well any more, or had to be started again."""
    for report in done:
        status = running.get(report.name)
        if report.action is not ServiceAction.DEPLOYED or status is None:
            continue
        restarts = sum(one.restarts for one in status.instances if one.role is Role.ACTIVE)
        if status.state not in _WELL:
            why = f": {status.reason}" if status.reason else ""
            yield f"{report.name} came in and is {status.state.value} now{why}; see `sophia logs {report.name}`"
        elif restarts:
            times = "once" if restarts == 1 else f"{restarts} times"
            yield f"{report.name} came in and was started again {times} since; see `sophia logs {report.name}`"


def passed_over(reports: Sequence[ServiceReport]) -> list[str]:
    """Return a note when services were not tried, since one before them failed."""
    skipped = [report.name for report in reports if report.action is ServiceAction.SKIPPED]
    failed = [report.name for report in reports if report.trouble is not None]
    if not skipped or not failed:
        return []
    way_out = f"`sophia deploy {skipped[0]}` tries that one alone"
    return [f"not tried, since {failed[0]} did not come up: {', '.join(skipped)}; {way_out}"]
