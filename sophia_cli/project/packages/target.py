"""The environment that a project's packages go to: found, looked at, refused where it is not to be changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.files.tracked import find_checkout, read_tracked
from sophia_cli.project.packages.children import run_tool

_NAMES = (".venv", "venv", "env", ".env")
_LIMIT_S = 60.0
_MADE_BY = 'make one with `python3 -m venv .venv`, or name yours in the settings: `[project] python = "PATH"`'
# Runs in the environment's interpreter, which may be of any version from 3.6 on.
_LOOK = """
import json, os, platform, sys, sysconfig
paths = sysconfig.get_paths()
print(json.dumps({
    "prefix": sys.prefix, "base_prefix": sys.base_prefix, "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(), "purelib": paths["purelib"], "platlib": paths["platlib"],
    "scripts": paths["scripts"], "data": paths["data"],
    "external": os.path.exists(os.path.join(paths["stdlib"], "EXTERNALLY-MANAGED")),
}))
"""


@dataclass(frozen=True, slots=True)
class Target:
    """An environment. `shown` is how a user would write its folder; the folders are absolute, links resolved."""

    shown: str
    python: Path
    prefix: Path
    version: tuple[int, int, int]
    implementation: str
    purelib: Path
    platlib: Path
    scripts: Path
    data: Path

    @property
    def sites(self) -> tuple[Path, ...]:
        """The folders that packages lie in, each once."""
        return tuple(dict.fromkeys((self.purelib, self.platlib)))

    @property
    def headers(self) -> Path:
        """The folder that pip puts headers in, one folder a distribution."""
        return self.prefix / "include" / "site" / f"python{self.version[0]}.{self.version[1]}"


def find_target(root: Path, named: str | None, own_prefix: Path, environment: Mapping[str, str]) -> Target:
    """Return the environment that the settings name (`named`), else `.venv`, `venv`, `env` or `.env` in the project.

    `own_prefix` is Sophia's own environment: it is only taken when the settings name it. Runs the environment's
    interpreter once. UsageError where there is none (`environment-missing`), where it cannot be used
    (`environment-unusable`), and where it must not be changed (`environment-refused`).
    """
    place = _named_place(root, named) if named is not None else _found_place(root)
    python = place if place.is_file() else place / "bin" / "python"
    if not python.is_file():
        raise UsageError(
            "environment-unusable",
            f"`{_shown(root, place)}` holds no Python interpreter (`bin/python`)",
            hint=f"remove it and {_MADE_BY}",
            location=_shown(root, place),
        )
    _require_made_here(root, python)
    target = _look(root, place, python, environment)
    if named is None and target.prefix == Path(os.path.realpath(own_prefix)):
        raise UsageError(
            "environment-refused",
            f"`{target.shown}` is the environment that Sophia itself runs in, and the settings do not name it",
            hint=f'say so in the settings if it is meant: `[project] python = "{target.shown}"`',
            location=target.shown,
        )
    return target


def _named_place(root: Path, named: str) -> Path:
    place = root / Path(named).expanduser()
    if not place.exists():
        raise UsageError(
            "environment-missing",
            f"the environment `{named}`, which the settings name, does not exist",
            hint=f"make it with `python3 -m venv {named}`, or change `[project] python`",
            location=named,
        )
    return place


def _found_place(root: Path) -> Path:
    for name in _NAMES:
        place = root / name
        if not (place / "pyvenv.cfg").is_file():
            continue
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
            raise UsageError(
                "environment-refused",
                f"`{name}` leads out of the project, and the settings do not name it",
                hint=f'say so in the settings if it is meant: `[project] python = "{name}"`',
                location=name,
            )
        return place
    raise UsageError("environment-missing", "the project has no environment to install into", hint=_MADE_BY)


def _require_made_here(root: Path, python: Path) -> None:
    """Refuse an interpreter that came with the checkout: running it would run whatever somebody put there."""
    checkout = find_checkout(Path(os.path.realpath(root)))
    if checkout is None:
        return
    tracked = read_tracked(checkout)
    for path in {Path(os.path.abspath(python)), Path(os.path.realpath(python.parent)) / python.name}:
        folder = path.parent.parent
        if not folder.is_relative_to(checkout.top):
            continue
        name = folder.relative_to(checkout.top).as_posix()
        if tracked.holds(name) or tracked.holds_below(name):
            raise UsageError(
                "environment-refused",
                f"`{name}` came with the checkout (git tracks it), so its interpreter is not run",
                hint=f"remove it from git and {_MADE_BY}",
                location=name,
            )


def _look(root: Path, place: Path, python: Path, environment: Mapping[str, str]) -> Target:
    shown = _shown(root, place)
    with TemporaryDirectory(prefix="sophia-") as folder:
        ended = run_tool(
            [str(python), "-I", "-c", _LOOK], folder=Path(folder), environment=environment, limit_s=_LIMIT_S
        )
    try:
        facts = json.loads(ended.out)
        version = tuple(int(number) for number in facts["version"])
        prefix, purelib, platlib, scripts, data = (
            Path(os.path.realpath(str(facts[name]))) for name in ("prefix", "purelib", "platlib", "scripts", "data")
        )
        is_system, is_external = facts["prefix"] == facts["base_prefix"], bool(facts["external"])
        target = Target(
            shown=shown,
            python=Path(os.path.abspath(python)),
            prefix=prefix,
            version=(version[0], version[1], version[2]),
            implementation=str(facts["implementation"]),
            purelib=purelib,
            platlib=platlib,
            scripts=scripts,
            data=data,
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        said = ended.err.strip().splitlines()
        raise UsageError(
            "environment-unusable",
            f"the interpreter of `{shown}` does not run: {said[-1] if said else f'exit code {ended.code}'}",
            hint=f"remove it and {_MADE_BY}",
            location=shown,
        ) from error
    _require_changeable(target, is_system and is_external)
    return target


def _require_changeable(target: Target, is_managed: bool) -> None:
    if is_managed:
        raise UsageError(
            "environment-refused",
            f"`{target.shown}` is managed by the operating system's own package tool (PEP 668)",
            hint=_MADE_BY,
            location=target.shown,
        )
    for site in (*target.sites, target.scripts):
        if not site.is_relative_to(target.prefix):
            raise UsageError(
                "environment-refused",
                f"`{site}`, which packages of `{target.shown}` go to, lies outside of it",
                hint=_MADE_BY,
                location=target.shown,
            )
        if site.exists() and not os.access(site, os.W_OK | os.X_OK):
            raise UsageError(
                "environment-refused",
                f"`{site}` cannot be written by this user",
                hint="make it writable, or make an environment of your own",
                location=target.shown,
            )


def _shown(root: Path, place: Path) -> str:
    try:
        return place.relative_to(root).as_posix()
    except ValueError:
        return str(place)
