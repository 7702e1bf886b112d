"""Packages of one name that belong to different programs: every service has its own `app`."""

from __future__ import annotations

from sophia_cli.project.imports.model import Import
from sophia_cli.project.imports.modules import ModuleMap


def is_of_a_twin(item: Import, path: str, modules: ModuleMap) -> bool:
    """Whether a file lies in another package of the name that the import begins with: no program has both of them."""
    top, own = item.resolution.module.partition(".")[0], _folder_of_top(item)
    if not own or item.fact.level or not modules.is_package(own):
        return False
    parts = path.split("/")[:-1]
    return any(
        part == top and (folder := "/".join(parts[: index + 1])) != own and modules.is_package(folder)
        for index, part in enumerate(parts)
    )


def _folder_of_top(item: Import) -> str:
    """Return the folder of the package that the import begins with, as far as it is there; empty where it is not."""
    resolution = item.resolution
    known = resolution.known.split(".") if resolution.known else []
    at = resolution.known_at.removesuffix("/__init__.py").removesuffix(".py").split("/")
    if not known or len(at) < len(known) or at[len(at) - len(known) :] != known:
        return ""
    return "/".join(at[: len(at) - len(known) + 1])
