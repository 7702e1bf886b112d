"""Named places where a fault test may stop this process, so that every crash point can be tried for real.

The environment variable `SOPHIA_FAILPOINT` holds `name`, `name:count` or `name:count:SIGNAL`, or several of them with
commas. At the count-th time the named place is reached (the first by default) the process sends itself the signal
(`SIGKILL` by default; `SIGSTOP` lets a test change the world at that very moment, `SIGINT` plays Ctrl-C). `trace`
writes each place that is reached to stderr. Without the variable a place costs one look-up.
"""

from __future__ import annotations

import os
import signal
from enum import Enum

VARIABLE = "SOPHIA_FAILPOINT"
_TRACE = "trace"


class Failpoint(Enum):
    """Every place that can be named; the value is what the variable holds."""

    LOCK_TAKEN = "lock-taken"
    STATE_FOLDER_MADE = "state-folder-made"
    RUN_FOLDER_MADE = "run-folder-made"
    RUN_BEGUN = "run-begun"
    CHANGES_CHECKED = "changes-checked"
    BACKUP_WRITTEN = "backup-written"
    BACKUPS_ON_DISK = "backups-on-disk"
    RESERVE_TAKEN = "reserve-taken"
    INTENTS_WRITTEN = "intents-written"
    INTENTS_ON_DISK = "intents-on-disk"
    FOLDER_MADE = "folder-made"
    COPY_CREATED = "copy-created"
    COPY_WRITTEN = "copy-written"
    COPY_ON_DISK = "copy-on-disk"
    BEFORE_RENAME = "before-rename"
    AFTER_RENAME = "after-rename"
    FOLDER_ON_DISK = "folder-on-disk"
    APPLY_DONE = "apply-done"
    TAKEN_BACK = "taken-back"
    BEFORE_COMMIT = "before-commit"
    COMMIT_WRITTEN = "commit-written"
    COMMIT_ON_DISK = "commit-on-disk"
    RUN_CLOSED = "run-closed"
    ROLL_BACK_BEGUN = "roll-back-begun"
    FILE_RESTORED = "file-restored"
    FOLDER_REMOVED = "folder-removed"
    BEFORE_ABORT_RECORD = "before-abort-record"
    ABORT_ON_DISK = "abort-on-disk"
    UNDO_CHECKED = "undo-checked"
    UNDO_BEGUN = "undo-begun"
    BEFORE_UNDONE_RECORD = "before-undone-record"
    UNDONE_ON_DISK = "undone-on-disk"


class PackageFailpoint(Enum):
    """The places of an installation of packages, and of its way back."""

    WHEELS_FETCHED = "wheels-fetched"
    PACKAGES_KEPT = "packages-kept"
    MARK_WRITTEN = "mark-written"
    PACKAGES_ANNOUNCED = "packages-announced"
    PACKAGES_INSTALLED = "packages-installed"
    AFTERMATH_WRITTEN = "aftermath-written"
    PACKAGES_DONE = "packages-done"
    ADDED_FILE_REMOVED = "added-file-removed"
    ADDED_REMOVED = "added-removed"
    OLD_FILE_WRITTEN = "old-file-written"


class PruneFailpoint(Enum):
    """The places of pruning."""

    PRUNING_NOTED = "pruning-noted"
    JOURNAL_REMOVED = "journal-removed"
    PACKAGES_REMOVED = "packages-removed"
    RUN_REMOVED = "run-removed"
    BACKUP_REMOVED = "backup-removed"
    PRUNING_DONE = "pruning-done"


class ReleaseFailpoint(Enum):
    """The places of creating, pruning and restoring releases, and of building an environment for them."""

    STORE_LOCKED = "store-locked"
    STAGING_MADE = "staging-made"
    OBJECT_WRITTEN = "object-written"
    TREE_FILE_WRITTEN = "tree-file-written"
    TREE_FILE_LINKED = "tree-file-linked"
    TREE_COMPLETE = "tree-complete"
    RECORDS_WRITTEN = "records-written"
    RELEASE_ON_DISK = "release-on-disk"
    PACK_PUBLISHED = "pack-published"
    RELEASE_NUMBERED = "release-numbered"
    RELEASE_MOVED_AWAY = "release-moved-away"
    RELEASE_FILE_REMOVED = "release-file-removed"
    RELEASE_REMOVED = "release-removed"
    OBJECT_REMOVED = "object-removed"
    EDITED_KEPT = "edited-kept"
    TREE_FILE_RESTORED = "tree-file-restored"
    ENVIRONMENT_MADE = "environment-made"
    ENVIRONMENT_FILLED = "environment-filled"


class AgentFailpoint(Enum):
    """The places at which an agent may die: while it adopts, in a rollout, and in the start of an instance."""

    STATE_OPENED = "state-opened"
    PROCESSES_ADOPTED = "processes-adopted"
    LISTENERS_RESTORED = "listeners-restored"
    STEP_WRITTEN = "step-written"
    STEP_DONE = "step-done"
    ROLLOUT_WRITTEN = "rollout-written"
    SERVICE_WRITTEN = "service-written"
    OPERATION_FORGOTTEN = "operation-forgotten"
    LISTENER_OPENED = "listener-opened"
    INSTANCE_STARTED = "instance-started"
    INSTANCE_WRITTEN = "instance-written"
    INSTANCE_ENDED = "instance-ended"


def failpoint_names() -> tuple[str, ...]:
    """Return the names of all failpoints of file changes, for a test that tries every one."""
    return tuple(point.value for point in Failpoint)


def failpoint(point: Failpoint | PackageFailpoint | PruneFailpoint | ReleaseFailpoint | AgentFailpoint) -> None:
    """Send this process the chosen signal when `SOPHIA_FAILPOINT` names this place and its count is reached.

    Raises ValueError for a count, KeyError for a signal, that cannot be read.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is not None:
        _reach(point.value, wanted.split(","))


def _reach(reached: str, wanted: list[str]) -> None:
    due: list[signal.Signals] = []
    for index, one in enumerate(wanted):
        name, _, rest = one.partition(":")
        if name == _TRACE:
            os.write(2, f"{reached}\n".encode("ascii"))
        elif name == reached:
            count, _, signal_name = rest.partition(":")
            remaining = int(count or "1") - 1
            wanted[index] = f"{name}:{remaining}:{signal_name}"
            if remaining == 0:
                due.append(signal.Signals[signal_name or "SIGKILL"])
    # The counts live in this process's own environment: no state in the module.
    os.environ[VARIABLE] = ",".join(wanted)
    # Python handles SIGINT at once by raising, so a kill that is due at the same place goes first.
    for number in sorted(due, key=lambda one: one is not signal.SIGKILL):
        os.kill(os.getpid(), number)
