"""The packages that an environment holds, read from their metadata on the disk."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.target import Target

RECORD = "RECORD"


class Source(Enum):
    """Where an installed package comes from. Only what a wheel from an index left is ever replaced."""

    WHEEL = "an index"
    EDITABLE = "an editable install"
    VCS = "a version control checkout"
    LOCAL = "a local path"
    URL = "a URL"
    LEGACY = "an installation without a record of its files"


@dataclass(frozen=True, slots=True)
class Installed:
    """One package: `name` is normalised, `metadata` its folder (or file) in `site`."""

    name: str
    version: str
    source: Source
    site: Path
    metadata: Path

    @property
    def is_replaceable(self) -> bool:
        """Whether Sophia may replace it: it came from an index and says which files are its own."""
        return self.source is Source.WHEEL


def installed_packages(target: Target) -> dict[str, Installed]:
    """Return the packages of an environment by normalised name; unreadable metadata is passed over."""
    found: dict[str, Installed] = {}
    for site in target.sites:
        for package in _packages_in(site):
            found.setdefault(package.name, package)
    return found


def recorded_files(package: Installed) -> tuple[Path, ...]:
    """Return the files that the package's RECORD names, absolute, bytecode left out; none when it has no RECORD."""
    try:
        with open(package.metadata / RECORD, encoding="utf-8", newline="") as stream:
            rows = [row[0] for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()
    paths = (Path(os.path.normpath(package.site / row)) for row in rows)
    return tuple(path for path in paths if path.suffix != ".pyc")


def _packages_in(site: Path) -> Iterator[Installed]:
    try:
        entries = sorted(os.scandir(site), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        place = Path(entry.path)
        if entry.name.endswith(".dist-info"):
            package = _read(site, place, place / "METADATA", _source(place))
        elif entry.name.endswith(".egg-info"):
            package = _read(site, place, place / "PKG-INFO" if entry.is_dir() else place, Source.LEGACY)
        elif entry.name.endswith(".egg-link"):
            package = Installed(normalised(place.stem), "0", Source.EDITABLE, site, place)
        else:
            continue
        if package is not None:
            yield package


def _read(site: Path, place: Path, metadata: Path, source: Source) -> Installed | None:
    name = version = ""
    try:
        with open(metadata, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                field, _, value = line.partition(":")
                if field == "Name":
                    name = value.strip()
                elif field == "Version":
                    version = value.strip()
                if (name and version) or not line.strip():
                    break
    except OSError:
        return None
    return Installed(normalised(name), version, source, site, place) if name and version else None


def _source(place: Path) -> Source:
    try:
        told = json.loads((place / "direct_url.json").read_bytes())
    except FileNotFoundError:
        return Source.WHEEL if (place / RECORD).is_file() else Source.LEGACY
    except (OSError, ValueError):
        return Source.URL
    if not isinstance(told, dict):
        return Source.URL
    folder = told.get("dir_info")
    if isinstance(folder, dict) and folder.get("editable"):
        return Source.EDITABLE
    if "vcs_info" in told:
        return Source.VCS
    return Source.LOCAL if str(told.get("url", "")).startswith("file:") else Source.URL
