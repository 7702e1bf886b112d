"""Which files declare or lock distributions, by their names."""

from __future__ import annotations

import re

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.dependencies.model import Format, Role

_LOCKS = frozenset({"poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "pixi.lock"})
_PYLOCK = late_pattern(r"pylock\.[^.]+\.toml")
_REQUIREMENTS = late_pattern(
    r"(?:.*[-_.])?(?:requirements?|reqs|constraints?)(?:[-_.].*)?\.(?:txt|in|pip)", re.IGNORECASE
)
_CONDA = late_pattern(r"(?:.*[-_.])?(?:environment|conda[-_]env|env)(?:[-_.].*)?\.ya?ml", re.IGNORECASE)
_FOLDER = late_pattern(r"(?:^|/)(?:requirements|reqs|dependencies)/[^/]*\.(?:txt|in|pip)$", re.IGNORECASE)
_WORDS = late_pattern(r"[a-z]+|\d+", re.IGNORECASE)
_SELF = frozenset({"requirements", "requirement", "reqs", "req", "constraints", "constraint"})


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


DEV_GROUPS = _set_of(
    "dev develop development test tests testing lint linting linters format docs doc documentation typing types type "
    "mypy ci cd build release publish tools tooling qa quality style bench benchmark benchmarks examples example "
    "precommit pre commit coverage nox tox debug check checks typecheck security audit"
)
_PLAIN = _set_of(
    "base common core main prod production all full local optional extra extras min minimal minimum lock locked frozen "
    "freeze pinned pins install runtime app default server deploy staging latest pip py python in linux windows win "
    "mac macos darwin gpu cpu docker"
)
_NUMBERS = frozenset(str(number) for number in range(400))


def format_of(path: str) -> Format | None:
    """Return what kind of declaration a file of this path (relative, with `/`) is, None for none."""
    name = path.rpartition("/")[2]
    match name:
        case "pyproject.toml":
            return Format.PYPROJECT
        case "setup.cfg":
            return Format.SETUP_CFG
        case "setup.py":
            return Format.SETUP_PY
        case "Pipfile":
            return Format.PIPFILE
        case "pixi.toml":
            return Format.PIXI
        case "tox.ini":
            return Format.TOX
        case "noxfile.py":
            return Format.NOX
        case _ if name in _LOCKS or _PYLOCK.fullmatch(name):
            return Format.LOCK
        case _ if _REQUIREMENTS.fullmatch(name) or _FOLDER.search(path):
            return Format.REQUIREMENTS
        case _ if _CONDA.fullmatch(name):
            return Format.CONDA
        case _:
            return None


def role_of(path: str) -> Role:
    """Return what a requirements file of this name is for: constraints, development, or to run."""
    words = _words(path)
    if words & {"constraints", "constraint"}:
        return Role.CONSTRAINT
    return Role.DEV if words & DEV_GROUPS else Role.MAIN


def is_usual(path: str) -> bool:
    """Return whether files of that name are installed as a matter of course (not so `demo_requirements.txt`)."""
    return format_of(path) is not Format.REQUIREMENTS or not _words(path) - _SELF - DEV_GROUPS - _PLAIN - _NUMBERS


def _words(path: str) -> frozenset[str]:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return frozenset(word.lower() for word in _WORDS.findall(stem))
