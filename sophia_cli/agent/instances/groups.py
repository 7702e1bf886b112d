"""The control groups of instances: made before a start, asked after an end, removed when nobody is left."""

from __future__ import annotations

import logging
from pathlib import Path

from sophia_cli.project.host.cgroups import (
    Group,
    GroupLimits,
    GroupTree,
    find_group,
    make_group,
    out_of_memory_kills,
    remove_group,
)
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.settings.service_model import Limits

log = logging.getLogger(__name__)


class InstanceGroups:
    """Knows the group of each instance that has one."""

    def __init__(self, trees: tuple[GroupTree, ...]) -> None:
        self._trees = trees
        self._groups: dict[str, Group] = {}
        self._kills: dict[str, int] = {}

    def make(self, instance: str, limits: Limits) -> tuple[Path, ...]:
        """Return the files through which a process of the instance enters its group; none without limits.

        Where the system refuses, the instance starts without them, and the log says so.
        """
        wanted = GroupLimits(limits.processes, limits.memory_bytes)
        if wanted == GroupLimits():
            return ()
        made = make_group(self._trees, instance, wanted)
        if isinstance(made, Missing):
            log.warning("limits not set", extra={"instance": instance, "reason": made.reason})
            return ()
        if not made.folders:
            log.warning("limits not set", extra={"instance": instance, "reason": "no control groups can be made"})
            return ()
        self._groups[instance] = made
        self._kills[instance] = out_of_memory_kills(made)
        return made.entrances

    def adopt(self, instance: str, pid: int) -> None:
        """Know the group that an earlier agent made for an instance."""
        found = find_group(pid, instance)
        if found is not None:
            self._groups[instance] = found
            self._kills[instance] = out_of_memory_kills(found)

    def clear(self, instance: str) -> None:
        """Remove what an earlier agent left of an instance that ended while nobody was there to see it."""
        if self._trees:
            remove_group(Group(tuple({tree.folder / f"sophia-{instance}" for tree in self._trees})))

    def leave(self, instance: str) -> bool:
        """Remove the group of an instance without processes; whether the kernel had killed for want of memory."""
        group = self._groups.pop(instance, None)
        if group is None:
            return False
        killed = out_of_memory_kills(group) > self._kills.pop(instance, 0)
        if not remove_group(group):
            log.warning("control group not removed", extra={"instance": instance})
        return killed
