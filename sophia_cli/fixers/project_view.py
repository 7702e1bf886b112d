"""What a rule sees of the whole project: values only, made before any rule runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.wrong import Calls
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.dependencies.installed import Environment
from sophia_cli.project.dependencies.lookup import Dependencies
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.imports.modules import Listing
from sophia_cli.project.imports.whole import connected
from sophia_cli.project.source import SourceText

if TYPE_CHECKING:
    from sophia_cli.project.history.model import EarlierText, Move


class Sources(Protocol):
    """Gives the text of a file, for edits and for what facts do not hold; None where it cannot be decoded.

    Python files and documents (requirements, pyproject) alike. The runner reads; a rule only asks.
    """

    def text(self, path: str, /) -> SourceText | None: ...


class Past(Protocol):
    """What the repository remembers of its files; reads the log only when it is asked."""

    def moved(self, path: str, /) -> Move | None:
        """Return where the file that was at `path` is in HEAD and the commit that moved it, None when unknown."""

    def removed(self, path: str, /) -> str | None:
        """Return the commit that removed the file at `path`, None when none did or it was moved."""

    def earlier(self, path: str, /) -> Sequence[EarlierText]:
        """Return earlier versions of a file that is there, newest first, each with the commit that changed it."""

    def read_ahead(self, paths: Iterable[str], /) -> None:
        """Read the earlier versions of all these files at once, since each reading costs a process."""


@dataclass(frozen=True, slots=True)
class ProjectView:
    """The project.

    `files` holds the facts of every Python file by path, `documents` the bytes of other files that say something
    about the project (declarations, settings of tools, container files). `python` is the version the project declares,
    or the running one. `graph` is what every import leads to, `dependencies` what is declared, locked and installed,
    `calls` the calls that do not fit.
    """

    files: Mapping[str, FileFacts]
    documents: Mapping[str, bytes]
    sources: Sources
    past: Past
    python: tuple[int, int]
    graph: ImportGraph
    dependencies: Dependencies
    calls: Calls

    def document(self, path: str) -> bytes | None:
        """Return the bytes of a file that is no Python module, or of `setup.py`; None when it cannot be read."""
        return _document(path, self.documents, self.sources)


def view_of_project(
    files: Mapping[str, FileFacts],
    documents: Mapping[str, bytes],
    sources: Sources,
    past: Past,
    python: tuple[int, int],
    environment: Environment | None = None,
    listing: Listing | None = None,
) -> ProjectView:
    """Return the view of a project, with everything that follows from its files worked out.

    `listing` gives the names in a folder of the disk, so that compiled and ignored modules count as there.
    """

    def read(path: str) -> bytes | None:
        return _document(path, documents, sources)

    graph, dependencies = connected(files, documents, read, environment or Environment(), listing)
    calls = Calls(files, graph.resolver)
    return ProjectView(files, documents, sources, past, python, graph, dependencies, calls)


def _document(path: str, documents: Mapping[str, bytes], sources: Sources) -> bytes | None:
    if path in documents:
        return documents[path]
    source = sources.text(path)
    return None if source is None else source.data
