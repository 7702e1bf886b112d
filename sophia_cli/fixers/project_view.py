"""What a rule sees of the whole project: values only, made before any rule runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.source import SourceText


class Sources(Protocol):
    """Gives the text of a file, for edits and for what facts do not hold; None where it cannot be decoded.

    Python files and documents (requirements, pyproject) alike. The runner reads; a rule only asks.
    """

    def text(self, path: str, /) -> SourceText | None: ...


@dataclass(frozen=True, slots=True)
class ProjectView:
    """The project.

    `files` holds the facts of every Python file by path, `documents` the paths of other files that say something
    about the project (declarations, settings of tools, container files). `python` is the version the project declares,
    or the running one.
    """

    files: Mapping[str, FileFacts]
    documents: tuple[str, ...]
    sources: Sources
    python: tuple[int, int]
