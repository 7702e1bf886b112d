"""Removing old releases of a service, and the contents that no release needs any more."""

from __future__ import annotations

import re
from collections.abc import Collection

from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.releases.compare import look
from sophia_cli.deploy.releases.locking import store_lock
from sophia_cli.deploy.releases.model import KeptRelease, Pruned
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.places import CONTENTS_RECORD, Places, numbers_in
from sophia_cli.deploy.releases.removal import remove_release, sweep
from sophia_cli.project.clock import Clock
from sophia_cli.project.runs.atomic import WriteFailed

_SHA = re.compile(rb'"([0-9a-f]{64})"')


def prune(places: Places, service: str, protect: Collection[int], keep: int, clock: Clock) -> Pruned:
    """Remove old releases; `ReleaseStore.prune` tells which stay and what is raised."""
    with store_lock(places, clock):
        try:
            sweep(places)
            numbers = numbers_in(places, service)
            # The highest number stays in any case: the next release counts on from it.
            latest = numbers[len(numbers) - max(keep, 1) :] if len(numbers) > max(keep, 1) else numbers
            removed: list[int] = []
            kept: list[KeptRelease] = []
            for number in numbers:
                if number in latest or number in protect:
                    continue
                foreign = _foreign(places, service, number)
                if foreign:
                    kept.append(KeptRelease(number, foreign))
                    continue
                remove_release(places, service, number)
                removed.append(number)
            if removed:
                collect(places)
        except OSError as error:
            raise WriteFailed(error.filename or str(places.releases), error) from error
    return Pruned(tuple(removed), tuple(kept))


def collect(places: Places) -> int:
    """Remove the contents that no release has, and return how many; none while a release cannot be read. OSError."""
    # Services of one deployment have the same files, so most records are the same bytes.
    records: set[bytes] = set()
    for service in places.services():
        for number in numbers_in(places, service):
            try:
                records.add((places.release(service, number) / CONTENTS_RECORD).read_bytes())
            except OSError:
                return 0
    wanted = {sha.decode("ascii") for record in records for sha in _SHA.findall(record)}
    return ObjectStore(places.objects).collect(wanted)


def _foreign(places: Places, service: str, number: int) -> tuple[str, ...]:
    """Return the files of a tree that hold what somebody else wrote; removed ones hold nothing."""
    try:
        looked = look(places, service, number)
    except SophiaError:
        # Without its list nobody can tell which files are ours.
        return (".",)
    tree = places.tree(service, number)
    edited = [path for path in looked.edited if (tree / path).exists()]
    return tuple(sorted([*edited, *looked.added]))
