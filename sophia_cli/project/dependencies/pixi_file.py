"""`pixi.toml` and `[tool.pixi]`: Conda packages and distributions, of all platforms and features."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.values import replace
from sophia_cli.project.dependencies.conda_names import distribution_of
from sophia_cli.project.dependencies.formats import DEV_GROUPS
from sophia_cli.project.dependencies.model import Declaration, Format, Problem, Requirement, Role
from sophia_cli.project.dependencies.poetry_table import table_requirements
from sophia_cli.project.dependencies.text import DeclarationText, read_text
from sophia_cli.project.dependencies.toml_reader import TomlDocument, read_toml
from sophia_cli.project.dependencies.versions import from_conda

_CONDA = {"dependencies": Role.MAIN, "host-dependencies": Role.BUILD, "build-dependencies": Role.BUILD}
_PYPI = "pypi-dependencies"
_RUN = ("package", "run-dependencies")


def read_pixi(path: str, data: bytes) -> Declaration:
    """Read a `pixi.toml`; what cannot be read becomes problems, never an exception."""
    text = read_text(data)
    document = read_toml(text.text)
    problems = tuple(Problem(path, text.line(place), "this line is no TOML") for place in document.faults)
    requirements = tuple(sorted(pixi_requirements(path, text, document), key=lambda one: (one.line, one.column)))
    has_place = document.has("dependencies") or document.has(_PYPI)
    return Declaration(path, Format.PIXI, requirements, problems=problems, declares_main=has_place)


def pixi_requirements(path: str, text: DeclarationText, document: TomlDocument, *prefix: str) -> Iterator[Requirement]:
    """Yield what the tables of pixi below `prefix` declare.

    What a platform or a feature asks for may stand in place of the rest or beside it, as the environments say: it
    comes without versions.
    """
    for at, role, group, is_conda in _tables(document, prefix):
        # Which words say versions is Conda's and pip's affair: what is unknown here is no problem of the file.
        found, _ = table_requirements(path, text, document, (*prefix, *at), role, group)
        for one in found:
            name = distribution_of(one.written) if is_conda else one.name
            if name is None:
                continue
            specifier = (from_conda(one.specifier_written) or "") if is_conda else one.specifier
            yield replace(one, name=name, specifier="" if group else specifier, is_conda=is_conda)


def _tables(document: TomlDocument, prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Role, str, bool]]:
    """Yield the tables that are there: path below `prefix`, role, feature or platform, and whether Conda's they are."""
    seen: set[tuple[str, ...]] = set()
    for pair in document.pairs(*prefix):
        key = pair.key
        at = 2 if key[:1] == ("feature",) else 0
        at += 2 if key[at : at + 1] == ("target",) else 0
        table = key[: at + 1]
        if key[: len(_RUN)] == _RUN:
            at, table = 1, _RUN
        if len(key) <= at + 1 or table in seen:
            continue
        seen.add(table)
        group = key[1] if key[0] in ("feature", "target") else ""
        if key[at] == _PYPI or table == _RUN:
            role, is_conda = Role.MAIN, table == _RUN
        elif key[at] in _CONDA:
            role, is_conda = _CONDA[key[at]], True
        else:
            continue
        if group and role is Role.MAIN:
            role = Role.DEV if group in DEV_GROUPS else Role.OPTIONAL
        yield table, role, group, is_conda
