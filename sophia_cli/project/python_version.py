"""The Python version that a project says it is written for; declarations are read, nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass
from sophia_cli.project.root import PYPROJECT_FILE

Version = tuple[int, int]

_LARGEST = 1_000_000
_PINNED = late_pattern(r"(?:[a-z]+-?)?(\d+)\.(\d+)")
_BOUND = late_pattern(r"(>=|>|===|==|~=|\^|~|<=|<|!=|)\s*v?(\d+)(?:\.(\d+|\*))?(?:\.[\w.*+-]+)?\Z")


@dataclass(frozen=True, slots=True)
class DeclaredPython:
    """A version that the project declares: where it says so, and in which words."""

    version: Version
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class PythonDeclarations:
    """All declarations, the one that counts first, and why others could not be read."""

    found: tuple[DeclaredPython, ...]
    problems: tuple[str, ...]


def project_python(root: Path, running: Version, configured: Version | None = None) -> Version:
    """Return the Python version that the project's code is written for.

    `configured` (`python_version` in the settings) wins; then what `.python-version` pins; then the lower bound of the
    supported range; then `running`. A lower bound below 3 says nothing about how the code is run today, so it does not
    count.
    """
    if configured is not None:
        return configured
    return next((found.version for found in python_declarations(root).found if found.version >= (3, 0)), running)


def python_declarations(root: Path) -> PythonDeclarations:
    """Return what `.python-version`, `pyproject.toml` (PEP 621, then Poetry) and `setup.cfg` declare, in this order."""
    found: list[DeclaredPython] = []
    problems: list[str] = []
    readers: tuple[tuple[str, Callable[[str], Iterator[tuple[str, str]]]], ...] = (
        (".python-version", _pins),
        (PYPROJECT_FILE, _pyproject),
        ("setup.cfg", _setup_cfg),
    )
    for file, read in readers:
        text = _read(root / file)
        if text is None:
            continue
        try:
            declarations = list(read(text))
        except (ValueError, RecursionError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            problems.append(f"{file} cannot be read: {reason}")
            continue
        for key, words in declarations:
            version = _pinned(words) if file == ".python-version" else lower_bound(words)
            if version is None:
                problems.append(f"{key} in {file} names no version: `{words[:60]}`")
            else:
                found.append(DeclaredPython(version, file, words))
    return PythonDeclarations(tuple(found), tuple(problems))


def lower_bound(specifier: str) -> Version | None:
    """Return the lowest version that a range allows: `>=3.9,<4`, `~=3.9`, `^3.9`, `3.10.*`; None when it has no floor.

    Alternatives (`||`) give the lowest of theirs; of several floors in one range the highest counts.
    """
    lowest: list[Version] = []
    for alternative in specifier.split("||"):
        floors: list[Version] = []
        for part in filter(None, (piece.strip() for piece in alternative.split(","))):
            match = _BOUND.match(part)
            if match is None:
                return None
            if match.group(1) not in ("<", "<=", "!="):
                minor = match.group(3)
                floors.append((int(match.group(2)), int(minor) if minor and minor != "*" else 0))
        if not floors:
            return None
        lowest.append(max(floors))
    return min(lowest, default=None)


def _pinned(words: str) -> Version | None:
    match = _PINNED.match(words)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _pins(text: str) -> Iterator[tuple[str, str]]:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    pins = [line for line in lines if line]
    # pyenv takes the first version of the file as `python`; later lines only add further commands.
    yield from (("the first line", pin) for pin in pins[:1])


def _pyproject(text: str) -> Iterator[tuple[str, str]]:
    import tomllib

    content: object = tomllib.loads(text)
    requires = _at(content, "project", "requires-python")
    if requires is not None:
        yield "requires-python", _words(requires)
    poetry = _at(content, "tool", "poetry", "dependencies", "python")
    if poetry is not None:
        yield "the Poetry dependency `python`", _words(poetry)


def _setup_cfg(text: str) -> Iterator[tuple[str, str]]:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    if parser.has_option("options", "python_requires"):
        yield "python_requires", parser.get("options", "python_requires")


def _at(content: object, *names: str) -> object:
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("version", "")
    return value if isinstance(value, str) else str(value)


def _read(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return None
