"""The way back: the files of an environment get what they held before an installation, from the kept wheels alone.

It needs neither pip nor the network, and may be killed and repeated: each file is replaced whole, and a file that is as
it was before is left alone. Only an environment that holds the run's mark is touched.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from sophia_cli.core.values import dataclass
from sophia_cli.project.failpoints import PackageFailpoint, failpoint
from sophia_cli.project.packages.keeping import present_sha, stashes_in
from sophia_cli.project.packages.manifest import Aftermath, Manifest, TouchedFile, decode_aftermath, decode_manifest
from sophia_cli.project.runs.records import Kept
from sophia_cli.project.runs.run_record import PackagesBack, PackagesEntry

MANIFEST = "manifest.json"
AFTERMATH = "aftermath.json"
_COPY = ".sophia-copy"
_T = TypeVar("_T")


def mark_of(prefix: Path, run_id: str) -> Path:
    """Return the file in an environment that says that a run changes it; it holds the SHA-256 of the manifest."""
    return prefix / f".sophia-run-{run_id}"


def put_back(folder: Path, run_id: str, entry: PackagesEntry, wanted: Iterable[str]) -> PackagesBack:
    """Give the `wanted` packages of an installation back what they were; `folder` holds what was kept.

    After a finished installation a package of which a file was changed since is kept; an unfinished one is taken back
    whatever it left.
    """
    names = tuple(wanted)
    manifest = _read(folder / MANIFEST, entry.manifest, decode_manifest)
    if manifest is None:
        return _all_kept(names, "the record of its files is missing or damaged")
    prefix = Path(manifest.prefix)
    if (reason := _why_not(prefix, run_id, entry)) is not None:
        return _all_kept(names, reason)
    after: Aftermath | None = None
    if entry.aftermath is not None:
        after = _read(folder / AFTERMATH, entry.aftermath, decode_aftermath)
        if after is None:
            return _all_kept(names, "the record of its files is missing or damaged")
    with _KeptFiles(folder) as kept:
        return _Return(kept, prefix, manifest, None if after is None else dict(after.files)).run(names)


def look_back(folder: Path, run_id: str, entry: PackagesEntry, wanted: Iterable[str]) -> PackagesBack:
    """Return what `put_back` would do with a finished installation, changing nothing."""
    names = tuple(wanted)
    manifest = _read(folder / MANIFEST, entry.manifest, decode_manifest)
    after = None if entry.aftermath is None else _read(folder / AFTERMATH, entry.aftermath, decode_aftermath)
    if manifest is None or after is None:
        return _all_kept(names, "the record of its files is missing or damaged")
    prefix = Path(manifest.prefix)
    if (reason := _why_not(prefix, run_id, entry)) is not None:
        return _all_kept(names, reason)
    with _KeptFiles(folder) as kept:
        return _Return(kept, prefix, manifest, dict(after.files)).look(names)


def forget(folder: Path, run_id: str, entry: PackagesEntry) -> None:
    """Take the run's mark out of the environment, once the journal says that the packages are back."""
    manifest = _read(folder / MANIFEST, entry.manifest, decode_manifest)
    if manifest is not None and _why_not(Path(manifest.prefix), run_id, entry) is None:
        with contextlib.suppress(OSError):
            os.unlink(mark_of(Path(manifest.prefix), run_id))


def _why_not(prefix: Path, run_id: str, entry: PackagesEntry) -> str | None:
    if not prefix.is_dir():
        return "its environment is gone"
    try:
        mark = mark_of(prefix, run_id).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        mark = ""
    return None if mark == entry.manifest else "its environment was made anew since"


def _all_kept(names: Iterable[str], reason: str) -> PackagesBack:
    return PackagesBack((), tuple(Kept(f"package {name}", reason) for name in names))


class _KeptFiles:
    """The archives of an installation, each opened once: reading the list of a large one takes long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, zipfile.ZipFile] = {}

    def read(self, file: TouchedFile) -> bytes | None:
        """Return the old bytes of a file, None when they are missing or damaged."""
        try:
            if file.archive not in self._open:
                self._open[file.archive] = zipfile.ZipFile(self._folder / file.archive)
            data = self._open[file.archive].read(file.member)
        except (FileNotFoundError, KeyError, zipfile.BadZipFile, zlib.error, EOFError):
            return None
        return data if hashlib.sha256(data).hexdigest() == file.sha else None

    def __enter__(self) -> _KeptFiles:
        return self

    def __exit__(self, *error: object) -> None:
        for archive in self._open.values():
            archive.close()


@dataclass(frozen=True, slots=True)
class _Return:
    kept: _KeptFiles
    prefix: Path
    manifest: Manifest
    after: Mapping[str, str | None] | None

    def look(self, names: Iterable[str]) -> PackagesBack:
        """Tell which packages can be restored."""
        restored, kept, barred = [], [], []
        for name in names:
            try:
                files = self._files(name)
                reason = self._changed_since(files) or self._lost(files)
            except OSError as error:
                barred.append(Kept(f"package {name}", error.strerror or str(error)))
                continue
            if reason is None:
                restored.append(name)
            else:
                kept.append(Kept(f"package {name}", reason))
        return PackagesBack(tuple(restored), tuple(kept), tuple(barred))

    def run(self, names: Iterable[str]) -> PackagesBack:
        """Restore the packages, all removals before the first write, so that a full disk has room again."""
        seen = self.look(names)
        barred = list(seen.barred)
        kept = list(seen.kept)
        going: list[str] = []
        for name in seen.restored:
            try:
                self._remove_added(name)
                going.append(name)
            except OSError as error:
                barred.append(Kept(f"package {name}", error.strerror or str(error)))
        failpoint(PackageFailpoint.ADDED_REMOVED)
        restored: list[str] = []
        for name in going:
            try:
                self._write_old(name)
                restored.append(name)
            except OSError as error:
                barred.append(Kept(f"package {name}", error.strerror or str(error)))
        if self.after is None and not barred:
            self._clear_stashes()
        self._clear_folders()
        os.sync()
        return PackagesBack(tuple(restored), tuple(kept), tuple(barred))

    def _files(self, name: str) -> list[TouchedFile]:
        return [file for file in self.manifest.files if file.package == name]

    def _changed_since(self, files: Iterable[TouchedFile]) -> str | None:
        if self.after is None:
            return None
        for file in files:
            present = present_sha(self._place(file))
            if present not in (file.sha, self.after.get(file.path)):
                return f"`{file.path}` in its environment was changed since"
        return None

    def _lost(self, files: Iterable[TouchedFile]) -> str | None:
        """Return why the old files cannot all come back; asked before the first of the new ones is removed."""
        for file in files:
            if file.sha is not None and present_sha(self._place(file)) != file.sha and self.kept.read(file) is None:
                return f"the kept copy of `{file.path}` is missing or damaged"
        return None

    def _place(self, file: TouchedFile) -> Path:
        place = self.prefix / file.path
        if not Path(os.path.realpath(place.parent)).is_relative_to(self.prefix):
            raise OSError(0, f"`{file.path}` leads out of the environment")
        return place

    def _remove_added(self, name: str) -> None:
        for file in self._files(name):
            place = self._place(file)
            if file.sha is None and os.path.lexists(place):
                os.unlink(place)
                _remove_bytecode(place)
                failpoint(PackageFailpoint.ADDED_FILE_REMOVED)

    def _write_old(self, name: str) -> None:
        missing = [file for file in self._files(name) if file.sha is not None and not self._holds(file)]
        for file in missing:
            data = self.kept.read(file)
            if data is None:
                raise OSError(0, f"the kept copy of `{file.path}` is missing or damaged")
            place = self._place(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = place.with_name(f".{place.name[:200]}{_COPY}")
            copy.write_bytes(data)
            os.chmod(copy, file.mode)
            os.rename(copy, place)
            _remove_bytecode(place)
            failpoint(PackageFailpoint.OLD_FILE_WRITTEN)

    def _holds(self, file: TouchedFile) -> bool:
        place = self._place(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place.with_name(f".{place.name[:200]}{_COPY}"))
        return present_sha(place) == file.sha

    def _clear_stashes(self) -> None:
        """Remove what pip, killed in the middle, left under its names for what it is about to remove."""
        for site in (self.prefix / site for site in self.manifest.sites):
            for stash in stashes_in(site):
                if stash.relative_to(self.prefix).as_posix() not in self.manifest.stashes:
                    shutil.rmtree(stash, ignore_errors=True) if stash.is_dir() else stash.unlink(missing_ok=True)

    def _clear_folders(self) -> None:
        for folder in sorted(self.manifest.absent, reverse=True):
            place = self.prefix / folder
            shutil.rmtree(place / "__pycache__", ignore_errors=True)
            # A folder that holds more than was put there stays.
            with contextlib.suppress(OSError):
                os.rmdir(place)


def _remove_bytecode(source: Path) -> None:
    """Remove what Python compiled of a module that is not there any more, or is another one."""
    if source.suffix == ".py":
        # A compiler that was killed leaves a half-written one with more behind its name.
        for compiled in (source.parent / "__pycache__").glob(f"{glob.escape(source.stem)}.*.pyc*"):
            compiled.unlink(missing_ok=True)


def _read(path: Path, sha: str, decode: Callable[[bytes], _T | None]) -> _T | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return decode(data) if hashlib.sha256(data).hexdigest() == sha else None
