"""What this machine offers to the agent: how many files it may open, control groups, descriptors of other processes."""

from __future__ import annotations

import logging
import resource
from collections.abc import Mapping

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.host.cgroups import SETTING_OF, GroupTree, all_trees
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.proc_files import shows_processes
from sophia_cli.project.host.syscalls import missing_calls

log = logging.getLogger(__name__)
# A fault test takes offers away here: `pidfd_getfd`, `cgroups`.
WITHOUT = "SOPHIA_AGENT_WITHOUT"


@dataclass(frozen=True, slots=True)
class Machine:
    """`open_files` is what the agent was started with; `trees` are the control groups that limit instances, and
    `missing` the limits that no control group keeps; `hands_listeners_over` whether a running process gives its
    listener to the next agent.
    """

    open_files: int
    trees: tuple[GroupTree, ...]
    missing: tuple[Missing, ...]
    hands_listeners_over: bool


def look_at_machine(environment: Mapping[str, str]) -> Machine:
    """Return what the machine offers, and let the agent itself open as many files as it may.

    UnavailableError (`system-not-supported`) where processes cannot be looked at: nothing could be proved or ended.
    """
    if not shows_processes():
        raise UnavailableError(
            "system-not-supported",
            "this system does not tell of its processes in `/proc`, so services cannot be kept here",
            hint="deploy on Linux; scan, fix, verify and bench work here, and `sophia doctor` says what is missing",
        )
    without = frozenset(environment.get(WITHOUT, "").split(","))
    trees, missing = all_trees()
    if "cgroups" in without:
        trees, missing = (), tuple(Missing(setting, "left out") for setting in SETTING_OF.values())
    calls = missing_calls()
    for one in (*missing, *calls):
        log.info("not offered by this machine", extra={"what": one.what, "reason": one.reason})
    hands_over = not calls and "pidfd_getfd" not in without
    return Machine(_open_more_files(), trees, missing, hands_over)


def _open_more_files() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        # macOS takes no more than a value of its own; what there was stays.
        log.info("open files not raised", extra={"limit": soft, "reason": str(error)})
    return soft
