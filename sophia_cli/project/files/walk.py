"""The walk through the folders of a project, which gives every file met there its status."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.files.classify import (
    LARGEST_FILE,
    PYTHON_SUFFIXES,
    FileStatus,
    file_status,
    folder_status,
    is_document,
    is_fixture_folder,
    is_installed_folder,
    is_named_python,
    is_test_folder,
    says_python,
)
from sophia_cli.project.files.ignore import IgnoreRules, literal_prefix, parse_ignore, read_ignore
from sophia_cli.project.files.inventory import FileStamp, ProjectFile
from sophia_cli.project.files.tracked import Checkout, TrackedPaths, find_checkout, read_tracked

_HEAD_BYTES = 256
_NEVER_ENTERED = frozenset({".git", ".hg", ".svn", "__pycache__"})


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk: what it inherits from the folders above.

    `rules` are the ignore rules in force, nearest last, each with the length of its folder's prefix in paths.
    `status` is why files below are left alone; `lifted` is true below what `include` matched; `tracked_only` below a
    folder that is ignored although git tracks something in it.
    """

    path: str
    rules: tuple[tuple[IgnoreRules, str], ...]
    status: FileStatus | None = None
    lifted: bool = False
    tracked_only: bool = False
    below_tests: bool = False
    in_fixtures: bool = False


def _status_by_head(path: str) -> FileStatus:
    try:
        with open(path, "rb") as file:
            return FileStatus.LOOKED_AT if says_python(file.read(_HEAD_BYTES)) else FileStatus.NOT_PYTHON
    except OSError:
        return FileStatus.UNREADABLE


class Walk:
    """One discovery: collects files and skipped folders. Folders are kept on a list, so depth costs no recursion."""

    def __init__(self, root: Path, include: Sequence[str], exclude: Sequence[str]) -> None:
        self.root = root
        self.include = parse_ignore(include) if include else None
        self.exclude = parse_ignore(exclude) if exclude else None
        self.included_prefixes = tuple(prefix for pattern in include if (prefix := literal_prefix(pattern)))
        self.files: dict[str, ProjectFile] = {}
        self.folders: dict[str, FileStatus] = {}
        self.documents: dict[str, ProjectFile] = {}
        self.links: list[str] = []
        self.checkout: Checkout | None = find_checkout(root)
        self.git_prefix = ""
        if self.checkout is not None and self.checkout.top != root:
            self.git_prefix = root.relative_to(self.checkout.top).as_posix() + "/"
        self._tracked: TrackedPaths | None = None

    def visit(self, place: str, name: str) -> None:
        """Take in one target: a file as named, a folder with everything below it.

        A file that does not hold Python is none to look at, since whoever names all files that changed names others,
        too. `name` is the one that was given, which may be that of a link.
        """
        absolute = os.path.join(self.root, place)
        found = os.lstat(absolute)
        if stat.S_ISDIR(found.st_mode):
            self._walk(place)
            return
        status = FileStatus.LOOKED_AT if stat.S_ISREG(found.st_mode) else FileStatus.UNREADABLE
        if is_document(place):
            self._add_document(place, status, found)
            return
        is_python = is_named_python(name) or is_named_python(os.path.basename(place))
        if status is FileStatus.LOOKED_AT and not is_python:
            status = _status_by_head(absolute)
        self._add(place, status, found, named=True)

    def look_at_link_targets(self) -> None:
        """Take in files inside the root that only a symbolic link with a Python name leads to."""
        for link in self.links:
            target = os.path.realpath(os.path.join(self.root, link))
            inside = os.path.relpath(target, self.root).replace(os.sep, "/")
            if inside == ".." or inside.startswith("../") or inside in self.files or inside.endswith(PYTHON_SUFFIXES):
                continue
            if any(part in _NEVER_ENTERED or folder_status(part) for part in inside.split("/")[:-1]):
                continue
            try:
                found = os.lstat(target)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                self._add(inside, FileStatus.LOOKED_AT, found)

    def _walk(self, place: str) -> None:
        pending = [self._start(place)]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(os.path.join(self.root, folder.path)) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError:
                self.folders[folder.path] = FileStatus.UNREADABLE
                continue
            pending.extend(self._enter(folder, found, is_start=folder.path == place))

    def _start(self, place: str) -> _Folder:
        """Return the walk's first folder: the ignore rules above it hold inside, the reasons to skip it do not."""
        rules: list[tuple[IgnoreRules, str]] = []
        if self.checkout is not None:
            exclude = read_ignore(os.path.join(self.checkout.common_folder, "info", "exclude"))
            if exclude is not None:
                rules.append((exclude, ""))
            for name in self._above(
                self.git_prefix.rstrip("/") + ("/" + place if self.git_prefix and place else place)
            ):
                found = read_ignore(os.path.join(self.checkout.top, name, ".gitignore"))
                if found is not None:
                    rules.append((found, name + "/" if name else ""))
        else:
            for name in self._above(place):
                found = read_ignore(os.path.join(self.root, name, ".gitignore"))
                if found is not None:
                    rules.append((found, name + "/" if name else ""))
        below_tests = any(is_test_folder(part) for part in place.split("/"))
        return _Folder(place, tuple(rules), below_tests=below_tests)

    @staticmethod
    def _above(place: str) -> Iterable[str]:
        """Return the folders strictly above a folder, outermost first; its own ignore file is read on entry."""
        parts = place.split("/") if place else []
        return ["/".join(parts[:depth]) for depth in range(len(parts))]

    def _enter(self, folder: _Folder, entries: list[os.DirEntry[str]], is_start: bool) -> list[_Folder]:
        """Sort one folder's entries; return the folders below that are to be walked."""
        names = {entry.name for entry in entries}
        status = self._own_status(folder, names, is_start)
        if status is not None and not folder.lifted and not self._reaches_into(folder.path):
            self.folders[folder.path] = status
            return []
        rules = folder.rules
        prefix = folder.path + "/" if folder.path else ""
        if ".gitignore" in names:
            found = read_ignore(os.path.join(self.root, folder.path, ".gitignore"))
            if found is not None:
                rules = (*rules, (found, self.git_prefix + prefix))
        in_fixtures = folder.in_fixtures and "__init__.py" not in names
        folder = replace(folder, rules=rules, status=status or folder.status, in_fixtures=in_fixtures)
        below: list[_Folder] = []
        for entry in entries:
            path = prefix + entry.name
            if entry.is_symlink():
                self._link(path, entry)
            elif entry.is_dir(follow_symlinks=False):
                child = self._child(folder, path, entry.name)
                if child is not None:
                    below.append(child)
            else:
                self._file(folder, path, entry)
        below.reverse()
        return below

    def _own_status(self, folder: _Folder, names: set[str], is_start: bool) -> FileStatus | None:
        if is_start:
            return None
        if "pyvenv.cfg" in names or "conda-meta" in names:
            return FileStatus.VIRTUAL_ENVIRONMENT
        if ".git" in names and folder.path:
            return FileStatus.SUBMODULE
        return None

    def _child(self, folder: _Folder, path: str, name: str) -> _Folder | None:
        """Return how to walk a folder below, None when it is left out whole."""
        if name in _NEVER_ENTERED:
            return None
        status = folder_status(name)
        if status is FileStatus.STATE:
            self.folders[path] = status
            return None
        if self.exclude is not None and self.exclude.verdict(path, name, True):
            self.folders[path] = FileStatus.EXCLUDED
            return None
        lifted = folder.lifted or (self.include is not None and self.include.verdict(path, name, True) is True)
        inherited = folder.status or status
        tracked_only = folder.tracked_only
        if not lifted and inherited is None and self._is_ignored(folder, path, name, True):
            tracked_only = self._is_tracked(path, is_folder=True)
            inherited = None if tracked_only else FileStatus.IGNORED
        left_out = inherited is FileStatus.IGNORED or is_installed_folder(name)
        if left_out and not lifted and not self._reaches_into(path):
            self.folders[path] = inherited or FileStatus.VENDORED
            return None
        below_tests = folder.below_tests or is_test_folder(name)
        in_fixtures = folder.in_fixtures or is_fixture_folder(name, folder.below_tests)
        return _Folder(path, folder.rules, inherited, lifted, tracked_only, below_tests, in_fixtures)

    def _reaches_into(self, path: str) -> bool:
        """Return whether an include pattern names something below a folder that is otherwise left out whole."""
        return any(
            pattern.startswith(path + "/") or path.startswith(pattern + "/") for pattern in self.included_prefixes
        )

    def _file(self, folder: _Folder, path: str, entry: os.DirEntry[str]) -> None:
        status = file_status(entry.name, folder.below_tests, folder.in_fixtures)
        document = status is None and is_document(path)
        if document:
            status = FileStatus.LOOKED_AT
        if status is None:
            return
        if self.exclude is not None and self.exclude.verdict(path, entry.name, False):
            status = FileStatus.EXCLUDED
        elif folder.lifted or (self.include is not None and self.include.verdict(path, entry.name, False)):
            status = status if status in (FileStatus.STUB, FileStatus.TEMPLATE) else FileStatus.LOOKED_AT
        elif folder.status is not None:
            status = folder.status
        elif self._is_ignored(folder, path, entry.name, False) and not self._is_tracked(path, is_folder=False):
            status = FileStatus.IGNORED
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return
        if status.is_reported and not stat.S_ISREG(found.st_mode):
            status = FileStatus.UNREADABLE
        if document:
            self._add_document(path, status, found)
        else:
            self._add(path, status, found)

    def _add_document(self, path: str, status: FileStatus, found: os.stat_result) -> None:
        """Take in a document; one that something leaves out, or too large for one, does not speak for the project."""
        if status is FileStatus.LOOKED_AT and found.st_size <= LARGEST_FILE:
            stamp = FileStamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            self.documents[path] = ProjectFile(path, status, stamp)

    def _link(self, path: str, entry: os.DirEntry[str]) -> None:
        """Count a symbolic link that has a Python name; it is never followed, its target counts in its own place."""
        if not entry.name.endswith(PYTHON_SUFFIXES):
            return
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return
        self._add(path, FileStatus.SYMLINK, found)
        self.links.append(path)

    def _add(self, path: str, status: FileStatus, found: os.stat_result, named: bool = False) -> None:
        known = self.files.get(path)
        if known is not None and known.named:
            return
        if found.st_size > LARGEST_FILE and status in (FileStatus.LOOKED_AT, FileStatus.FIXTURE):
            status = FileStatus.TOO_LARGE
        stamp = FileStamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        self.files[path] = ProjectFile(path, status, stamp, named)

    def _is_ignored(self, folder: _Folder, path: str, name: str, is_folder: bool) -> bool:
        """Return whether an ignore file leaves this path out; git may track it all the same."""
        if folder.tracked_only:
            return True
        full = self.git_prefix + path
        for rules, prefix in reversed(folder.rules):
            verdict = rules.verdict(full[len(prefix) :], name, is_folder)
            if verdict is not None:
                return verdict
        return False

    def _is_tracked(self, path: str, is_folder: bool) -> bool:
        """Return whether git tracks this file, or anything in this folder."""
        if self.checkout is None:
            return False
        if self._tracked is None:
            self._tracked = read_tracked(self.checkout)
        full = self.git_prefix + path
        return self._tracked.holds_below(full) if is_folder else self._tracked.holds(full)
