"""Which servers a project has among its packages, as its own lists of requirements say."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sophia_cli.project.discovery.places import upwards

_LIST = re.compile(
    r"requirements[\w.-]*\.(?:txt|in)|pyproject\.toml|Pipfile|setup\.(?:py|cfg)|environment\.ya?ml|uv\.lock|poetry\.lock"
    r"|Pipfile\.lock|pdm\.lock"
)
_SERVER = re.compile(r"(?<![\w.-])(uvicorn|gunicorn|hypercorn|waitress|fastapi\[|fastapi-cli)(?!\w)", re.IGNORECASE)


def is_requirement_list(path: str) -> bool:
    """Whether a file lists packages by its name, or by its folder: `requirements/base.txt`."""
    folder, _, name = path.rpartition("/")
    return _LIST.fullmatch(name) is not None or (folder.rpartition("/")[2] == "requirements" and name.endswith(".txt"))


def servers_in(text: str) -> frozenset[str]:
    """Return the servers that a list names; FastAPI's own command brings uvicorn."""
    found = {match.group(1).lower() for match in _SERVER.finditer(text)}
    return frozenset("uvicorn" if name.startswith("fastapi") else name for name in found)


def servers_near(folder: str, lists: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    """Return the servers of the lists in a folder and above it, None where there is no list."""
    near = [lists[place] for place in upwards(folder) if place in lists]
    return frozenset().union(*near) if near else None
