"""Control groups that cap processes, memory and processor time of an instance, where this user may make them.

Version 2 (one tree) and version 1 (a tree a controller) are known. Where neither can be written, the answer is a
Missing value that says why; memory is then watched by the agent.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.host.missing import Missing

_SHARED = "the agent shares its own group with other processes, so no limits can be set below it"
# The setting that each controller keeps.
SETTING_OF = {"pids": "limits.processes", "memory": "limits.memory", "cpu": "limits.cpus"}
# Processor time is dealt out in periods of this length, the kernel's own; less than a millisecond in each is refused.
_PERIOD_US = 100_000


@dataclass(frozen=True, slots=True)
class GroupTree:
    """Where groups of one controller can be made: its folder, and whether it is version 2."""

    controller: str
    folder: Path
    is_unified: bool


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How many processes (threads count), bytes and processor cores an instance may have; None is no limit."""

    processes: int | None = None
    memory: int | None = None
    cpus: float | None = None

    def wants(self, controller: str) -> bool:
        """Whether there is a limit that belongs to a controller."""
        return {"pids": self.processes, "memory": self.memory, "cpu": self.cpus}[controller] is not None

    def files(self, tree: GroupTree) -> tuple[tuple[str, str], ...]:
        """Return what is written into which files of a group of that tree, in this order."""
        match tree.controller:
            case "pids":
                return (("pids.max", str(self.processes)),)
            case "memory":
                return (("memory.max" if tree.is_unified else "memory.limit_in_bytes", str(self.memory)),)
            case _:
                quota = max(1000, round((self.cpus or 0.0) * _PERIOD_US))
                if tree.is_unified:
                    return (("cpu.max", f"{quota} {_PERIOD_US}"),)
                return (("cpu.cfs_period_us", str(_PERIOD_US)), ("cpu.cfs_quota_us", str(quota)))


@dataclass(frozen=True, slots=True)
class Group:
    """The groups of one instance, one folder a controller tree."""

    folders: tuple[Path, ...]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """The files into which a process writes `0` to enter."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)


def find_tree(controller: str, proc: Path = Path("/proc")) -> GroupTree | Missing:
    """Return where this process may make groups with `pids`, `memory` or `cpu` limits, or why it may not."""
    try:
        mounts = (proc / "self/mountinfo").read_text("utf-8")
        own = (proc / "self/cgroup").read_text("utf-8")
    except OSError as error:
        return Missing(SETTING_OF[controller], f"this system shows no control groups: {error.strerror}")
    paths = {name: path for _, names, path in _lines(own) for name in names.split(",")}
    for mount_point, root, kind, options in _mounts(mounts):
        if kind == "cgroup" and controller in options and controller in paths:
            return _checked(GroupTree(controller, _below(mount_point, root, paths[controller]), False))
    for mount_point, root, kind, _ in _mounts(mounts):
        if kind == "cgroup2" and "" in paths:
            folder = _nearest(_below(mount_point, root, paths[""]), mount_point)
            if controller in _words(folder / "cgroup.controllers"):
                return _checked(GroupTree(controller, folder, True))
    return Missing(SETTING_OF[controller], f"no control group of this process offers `{controller}`")


@dataclass(frozen=True, slots=True)
class MadeGroup:
    """The groups that were made for an instance, and the limits that the system refused (`what` is their setting)."""

    group: Group
    refused: tuple[Missing, ...] = ()


def make_group(trees: tuple[GroupTree, ...], name: str, limits: GroupLimits) -> MadeGroup:
    """Make the groups of an instance, with its limits set; trees whose limit is None are left alone.

    What the system refuses leaves nothing behind.
    """
    made: list[Path] = []
    refused: list[Missing] = []
    for tree in trees:
        if not limits.wants(tree.controller):
            continue
        folder = tree.folder / f"sophia-{name}"
        try:
            _set(tree, folder, limits)
        except OSError as error:
            if folder not in made:
                remove_group(Group((folder,)))
            reason = _SHARED if error.errno == errno.EBUSY else error.strerror or "refused"
            refused.append(Missing(SETTING_OF[tree.controller], reason))
            continue
        if folder not in made:
            made.append(folder)
    return MadeGroup(Group(tuple(made)), tuple(refused))


def _set(tree: GroupTree, folder: Path, limits: GroupLimits) -> None:
    if tree.is_unified:
        _enable(tree)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    for file, text in limits.files(tree):
        _write(folder / file, text)


def find_group(pid: int, name: str, proc: Path = Path("/proc")) -> Group | None:
    """Return the groups that an earlier agent made for an instance, by one of its processes; None when it is in none.

    That agent may have had another group than this one, so its own place tells nothing.
    """
    try:
        mounts = _mounts((proc / "self/mountinfo").read_text("utf-8"))
        lines = _lines((proc / str(pid) / "cgroup").read_text("utf-8"))
    except OSError:
        return None
    found: list[Path] = []
    for _, names, path in lines:
        if not path.endswith(f"/sophia-{name}"):
            continue
        for mount_point, root, kind, options in mounts:
            is_here = kind == "cgroup" and bool(set(names.split(",")) & set(options)) and names != ""
            if is_here or (kind == "cgroup2" and names == ""):
                found.append(_below(mount_point, root, path))
                break
    return Group(tuple(found)) if found else None


def out_of_memory_kills(group: Group) -> int:
    """Return how often the kernel killed a process of the group for want of memory."""
    for folder in group.folders:
        for name in ("memory.events", "memory.oom_control"):
            words = _words(folder / name)
            if "oom_kill" in words:
                return int(words[words.index("oom_kill") + 1])
    return 0


def remove_group(group: Group) -> bool:
    """Remove the groups of an instance; False when processes are still in them."""
    is_gone = True
    for folder in group.folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            is_gone = False
    return is_gone


def _nearest(own: Path, mount_point: Path) -> Path:
    """Return the nearest group at or above our own that hands controllers on and is ours to write.

    A group with processes of its own, such as the one that a terminal puts us in, cannot hand controllers on (the rule
    of "no internal processes" in the kernel's cgroup-v2 document), but the one above often does. It is one for all
    controllers, since a process is in one group of this tree only.
    """
    for folder in (own, *own.parents):
        if not folder.is_relative_to(mount_point):
            break
        hands_on = not SETTING_OF.keys().isdisjoint(_words(folder / "cgroup.subtree_control"))
        if hands_on and os.access(folder, os.W_OK | os.X_OK) and os.access(folder / "cgroup.procs", os.W_OK):
            return folder
    return own


def _checked(tree: GroupTree) -> GroupTree | Missing:
    if not os.access(tree.folder, os.W_OK | os.X_OK):
        return Missing(SETTING_OF[tree.controller], f"`{tree.folder}` is not writable for this user")
    if tree.is_unified and tree.controller not in _words(tree.folder / "cgroup.subtree_control"):
        # The kernel's own first group, which alone has no type, is the one that may have processes beside groups.
        is_first = not (tree.folder / "cgroup.type").exists()
        if not is_first and _words(tree.folder / "cgroup.procs"):
            return Missing(SETTING_OF[tree.controller], _SHARED)
    return tree


def _enable(tree: GroupTree) -> None:
    file = tree.folder / "cgroup.subtree_control"
    if tree.controller not in _words(file):
        _write(file, f"+{tree.controller}")


def _write(path: Path, text: str) -> None:
    # Files of the kernel take one write and are never created.
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except OSError:
        return []


def _lines(text: str) -> list[tuple[str, str, str]]:
    split = (line.split(":", 2) for line in text.splitlines())
    return [(fields[0], fields[1], fields[2]) for fields in split if len(fields) == 3]


def _mounts(text: str) -> list[tuple[Path, str, str, tuple[str, ...]]]:
    """Return mount point, root, kind and options of each mount (proc(5), `mountinfo`)."""
    found: list[tuple[Path, str, str, tuple[str, ...]]] = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        if len(fields) >= 5 and len(rest) >= 3:
            found.append((Path(fields[4]), fields[3], rest[0], tuple(rest[2].split(","))))
    return found


def _below(mount_point: Path, root: str, path: str) -> Path:
    # In a container the mount shows only a part of the tree, and the path may count from above it.
    inner = path if root == "/" else path.removeprefix(root)
    return mount_point / inner.lstrip("/")


def all_trees(proc: Path = Path("/proc")) -> tuple[tuple[GroupTree, ...], tuple[Missing, ...]]:
    """Return where groups can be made for each controller, and what is missing, for the agent and for `doctor`."""
    found = [find_tree(controller, proc) for controller in SETTING_OF]
    trees = tuple(one for one in found if isinstance(one, GroupTree))
    return trees, tuple(one for one in found if isinstance(one, Missing))
