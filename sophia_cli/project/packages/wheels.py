"""Wheels: fetched before anything changes, and the files that installing one writes."""

from __future__ import annotations

import configparser
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.resolution import RESOLVED, Pin, pin_lines
from sophia_cli.project.packages.resolvers import LIMIT_S, build_options
from sophia_cli.project.packages.target import Target
from sophia_cli.project.packages.tools import Tools
from sophia_cli.project.packages.trouble import installing_failed

# What installers add to the metadata folder of every package.
_ADDED = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
_SCRIPTS = ("console_scripts", "gui_scripts")


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel on the disk: normalised name, version, and the SHA-256 of the file."""

    path: Path
    name: str
    version: str
    sha: str


def fetch_wheels(pins: tuple[Pin, ...], tools: Tools, folder: Path, allow_build: tuple[str, ...]) -> tuple[Wheel, ...]:
    """Bring the pinned wheels into `folder`, hashes checked; return them in the order of the pins.

    Packages in `allow_build` are built from their source. UnavailableError (`index-unreachable`, `install-failed`,
    `package-hash-mismatch`) when they cannot be had.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = folder / RESOLVED
    wanted.write_text(pin_lines(pins), encoding="utf-8")
    words = (
        *tools.pip, "wheel", "--no-deps", "--require-hashes", *build_options(allow_build),
        "--wheel-dir", str(folder), "--requirement", str(wanted),
    )  # fmt: skip
    ended = run_tool(words, folder=folder, environment=tools.environment, limit_s=LIMIT_S)
    if ended.code != 0:
        raise installing_failed(f"{ended.out}\n{ended.err}")
    found = {wheel.name: wheel for wheel in _wheels_in(folder)}
    missing = [pin.name for pin in pins if pin.name not in found]
    if missing:
        raise UnavailableError("install-failed", f"no wheel of {', '.join(missing)} came", hint="run again with `-v`")
    return tuple(found[pin.name] for pin in pins)


def wheel_lines(wheels: Iterable[Wheel]) -> str:
    """Return a requirements file that admits these very files and no others."""
    return "".join(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha}\n" for wheel in wheels)


def files_of(wheel: Wheel, target: Target) -> frozenset[Path]:
    """Return every file that installing the wheel into the target writes, absolute, bytecode left out."""
    with zipfile.ZipFile(wheel.path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        metadata = next(name.partition("/")[0] for name in names if name.endswith(".dist-info/WHEEL"))
        is_pure = "root-is-purelib: true" in archive.read(f"{metadata}/WHEEL").decode("utf-8", "replace").lower()
        entry_points = f"{metadata}/entry_points.txt"
        listed = archive.read(entry_points).decode("utf-8", "replace") if entry_points in names else ""
    site = target.purelib if is_pure else target.platlib
    data = f"{metadata.removesuffix('.dist-info')}.data"
    schemes = {
        "purelib": target.purelib,
        "platlib": target.platlib,
        "scripts": target.scripts,
        "data": target.data,
        "headers": target.headers / wheel.path.name.partition("-")[0],
    }
    found = {site / metadata / name for name in _ADDED}
    for name in names:
        parts = PurePosixPath(name).parts
        if parts[0] != data:
            found.add(site.joinpath(*parts))
        elif len(parts) > 2 and parts[1] in schemes:
            found.add(schemes[parts[1]].joinpath(*parts[2:]))
    found.update(target.scripts / script for script in _script_names(listed, wheel.name, target))
    return frozenset(path for path in found if path.suffix != ".pyc")


def _script_names(entry_points: str, name: str, target: Target) -> Iterator[str]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # the documented way to keep the case of keys
    try:
        parser.read_string(entry_points)
    except configparser.Error:
        return
    for section in _SCRIPTS:
        if parser.has_section(section):
            yield from parser.options(section)
    if name == "pip":
        yield from (f"pip{target.version[0]}", f"pip{target.version[0]}.{target.version[1]}")


def _wheels_in(folder: Path) -> Iterator[Wheel]:
    for path in sorted(folder.glob("*.whl")):
        name, version, *_ = path.name.split("-")
        with open(path, "rb") as stream:
            yield Wheel(path, normalised(name), version, hashlib.file_digest(stream, "sha256").hexdigest())
