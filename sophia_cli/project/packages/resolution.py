"""Which versions answer the project's wishes: asked of uv, pip-tools or pip, each with hashes and with wheels only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.wishes import Wish

WANTED = "wanted.in"
CONSTRAINTS = "constraints.txt"
RESOLVED = "resolved.txt"

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One resolved package: normalised name, version, hashes (`sha256:...`) and which packages ask for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be resolved. `preferred` are versions to keep where they will do, by normalised name.

    `allow_build` are the packages that may be built from source: a stranger's code runs then.
    """

    requirements: tuple[Wish, ...]
    constraints: tuple[Wish, ...]
    preferred: Mapping[str, str]
    allow_build: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Lay the question down in `folder` as the files that the tools read."""
        _write(folder / WANTED, (wish.line for wish in self.requirements))
        _write(folder / CONSTRAINTS, (wish.line for wish in self.constraints))


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer: the tool that gave it and all pins; `is_whole` is false when it names only what must change."""

    tool: str
    pins: tuple[Pin, ...]
    is_whole: bool = True


def write_pins(path: Path, preferred: Mapping[str, str]) -> None:
    """Lay down the versions to keep: uv and pip-tools read them from the file that they write to."""
    _write(path, (f"{name}=={version}" for name, version in sorted(preferred.items())))


def read_pins(text: str) -> tuple[Pin, ...]:
    """Read a compiled requirements file: pins, their hashes, and the `# via` lines that say who asks."""
    pins: list[Pin] = []
    lines = iter(text.splitlines())
    for entry in _entries(lines):
        found = _PIN.match(entry)
        if found is None:
            continue
        _, _, via = entry.partition("# via")
        names = [word.strip() for word in via.split(",")]
        wanted_by = tuple(normalised(name) for name in names if name and not name.startswith(("-", "/")))
        pins.append(Pin(normalised(found[1]), found[2], tuple(_HASH.findall(entry)), wanted_by))
    return tuple(pins)


def pin_lines(pins: tuple[Pin, ...]) -> str:
    """Return the pins as a requirements file with hashes."""
    return "".join(f"{pin.name}=={pin.version}{''.join(f' --hash={one}' for one in pin.hashes)}\n" for pin in pins)


def _entries(lines: Iterator[str]) -> Iterator[str]:
    """Yield each pin with what stands below it, indented or commented, as one line."""
    entry = ""
    for line in lines:
        if line[:1].isspace() or line.startswith("#"):
            entry += f" {line.strip()}"
        else:
            if entry:
                yield entry
            entry = line
    if entry:
        yield entry


def _write(path: Path, lines: Iterator[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
