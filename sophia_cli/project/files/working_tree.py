"""Every file that a program of the project may need: what git tracks or does not ignore, whatever its kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.files.classify import is_installed_folder
from sophia_cli.project.files.ignore import IgnoreRules, literal_prefix, parse_ignore, read_ignore
from sophia_cli.project.files.tracked import Checkout, TrackedPaths, find_checkout, read_tracked

# What programs leave behind, and what belongs to git or to Sophia: nothing runs from there.
_NEVER = frozenset(
    {".git", ".hg", ".svn", ".sophia", "__pycache__"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"}
)
_Rules = tuple[tuple[IgnoreRules, str], ...]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file: path relative to the root with `/`, permission bits, and what changes when it is written."""

    path: str
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A symbolic link, with what it says."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """What was found, sorted by path.

    `folders` are those in which nothing was found. `installed` are folders that a package manager of another language
    filled (`node_modules`), `environments` virtual environments; neither was looked into.
    """

    root: Path
    files: tuple[FoundFile, ...]
    links: tuple[FoundLink, ...]
    folders: tuple[str, ...]
    installed: tuple[str, ...]
    environments: tuple[str, ...]


def read_working_tree(root: Path, also: Collection[str] = (), patterns: Sequence[str] = ()) -> WorkingTree:
    """Return the files below `root` that git tracks or does not ignore, submodules and vendored code included.

    `also` are paths of files, and `patterns` patterns in the language of `.gitignore` (relative to the root), that are
    taken although they are ignored; an ignored folder is entered only where a path, or the literal front of a pattern,
    leads into it. No link is followed. What cannot be read is passed over.
    """
    walk = _Walk(Path(os.path.realpath(root)), frozenset(also), patterns)
    walk.run()
    return WorkingTree(
        root=walk.root,
        files=tuple(sorted(walk.files, key=lambda file: file.path)),
        links=tuple(sorted(walk.links, key=lambda link: link.path)),
        folders=tuple(sorted(walk.empty)),
        installed=tuple(sorted(walk.installed)),
        environments=tuple(sorted(walk.environments)),
    )


def matching(paths: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the paths of files that patterns in the language of `.gitignore` name, or whose folder they name."""
    if not patterns:
        return ()
    rules = parse_ignore(patterns)
    return tuple(path for path in paths if _names(rules, path))


def _names(rules: IgnoreRules, path: str) -> bool:
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if rules.verdict("/".join(parts[:depth]), parts[depth - 1], True):
            return True
    return rules.verdict(path, parts[-1], False) is True


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk. `ignored`: only what git tracks, or what is wanted all the same, is taken from it."""

    path: str
    rules: _Rules
    ignored: bool


@dataclass(slots=True)
class _Walk:
    root: Path
    also: frozenset[str]
    patterns: Sequence[str]
    files: list[FoundFile] = field(default_factory=list)
    links: list[FoundLink] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    git_prefix: str = ""
    _checkout: Checkout | None = None
    _tracked: TrackedPaths | None = None
    _wanted: IgnoreRules | None = None
    _ways: tuple[str, ...] = ()

    def run(self) -> None:
        self._checkout = find_checkout(self.root)
        if self._checkout is not None and self._checkout.top != self.root:
            self.git_prefix = self.root.relative_to(self._checkout.top).as_posix() + "/"
        self._wanted = parse_ignore(self.patterns) if self.patterns else None
        fronts = [prefix for pattern in self.patterns if (prefix := literal_prefix(pattern))]
        self._ways = (*self.also, *fronts)
        pending = [_Folder("", self._rules_above(), False)]
        while pending:
            pending.extend(self._enter(pending.pop()))

    def _rules_above(self) -> _Rules:
        if self._checkout is None:
            return ()
        found = [(read_ignore(os.path.join(self._checkout.common_folder, "info", "exclude")), "")]
        parts = self.git_prefix.rstrip("/").split("/") if self.git_prefix else []
        for depth in range(len(parts)):
            name = "/".join(parts[:depth])
            ignore = read_ignore(os.path.join(self._checkout.top, name, ".gitignore"))
            found.append((ignore, name + "/" if name else ""))
        return tuple((rules, prefix) for rules, prefix in found if rules is not None)

    def _enter(self, folder: _Folder) -> Iterator[_Folder]:
        prefix = folder.path + "/" if folder.path else ""
        try:
            with os.scandir(os.path.join(self.root, folder.path)) as entries:
                found = list(entries)
        except OSError:
            return
        names = {entry.name for entry in found}
        if folder.path and ("pyvenv.cfg" in names or "conda-meta" in names):
            self.environments.append(folder.path)
            return
        rules = folder.rules
        if ".gitignore" in names:
            own = read_ignore(os.path.join(self.root, folder.path, ".gitignore"))
            rules = rules if own is None else (*rules, (own, self.git_prefix + prefix))
        before = len(self.files) + len(self.links)
        below: list[_Folder] = []
        for entry in found:
            path = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and entry.name in _NEVER:
                continue
            if is_folder and is_installed_folder(entry.name):
                self.installed.append(path)
                continue
            ignored = folder.ignored or self._is_ignored(rules, path, entry.name, is_folder)
            if is_folder:
                if not ignored or self._is_tracked(path, is_folder=True) or self._holds_wanted(path):
                    below.append(_Folder(path, rules, ignored))
            elif not ignored or self._is_tracked(path, is_folder=False) or self._is_wanted(path):
                self._add(path, entry)
        if len(self.files) + len(self.links) == before and not below and folder.path and not folder.ignored:
            self.empty.append(folder.path)
        yield from below

    def _add(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            if entry.is_symlink():
                self.links.append(FoundLink(path, os.readlink(entry.path)))
                return
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISREG(found.st_mode):
            mode = stat.S_IMODE(found.st_mode)
            times = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            self.files.append(FoundFile(path, mode, found.st_size, *times))

    def _is_ignored(self, rules: _Rules, path: str, name: str, is_folder: bool) -> bool:
        full = self.git_prefix + path
        for own, prefix in reversed(rules):
            verdict = own.verdict(full[len(prefix) :], name, is_folder)
            if verdict is not None:
                return verdict
        return False

    def _is_tracked(self, path: str, is_folder: bool) -> bool:
        if self._checkout is None:
            return False
        if self._tracked is None:
            self._tracked = read_tracked(self._checkout)
        full = self.git_prefix + path
        return self._tracked.holds_below(full) if is_folder else self._tracked.holds(full)

    def _is_wanted(self, path: str) -> bool:
        return path in self.also or (self._wanted is not None and _names(self._wanted, path))

    def _holds_wanted(self, path: str) -> bool:
        """Whether something that is wanted although it is ignored may lie in this folder."""
        if self._wanted is not None and _names(self._wanted, path + "/*"):
            return True
        return any(way.startswith(path + "/") or path.startswith(way + "/") or way == path for way in self._ways)
