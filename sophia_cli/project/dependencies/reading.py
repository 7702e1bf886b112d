"""The reader for each kind of declaration, loaded once a file of that kind is there."""

from __future__ import annotations

from sophia_cli.project.dependencies.formats import format_of, role_of
from sophia_cli.project.dependencies.model import Declaration, Format


def read_declaration(path: str, data: bytes) -> Declaration | None:
    """Read one file according to its name; None for a file that declares nothing by its name. Never fails."""
    match format_of(path):
        case Format.PYPROJECT:
            from sophia_cli.project.dependencies.pyproject_file import read_pyproject

            return read_pyproject(path, data)
        case Format.SETUP_CFG:
            from sophia_cli.project.dependencies.setup_cfg import read_setup_cfg

            return read_setup_cfg(path, data)
        case Format.SETUP_PY:
            from sophia_cli.project.dependencies.setup_py import read_setup_py

            return read_setup_py(path, data)
        case Format.PIPFILE:
            from sophia_cli.project.dependencies.pipfile import read_pipfile

            return read_pipfile(path, data)
        case Format.PIXI:
            from sophia_cli.project.dependencies.pixi_file import read_pixi

            return read_pixi(path, data)
        case Format.LOCK:
            from sophia_cli.project.dependencies.lock_file import read_lock

            return read_lock(path, data)
        case Format.CONDA:
            from sophia_cli.project.dependencies.conda_file import read_conda

            return read_conda(path, data)
        case Format.TOX:
            from sophia_cli.project.dependencies.tool_files import read_tox

            return read_tox(path, data)
        case Format.NOX:
            from sophia_cli.project.dependencies.tool_files import read_noxfile

            return read_noxfile(path, data)
        case Format.REQUIREMENTS:
            from sophia_cli.project.dependencies.requirements_file import read_requirements

            return read_requirements(path, data, role_of(path))
        case _:
            return None
