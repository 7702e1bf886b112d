"""The scan cache: what was found in a file that has not changed since, one compact file for each set of rules."""

from __future__ import annotations

from sophia_cli.core.values import dataclass
from sophia_cli.project.cache_file import Values, read_entries, write_entries
from sophia_cli.project.files.inventory import FileStamp
from sophia_cli.project.state_folder import StateFolder

_KIND = "scan"
_MOST_ENTRIES = 200_000
SETTLED_NS = 2_000_000_000
"""A file whose stamp is younger than this when it is read may change again without changing its stamp: the coarsest
time stamp in use (FAT) counts in two seconds."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What is known of one file.

    `settled` is false when the file was so young that its stamp proves nothing; then only the digest does. `context`
    names what the report depends on beside the content; empty when on nothing.
    """

    stamp: FileStamp
    settled: bool
    digest: str
    context: str
    report: Values


class ScanCache:
    """The entries for one set of rules in one project. Read with `open`, changed by `store`, written by `save`."""

    def __init__(self, state: StateFolder, key: str, entries: dict[str, list[Values]]) -> None:
        self._state = state
        self._key = key
        self._entries = entries
        self._seen: set[str] = set()
        self._changed = False

    @classmethod
    def open(cls, state: StateFolder, key: str) -> ScanCache:
        """Return the cache for `key`, which must name everything that results depend on beside the files: version of
        Sophia, rules, Python. Empty when there is none that can be trusted."""
        return cls(state, key, read_entries(state, _KIND, key))

    def unchanged(self, path: str, stamp: FileStamp, context: str) -> CacheEntry | None:
        """Return the entry of a file whose stamp proves that its content is the same, None when it must be read."""
        entry = self._entry(path, context)
        return entry if entry is not None and entry.settled and entry.stamp == stamp else None

    def same_content(self, path: str, digest: str, context: str) -> CacheEntry | None:
        """Return the entry of a file that was read and has the content it had, None when it must be analysed."""
        entry = self._entry(path, context)
        return entry if entry is not None and entry.digest == digest else None

    def keep(self, path: str) -> None:
        """Note that this path's entry is still of use."""
        self._seen.add(path)

    def store(self, path: str, entry: CacheEntry) -> None:
        """Take in what was found in a file."""
        stamp = entry.stamp
        self._entries[path] = [
            *(stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode),
            *(entry.settled, entry.digest, entry.context, entry.report),
        ]
        self._seen.add(path)
        self._changed = True

    def save(self, is_whole: bool) -> bool:
        """Write the cache when it changed; return whether it is on disk. Never fails: a folder that cannot be
        written, a full disk or another run that writes at the same time only cost a later run its speed.

        With `is_whole` the run saw every file of the project, so entries it did not meet are dropped.
        """
        if is_whole and len(self._seen) < len(self._entries):
            self._entries = {path: values for path, values in self._entries.items() if path in self._seen}
            self._changed = True
        if not self._changed:
            return True
        if len(self._entries) > _MOST_ENTRIES:
            met_first = sorted(self._entries, key=lambda path: path not in self._seen)
            self._entries = {path: self._entries[path] for path in met_first[:_MOST_ENTRIES]}
        if not write_entries(self._state, _KIND, self._key, self._entries):
            return False
        self._changed = False
        return True

    def _entry(self, path: str, context: str) -> CacheEntry | None:
        match self._entries.get(path):
            case [int(size), int(mtime), int(ctime), int(inode), bool(settled), str(digest), str(known), report]:
                if known in ("", context):
                    return CacheEntry(FileStamp(size, mtime, ctime, inode), settled, digest, known, report)
        return None
