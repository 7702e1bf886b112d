"""Objects of a repository by id, through one `git cat-file --batch` for all of them."""

from __future__ import annotations

from collections.abc import Collection

from sophia_cli.project.history.quarantine import GitFailed, Pipe

CAT_FILE = ("cat-file", "--batch")
_TREE_MODE = b"40000"


class Objects:
    """Reads objects and counts their bytes."""

    def __init__(self, pipe: Pipe, largest: int) -> None:
        self._pipe = pipe
        self._largest = largest
        self.bytes_read = 0

    def read(self, object_id: str) -> bytes | None:
        """Return an object's content; None when it is missing here or larger than allowed."""
        self._pipe.send(f"{object_id}\n".encode("ascii"))
        header = self._pipe.read_until(b"\n")
        if header is None:
            raise GitFailed(self._pipe.complaint())
        fields = header.split(b" ")
        if len(fields) != 3 or not fields[2].isdigit():
            return None
        size = int(fields[2])
        self.bytes_read += size
        content: bytes | None = None
        if size > self._largest:
            self._pipe.skip(size)
        else:
            content = self._pipe.read_exactly(size)
        self._pipe.skip(1)
        return content

    def summary(self, commit: str) -> str:
        """Return a commit's title, empty when it cannot be read."""
        _, _, message = (self.read(commit) or b"").partition(b"\n\n")
        return message.strip().split(b"\n", 1)[0].decode("utf-8", "replace")

    def blobs_at(self, commit: str, paths: Collection[bytes]) -> dict[bytes, str]:
        """Return the object ids of the regular files among `paths` in a commit; only their folders are opened."""
        tree = (self.read(commit) or b"").split(b"\n", 1)[0].removeprefix(b"tree ").decode("ascii", "replace")
        width = len(commit) // 2
        folders = {b"": self._entries(tree, width)}
        found = {}
        for path in paths:
            *parents, name = path.split(b"/")
            folder = b""
            for parent in parents:
                entries = folders[folder]
                folder = folder + b"/" + parent
                if folder not in folders:
                    mode, tree = entries.get(parent, (b"", ""))
                    folders[folder] = self._entries(tree, width) if mode == _TREE_MODE else {}
            mode, blob = folders[folder].get(name, (b"", ""))
            if mode.startswith(b"100"):
                found[path] = blob
        return found

    def _entries(self, tree: str, width: int) -> dict[bytes, tuple[bytes, str]]:
        data = self.read(tree) or b""
        entries = {}
        position = 0
        while position < len(data):
            end = data.find(b"\0", position)
            if end < 0:
                break
            mode, _, name = data[position:end].partition(b" ")
            position = end + 1 + width
            entries[name] = (mode, data[end + 1 : position].hex())
        return entries
