"""What an environment is and holds, at a glance: read from names of files, nothing of it opened that is not needed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.environment_place import find_environment
from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.settings.service_model import Service

_METADATA = late_pattern(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+.*)?\.(?:dist|egg)-info")
_SHARES = late_pattern(r"(?im)^include-system-site-packages\s*=\s*true")
_LIBRARY = late_pattern(r"python(3\.\d+)")
_CONDA_PYTHON = late_pattern(r"python-(3\.\d+\.\d+)-.*\.json")
_FINDER = late_pattern(r"import (__editable___\w+_finder)\b")
_MAPPING = late_pattern(r"^MAPPING(?:: [^=\n]+)? = (\{.*\})$", re.MULTILINE)
# The programs that install are no part of what runs.
_INSTALLERS = frozenset({"pip", "wheel", "uv"})
_LARGEST = 1_000_000
_LIMIT_S = 30.0
_LOOK = (
    "import json, sys, sysconfig; paths = sysconfig.get_paths(); "
    "print(json.dumps([sys.version.split()[0], paths['purelib'], paths['platlib']]))"
)


@dataclass(frozen=True, slots=True)
class EnvironmentOutline:
    """An environment: its interpreter (absolute), the version of Python, the distributions with their versions.

    `inside` are folders of the project that editable installs put on the search path, relative to its root, `.` being
    the root itself. `is_own` tells that the project has no environment and runs in Sophia's.
    """

    python: str
    version: str
    distributions: tuple[tuple[str, str], ...]
    inside: tuple[str, ...]
    is_own: bool


def outline_environment(root: Path, python: str | None, variables: Mapping[str, str]) -> EnvironmentOutline:
    """Return the environment that services run in: the one that the settings name, else the usual one beside the code,
    else Sophia's own.

    Nothing is run, except an interpreter that the settings name and that is in no environment. UsageError
    (`environment-missing`, `environment-unusable`) for a name that leads to none.
    """
    place = find_environment(root, python)
    if place is not None:
        folder = Path(os.path.abspath(place.folder))
        return _outline(root, _interpreter(folder), _version(folder), place.site_packages, is_own=False)
    if python is not None:
        return _asked(root, python, variables)
    import sysconfig

    sites = tuple(dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")))
    return _outline(root, sys.executable, ".".join(map(str, sys.version_info[:3])), sites, is_own=True)


def without_uvicorn(outline: EnvironmentOutline, services: Iterable[Service]) -> tuple[str, ...]:
    """Return the names of the services that need uvicorn in an environment which does not show it.

    What a virtual environment shares with the interpreter that it was made of is not known, so nothing is said then.
    """
    if any(name == "uvicorn" for name, _ in outline.distributions):
        return ()
    configuration = _read(Path(outline.python).parent.parent / "pyvenv.cfg")
    if _SHARES.search(configuration):
        return ()
    return tuple(service.name for service in services if service.app is not None)


def _outline(root: Path, python: str, version: str, sites: tuple[Path, ...], is_own: bool) -> EnvironmentOutline:
    found: dict[str, str] = {}
    inside: dict[str, None] = {}
    top = Path(os.path.realpath(root))
    for site in sites:
        try:
            names = sorted(os.listdir(site))
        except OSError:
            continue
        for name in names:
            if match := _METADATA.fullmatch(name):
                distribution = normalised(match["name"])
                if distribution not in _INSTALLERS:
                    found.setdefault(distribution, match["version"])
            elif name.endswith((".pth", ".egg-link")):
                inside.update(dict.fromkeys(_folders_inside(top, site, name)))
    return EnvironmentOutline(python, version, tuple(sorted(found.items())), tuple(inside), is_own)


def _folders_inside(root: Path, site: Path, name: str) -> Iterator[str]:
    """Return the folders of the project that a `.pth` file, or the finder that it imports, makes importable."""
    for line in _read(site / name).splitlines():
        text = line.strip()
        if found := _FINDER.match(text):
            yield from _mapped_inside(root, _read(site / f"{found[1]}.py"))
        elif text and not text.startswith(("#", "import ", "import\t")):
            relative = _inside(root, site / text)
            if relative is not None:
                yield relative
        if name.endswith(".egg-link"):
            return


def _mapped_inside(root: Path, finder: str) -> Iterator[str]:
    """Return the folders above the packages that a finder of setuptools maps; one under another name cannot be had."""
    found = _MAPPING.search(finder)
    from ast import literal_eval

    try:
        mapping = literal_eval(found[1]) if found else {}
    except (ValueError, SyntaxError):
        return
    for package, place in mapping.items() if isinstance(mapping, dict) else ():
        if isinstance(package, str) and isinstance(place, str):
            path = Path(place)
            depth = package.count(".") + 1
            named = path.with_suffix("") if path.suffix == ".py" else path
            if named.parts[-depth:] == tuple(package.split(".")):
                relative = _inside(root, Path(*named.parts[:-depth]))
                if relative is not None:
                    yield relative


def _inside(root: Path, folder: Path) -> str | None:
    real = Path(os.path.realpath(folder))
    return real.relative_to(root).as_posix() if real.is_relative_to(root) and real.is_dir() else None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _interpreter(folder: Path) -> str:
    python = folder / "bin" / "python"
    if not os.access(python, os.X_OK):
        raise UsageError(
            "environment-unusable",
            f"`{folder}` holds no Python interpreter (`bin/python`)",
            hint="make it anew with `python3 -m venv`, or name another one in the settings: `[project] python`",
            location=str(folder),
        )
    return str(python)


def _version(folder: Path) -> str:
    for line in _read(folder / "pyvenv.cfg").splitlines():
        key, _, value = line.partition("=")
        if key.strip().lower() in ("version", "version_info"):
            return ".".join(value.strip().split(".")[:3])
    try:
        names = [*os.listdir(folder / "conda-meta")] if (folder / "conda-meta").is_dir() else []
        names += os.listdir(folder / "lib")
    except OSError:
        return ""
    found = (_CONDA_PYTHON.fullmatch(name) or _LIBRARY.fullmatch(name) for name in sorted(names, reverse=True))
    return next((match[1] for match in found if match), "")


def _asked(root: Path, python: str, variables: Mapping[str, str]) -> EnvironmentOutline:
    """Return what an interpreter that is in no environment says of itself."""
    place = root / Path(python).expanduser()
    if not place.exists():
        raise UsageError(
            "environment-missing",
            f"the environment `{python}`, which the settings name, does not exist",
            hint=f"make it with `python3 -m venv {python}`, or change `[project] python`",
            location=python,
        )
    from sophia_cli.project.packages.children import run_tool

    words = [os.path.abspath(place), "-I", "-c", _LOOK]
    said = run_tool(words, folder=root, environment=variables, limit_s=_LIMIT_S) if place.is_file() else None
    try:
        told = json.loads("" if said is None else said.out)
    except ValueError:
        told = None
    match told:
        case [str(version), str(purelib), str(platlib)]:
            sites = tuple(dict.fromkeys((Path(purelib), Path(platlib))))
            return _outline(root, words[0], version, sites, is_own=False)
    raise UsageError(
        "environment-unusable",
        f"`{python}`, which the settings name, is neither an environment nor an interpreter that runs",
        hint="name the folder of an environment, or its interpreter, as `[project] python`",
        location=python,
    )
