"""Which packages an environment for releases holds: pinned requirements, else the lock, else what is installed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.releases.exported_lock import ExportedLock
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.installed import Installed, Source

PINNED_FILES = ("requirements.lock", "requirements-lock.txt", "requirements.txt")

_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*===?\s*[^\s;]+")
_PIN_PARTS = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([^\s;]+)|@\s*(\S+))")
_DIRECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*\S+")
_KEPT_OPTIONS = (
    "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--only-binary", "--no-index",
    "--prefer-binary", "--pre",
)  # fmt: skip
_LARGEST = 16 * 1024 * 1024
_INSTALLERS = frozenset({"pip", "wheel", "uv"})


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """What an environment is built from: the interpreter, and the lines of a requirements file.

    `source` names where the lines come from. `is_whole` tells that they name every package there is to be; `has_hashes`
    that each has hashes.
    """

    python: str
    version: str
    lines: tuple[str, ...]
    source: str
    is_whole: bool
    has_hashes: bool

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """The pinned versions by normalised name, sorted; what comes from a URL has that in place of a version."""
        found: dict[str, str] = {}
        for line in self.lines:
            if match := _PIN_PARTS.match(line):
                found[normalised(match[1])] = match[2] or match[3]
        return tuple(sorted(found.items()))

    @property
    def digest(self) -> str:
        """What names the environment: equal for equal packages, versions of Python and machines."""
        about = [self.version, platform.system(), platform.machine(), self.is_whole, list(self.lines)]
        return hashlib.sha256(json.dumps(about).encode("ascii")).hexdigest()[:32]


def pinned_spec(root: Path, python: str, version: str) -> EnvironmentSpec | None:
    """Return what the first of `PINNED_FILES` says in which everything is pinned, None where there is none."""
    for name in PINNED_FILES:
        text = _read(root / name)
        lines = None if text is None else _pinned(root, text)
        if lines is not None:
            hashed = _have_hashes(lines)
            return EnvironmentSpec(python, version, lines, name, hashed, hashed)
    return None


def locked_spec(root: Path, python: str, version: str, lock: ExportedLock) -> EnvironmentSpec:
    """Return what a lock file says; UsageError (`environment-unlocked`) where it leaves a package open."""
    lines = _pinned(root, lock.text, needs_pins=False)
    if lines is None:
        raise UsageError(
            "environment-unlocked",
            f"no environment can be built for a release: `{lock.name}` leaves a package open",
            hint="take the packages from an index or a repository, or bring their code into the project",
            location=lock.name,
        )
    return EnvironmentSpec(python, version, lines, lock.name, True, _have_hashes(lines))


def installed_spec(root: Path, python: str, version: str, installed: Mapping[str, Installed] | None) -> EnvironmentSpec:
    """Return what is `installed` where the project runs; UsageError (`environment-unlocked`) where there is nothing."""
    if installed is None:
        raise UsageError(
            "environment-unlocked",
            "no environment can be built for a release: nothing says which versions of the packages it needs",
            hint="pin them (`pip-compile`, or `pip freeze > requirements.txt`), or make an environment for the project",
        )
    named = (_installed_line(root, package) for _, package in sorted(installed.items()))
    lines = tuple(line for line in named if line is not None)
    return EnvironmentSpec(python, version, lines, "the installed packages", is_whole=True, has_hashes=False)


def _have_hashes(lines: Sequence[str]) -> bool:
    pins = [line for line in lines if not line.startswith("-")]
    return bool(pins) and all("--hash=" in line for line in pins)


def _pinned(root: Path, text: str, *, needs_pins: bool = True) -> tuple[str, ...] | None:
    """Return the lines of a requirements file, None when one is not pinned.

    Those that name the project itself are left out: releases bring it along.
    """
    lines: list[str] = []
    pins = 0
    for line in _logical_lines(text):
        if line.split()[0].partition("=")[0] in _KEPT_OPTIONS:
            lines.append(line)
        elif _is_of_project(root, line):
            continue
        elif _PIN.match(line) or _DIRECT.match(line):
            lines.append(line)
            pins += 1
        else:
            return None
    return tuple(lines) if pins or not needs_pins else None


def _logical_lines(text: str) -> Iterator[str]:
    """Yield requirements with their continued lines as one, comments and blank lines left out."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        words = re.sub(r"(?:^|\s)#.*", "", line).split()
        if words:
            yield " ".join(words)


def _is_of_project(root: Path, line: str) -> bool:
    """Whether a line installs a folder of the project: `-e .`, `./library`, `library @ file:///project/library`."""
    path = re.sub(r"^(?:-e|--editable)[ =]\s*", "", line)
    path = re.sub(r"^[\w.-]+\s*@\s*(?=file:)", "", path)
    is_file = path.startswith("file:")
    path = path.removeprefix("file:").removeprefix("//").partition("[")[0].partition(" ; ")[0].strip()
    if not is_file and not path.startswith((".", "/")):
        return False
    return Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root))


def _installed_line(root: Path, package: Installed) -> str | None:
    """Return the requirement for a package as it is installed, None for the project itself and for installers."""
    if package.name in _INSTALLERS:
        return None
    if package.source in (Source.WHEEL, Source.LEGACY):
        return f"{package.name}=={package.version}"
    url = _direct_url(package)
    if url is None or _is_of_project(root, url):
        return None
    return f"{package.name} @ {url}"


def _direct_url(package: Installed) -> str | None:
    """Return where a package was installed from, None where nothing tells (PEP 610)."""
    try:
        told = json.loads((package.metadata / "direct_url.json").read_bytes())
    except (OSError, ValueError):
        return None
    match told:
        case {"url": str(url), "vcs_info": {"vcs": str(vcs), "commit_id": str(commit)}}:
            return f"{vcs}+{url}@{commit}"
        case {"url": str(url)}:
            return url
    return None


def _read(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
