"""Keeping what an installation is about to replace: the old packages as wheels, on the disk before anything changes.

The wheels hold the very files that the environment holds, so restoring needs no index and no network, and packages that
no index has any more come back as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.packages.installed import Installed, recorded_files
from sophia_cli.project.packages.manifest import Aftermath, Manifest, TouchedFile
from sophia_cli.project.packages.target import Target
from sophia_cli.project.packages.wheels import Wheel, files_of

OTHERS = "others.zip"
_TAG = re.compile(r"^Tag: *(\S+?)-(\S+?)-(\S+) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """One package that is replaced or added: what is installed (None: nothing) and the wheel that comes."""

    package: str
    old: Installed | None
    wheel: Wheel


def keep(changes: Iterable[Change], target: Target, folder: Path) -> Manifest:
    """Copy every file that the changes write or remove into archives in `folder`, and return the record of them.

    Everything is on the disk then. UnavailableError (`package-unkeepable`) when a file cannot be kept; OSError when the
    disk refuses.
    """
    files: list[TouchedFile] = []
    seen: set[Path] = set()
    absent: set[Path] = set()
    with _Archive(folder / OTHERS) as others:
        for change in changes:
            own = frozenset(() if change.old is None else recorded_files(change.old))
            paths = sorted((own | files_of(change.wheel, target)) - seen)
            seen.update(paths)
            absent.update(folder for path in paths for folder in _absent_folders(path, target.prefix))
            if change.old is None:
                files += [_kept(change.package, path, others, target, path in own) for path in paths]
                continue
            with _Archive(folder / _wheel_name(change.old)) as wheel:
                files += [
                    _kept(change.package, path, wheel if path in own else others, target, path in own) for path in paths
                ]
    _sync(folder)
    return Manifest(
        prefix=str(target.prefix),
        sites=tuple(_relative(site, target) for site in target.sites),
        absent=tuple(_relative(path, target) for path in sorted(absent)),
        stashes=tuple(sorted(_relative(path, target) for site in target.sites for path in stashes_in(site))),
        files=tuple(files),
    )


def aftermath(manifest: Manifest) -> Aftermath:
    """Return what the files of a manifest hold at present."""
    prefix = Path(manifest.prefix)
    return Aftermath(tuple((file.path, present_sha(prefix / file.path)) for file in manifest.files))


def present_sha(path: Path) -> str | None:
    """Return the SHA-256 of a file, None when there is none; OSError when it is no plain file or cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stashes_in(site: Path) -> Iterable[Path]:
    """Return what lies in a site folder under the names that pip gives to what it is about to remove."""
    return [path for path in site.glob("~*") if path.name != "~"] if site.is_dir() else []


class _Archive:
    """A zip file that is made with its first member, and is on the disk when the block ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None

    def add(self, path: Path, member: str) -> str:
        """Add a file and return the SHA-256 of what was added."""
        if self._zip is None:
            self._zip = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False)
        digest = hashlib.sha256()
        about = zipfile.ZipInfo.from_file(path, member, strict_timestamps=False)
        about.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as source, self._zip.open(about, "w", force_zip64=True) as copy:
            while block := source.read(1 << 20):
                digest.update(block)
                copy.write(block)
        return digest.hexdigest()

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *error: object) -> None:
        if self._zip is not None:
            self._zip.close()
            _sync(self.path)


def _kept(package: str, path: Path, archive: _Archive, target: Target, is_own: bool) -> TouchedFile:
    relative = _relative(path, target)
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return TouchedFile(relative, package, None, 0, "", "")
    if not stat.S_ISREG(facts.st_mode) or not Path(os.path.realpath(path)).is_relative_to(target.prefix):
        raise _unkeepable(package, f"`{relative}` is no plain file in the environment")
    member = _member(path, archive.path.name, target) if is_own else relative
    try:
        sha = archive.add(path, member)
    except PermissionError as error:
        raise _unkeepable(package, f"`{relative}` cannot be read") from error
    return TouchedFile(relative, package, sha, stat.S_IMODE(facts.st_mode), archive.path.name, member)


def _member(path: Path, wheel: str, target: Target) -> str:
    """Return where a file stands in a wheel: below its root, or among its data when it lies outside of the site."""
    for site in target.sites:
        if path.is_relative_to(site):
            return path.relative_to(site).as_posix()
    name, version, *_ = wheel.split("-")
    return f"{name}-{version}.data/data/{_relative(path, target)}"


def _wheel_name(package: Installed) -> str:
    """Return the file name that the wheel of an installed package has (its tags stand in its WHEEL file)."""
    try:
        told = (package.metadata / "WHEEL").read_text("utf-8", "replace")
    except OSError:
        told = ""
    tags = _TAG.findall(told) or [("py3", "none", "any")]
    joined = "-".join(".".join(dict.fromkeys(tag[place] for tag in tags)) for place in range(3))
    return f"{package.metadata.name.removesuffix('.dist-info')}-{joined}.whl"


def _absent_folders(path: Path, prefix: Path) -> Iterable[Path]:
    return [folder for folder in path.parents if folder.is_relative_to(prefix) and not folder.exists()]


def _relative(path: Path, target: Target) -> str:
    if not path.is_relative_to(target.prefix):
        raise _unkeepable(path.name, f"`{path}` lies outside of the environment")
    return path.relative_to(target.prefix).as_posix()


def _unkeepable(package: str, reason: str) -> UnavailableError:
    return UnavailableError(
        "package-unkeepable",
        f"what `{package}` has installed cannot be kept, so it could not be restored: {reason}",
        hint="nothing was changed; replace that package by hand, then run again",
    )


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
