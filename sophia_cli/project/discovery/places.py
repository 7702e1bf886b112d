"""The files of a repository by their paths: what a module, a script or a path of an image means in it."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator

from sophia_cli.project.discovery.documents.server_files import ServerFile


class Places:
    """An index of all files. Paths are relative to the root, with `/`; folders are `""` for the root.

    `commands` are the files behind the commands that the project's own packages install, `said` is what files say to
    servers.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.files = frozenset(paths)
        self.commands: dict[str, tuple[str, ...]] = {}
        self.said: dict[str, ServerFile] = {}
        self._named: dict[str, list[str]] = defaultdict(list)
        folders: set[str] = {""}
        for path in sorted(self.files):
            self._named[path.rpartition("/")[2]].append(path)
            folder = path.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        self.folders = frozenset(folders)

    def modules(self, dotted: str, folder: str) -> tuple[str, ...]:
        """Return the files that a module may be, seen from a folder: the nearest place upwards that has it.

        A package gives its `__main__` where it has one, then its `__init__`.
        """
        below = dotted.replace(".", "/").replace("-", "_")
        for place in (*upwards(folder), *(f"{base}/src" if base else "src" for base in upwards(folder))):
            found = self._at(posixpath.join(place, below))
            if found:
                return found
        return self._ending_in(below)

    def imported(self, dotted: str, level: int, folder: str) -> tuple[str, ...]:
        """Return the files that an import in a file of this folder leads to."""
        if level:
            base = folder
            for _ in range(level - 1):
                base = base.rpartition("/")[0]
            return self._at(posixpath.join(base, dotted.replace(".", "/")))
        return self.modules(dotted, folder)

    def script(self, written: str, folder: str) -> str | None:
        """Return the file that a path means: from the folder, from above, or below a dropped beginning (`/app/`)."""
        parts = [part for part in posixpath.normpath(written).split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            joined = posixpath.normpath(posixpath.join(folder, written))
            return joined if joined in self.files else None
        is_absolute = written.startswith(("/", "$"))
        for start in range(len(parts) if is_absolute else 1):
            tail = "/".join(parts[start:])
            for place in upwards(folder):
                path = posixpath.join(place, tail)
                if path in self.files:
                    return path
        named = self._named.get(parts[-1], [])
        return named[0] if len(named) == 1 and is_absolute else None

    def _at(self, base: str) -> tuple[str, ...]:
        names = (f"{base}.py", f"{base}/__main__.py", f"{base}/__init__.py")
        return tuple(name for name in names if name in self.files)

    def _ending_in(self, below: str) -> tuple[str, ...]:
        """Return the only file whose path ends like this, whatever it lies below; an image renames folders."""
        parts = below.split("/")
        for start in range(len(parts)):
            tail = "/".join(parts[start:]) + ".py"
            ending = [path for path in self._named.get(f"{parts[-1]}.py", ()) if _ends(path, tail)]
            if len(ending) == 1 and (len(parts) - start > 1 or len(parts) == 1):
                return (ending[0],)
        return ()


def upwards(folder: str) -> Iterator[str]:
    """Yield a folder and those above it, the root last."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _ends(path: str, tail: str) -> bool:
    """Whether a path ends with a tail, `-` and `_` in folders being the same."""
    plain, wanted = path.replace("-", "_"), tail.replace("-", "_")
    return plain == wanted or plain.endswith("/" + wanted)
