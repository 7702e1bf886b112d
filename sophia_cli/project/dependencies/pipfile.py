"""`Pipfile`: TOML with `packages` and `dev-packages` tables."""

from __future__ import annotations

from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.poetry_table import table_requirements
from sophia_cli.project.dependencies.text import read_text
from sophia_cli.project.dependencies.toml_problems import toml_problems
from sophia_cli.project.dependencies.toml_reader import read_toml

_TABLES = {"packages": Role.MAIN, "dev-packages": Role.DEV}
_NO_TABLES = frozenset({"source", "requires", "scripts", "pipenv", "build-system"})


def read_pipfile(path: str, data: bytes) -> Declaration:
    """Read a `Pipfile`; what cannot be read becomes problems, never an exception."""
    text = read_text(data)
    document = read_toml(text.text)
    problems = toml_problems(path, text, document)
    requirements: list[Requirement] = []
    names = dict.fromkeys(section.path[0] for section in document.sections if len(section.path) >= 1)
    for name in names:
        if name in _NO_TABLES:
            continue
        role = _TABLES.get(name, Role.DEV)
        found, faults = table_requirements(path, text, document, (name,), role, "" if role is Role.MAIN else name)
        requirements += found
        problems += faults
    return Declaration(path, Format.PIPFILE, tuple(requirements), problems=tuple(problems), declares_main=True)
