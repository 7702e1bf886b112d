"""The control groups of instances: made before a start, asked after an end, removed when nobody is left."""

from __future__ import annotations

import logging
from pathlib import Path

from sophia_cli.project.host.cgroups import (
    SETTING_OF,
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
    """Knows the group of each instance that has one. `missing` is what the machine has no control groups for."""

    def __init__(self, trees: tuple[GroupTree, ...], missing: tuple[Missing, ...]) -> None:
        self._trees = trees
        self._missing = missing
        self._groups: dict[str, Group] = {}
        self._kills: dict[str, int] = {}
        self._unkept: dict[str, tuple[str, ...]] = {}

    def make(self, instance: str, limits: Limits) -> tuple[Path, ...]:
        """Return the files through which a process of the instance enters its group; none without limits.

        Where the system refuses, the instance starts without them; `unkept` says so.
        """
        wanted = _wanted(limits)
        self._unkept.pop(instance, None)
        if wanted == GroupLimits():
            return ()
        made = make_group(self._trees, instance, wanted)
        self._tell(instance, [*made.refused, *(one for one in self._missing if one.what in _settings(wanted))])
        if made.group.folders:
            self._groups[instance] = made.group
            self._kills[instance] = out_of_memory_kills(made.group)
        return made.group.entrances

    def adopt(self, instance: str, pid: int, limits: Limits) -> None:
        """Know the group that an earlier agent made for an instance."""
        found = find_group(pid, instance)
        if found is not None:
            self._groups[instance] = found
            self._kills[instance] = out_of_memory_kills(found)
        elif (wanted := _wanted(limits)) != GroupLimits():
            known = {one.what: one for one in self._missing}
            unknown = "it was started without control groups"
            self._tell(instance, [known.get(name) or Missing(name, unknown) for name in _settings(wanted)])

    def unkept(self, instance: str) -> tuple[str, ...]:
        """Return which limits of an instance nobody keeps, and why, in sentences.

        Memory is not among them: the agent watches it where the kernel does not.
        """
        return self._unkept.get(instance, ())

    def _tell(self, instance: str, missing: list[Missing]) -> None:
        for one in missing:
            log.warning("limit not set", extra={"instance": instance, "what": one.what, "reason": one.reason})
        kept_otherwise = SETTING_OF["memory"]
        told = tuple(f"`{one.what}` is not kept: {one.reason}" for one in missing if one.what != kept_otherwise)
        if told:
            self._unkept[instance] = told

    def clear(self, instance: str) -> None:
        """Remove what an earlier agent left of an instance that ended while nobody was there to see it."""
        if self._trees:
            remove_group(Group(tuple({tree.folder / f"sophia-{instance}" for tree in self._trees})))

    def leave(self, instance: str) -> bool:
        """Remove the group of an instance without processes; whether the kernel had killed for want of memory."""
        self._unkept.pop(instance, None)
        group = self._groups.pop(instance, None)
        if group is None:
            return False
        killed = out_of_memory_kills(group) > self._kills.pop(instance, 0)
        if not remove_group(group):
            log.warning("control group not removed", extra={"instance": instance})
        return killed


def _wanted(limits: Limits) -> GroupLimits:
    return GroupLimits(limits.processes, limits.memory_bytes, limits.cpus)


def _settings(limits: GroupLimits) -> tuple[str, ...]:
    return tuple(setting for controller, setting in SETTING_OF.items() if limits.wants(controller))
