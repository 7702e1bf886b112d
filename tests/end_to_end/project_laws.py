"""What must hold of every project, whatever happened to it: each law runs the real command line."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUG = 70
LIMIT_S = 300.0
FOREIGN = {".git", ".sophia"}
Tree = dict[str, tuple[str, int, bytes]]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and the document that it wrote."""

    code: int
    document: Any

    @property
    def changed(self) -> set[str]:
        """The files that a fix lists."""
        return {change["path"] for change in self.document["changes"]}


def sophia(root: Path, *words: str) -> Ended:
    """Run a command to its end; a bug in Sophia fails the test."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SOPHIA_")}
    done = subprocess.run(
        [sys.executable, "-m", "sophia_cli", *words, "--json"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode in (0, 1), f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert "Traceback" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    failed = [f for f in document.get("findings", ()) if f["name"] == "analysis-failed"]
    assert failed == [], f"{words}: a rule failed"
    return Ended(done.returncode, document)


def picture(root: Path) -> Tree:
    """Return every file, folder and link below `root` with kind, mode and bytes, except what git and Sophia keep."""
    tree: Tree = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in FOREIGN]
        for name in (*folders, *files):
            path = Path(folder, name)
            facts = path.lstat()
            mode = stat.S_IMODE(facts.st_mode)
            relative = path.relative_to(root).as_posix()
            if stat.S_ISLNK(facts.st_mode):
                tree[relative] = ("link", 0, os.fsencode(os.readlink(path)))
            elif stat.S_ISDIR(facts.st_mode):
                tree[relative] = ("folder", mode, b"")
            else:
                tree[relative] = ("file", mode, _bytes_of(path))
    return tree


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        return b"(unreadable)"


def differences(before: Tree, after: Tree) -> set[str]:
    """Return the paths of files that came, went or changed."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path for path in paths if (after.get(path) or before[path])[0] != "folder"}


def compiles(data: bytes) -> bool:
    """Say whether Python takes these bytes as a module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, "a.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _parsing(tree: Tree) -> set[str]:
    return {path for path, (kind, _, data) in tree.items() if kind == "file" and path[-3:] == ".py" and compiles(data)}


def _said(ended: Ended) -> Any:
    return {key: value for key, value in ended.document.items() if key != "duration_s"}


def check_scans(root: Path) -> Ended:
    """Cold and warm scans say the same and write nothing; a scan of a part is a part of the scan of the whole."""
    before = picture(root)
    shutil.rmtree(root / ".sophia", ignore_errors=True)
    cold = sophia(root, "scan")
    warm = sophia(root, "scan")
    assert _said(cold) == _said(warm), "a warm scan says something else"
    assert picture(root) == before, "a scan wrote into the project"
    for part in sorted(path.name for path in root.iterdir() if path.is_dir() and path.name not in FOREIGN)[:3]:
        here = sophia(root, "scan", part)
        assert list(_of_project(here)) == [f for f in _of_project(cold) if f["path"].startswith(f"{part}/")], part
    return cold


def _of_project(ended: Ended) -> Iterator[Any]:
    return (finding for finding in ended.document["findings"] if finding["rule"] >= "SPH2")


def check_fixes(root: Path) -> None:
    """Safe fixes, then the others: each does what its dry run promised, harms nothing, settles; undo is exact."""
    pictures = [picture(root)]
    runs: list[str] = []
    for words in (("fix",), ("fix", "--unsafe")):
        run = _check_fix(root, words)
        if run is not None:
            runs.append(run)
            pictures.append(picture(root))
    for run in reversed(runs):
        assert picture(root) == pictures.pop()
        assert sophia(root, "undo", run).code == 0
    assert picture(root) == pictures.pop(), "undo is not exact"


def _check_fix(root: Path, words: tuple[str, ...]) -> str | None:
    before = picture(root)
    found = sophia(root, "scan")
    promised = sophia(root, *words, "--dry-run")
    assert picture(root) == before, "a dry run wrote into the project"
    done = sophia(root, *words)
    after = picture(root)
    assert differences(before, after) == done.changed, f"{words} changed other files than it lists"
    assert all(before[path][:2] == after[path][:2] for path in done.changed if path in before), "a mode was lost"
    assert _plan(promised) == _plan(done), f"{words} did something else than its dry run promised"
    assert done.document["settled"], f"{words} did not settle"
    assert _parsing(before) <= _parsing(after), f"{words} broke {_parsing(before) - _parsing(after)}"
    left = sophia(root, "scan")
    _check_no_worse(before, found, done, left)
    _check_report(done, left)
    again = sophia(root, *words)
    assert (again.changed, again.document["run_id"]) == (set(), None), f"{words} changes more when run again"
    assert picture(root) == after
    run_id = done.document["run_id"]
    assert (run_id is None) == (not done.changed)
    return None if run_id is None else str(run_id)


def _plan(ended: Ended) -> tuple[Any, Any]:
    return ended.document["changes"], ended.document["steps"]


def _check_no_worse(before: Tree, found: Ended, done: Ended, left: Ended) -> None:
    parsed = _parsing(before)
    counted = [
        Counter(f["name"] for f in ended.document["findings"] if f["path"] in parsed and not f["revealed"])
        for ended in (found, left)
    ]
    revealed = Counter(f["name"] for f in done.document["findings"] if f["path"] in parsed and f["revealed"])
    worse = counted[1] - counted[0] - revealed
    assert not worse, f"worse after the fix: {worse}"


def _check_report(done: Ended, left: Ended) -> None:
    """What a fix says remains is what a scan finds."""
    remains = Counter((f["path"], f["name"]) for f in done.document["findings"] if not f["applied"])
    finds = Counter((f["path"], f["name"]) for f in left.document["findings"])
    assert done.document["summary"]["remaining"] == left.document["summary"]["findings"], (
        remains - finds,
        finds - remains,
    )
