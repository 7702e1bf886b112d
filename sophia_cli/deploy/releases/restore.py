"""Bringing a release's tree back to what was created, from the store that no instance sees."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from sophia_cli.deploy.releases.compare import compare
from sophia_cli.deploy.releases.model import ReleaseFile, ReleaseLink, TreeDifferences
from sophia_cli.deploy.releases.objects import ObjectStore
from sophia_cli.deploy.releases.places import EDITED, TEMPORARY, TREE, Places, numbers_in
from sophia_cli.deploy.releases.records import ReleaseDamaged, read_contents
from sophia_cli.deploy.releases.tree_file import write_tree_file
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.runs.atomic import WriteFailed

_RESTORED = f"restored{TEMPORARY}"


def restore(places: Places, service: str, number: int) -> TreeDifferences:
    """Restore what was edited or removed and return what differed; `ReleaseStore.restore` tells what is raised.

    Each file is replaced whole, so an instance that reads meanwhile sees the old text or the right one. Other releases
    that share the edited file get the right one, too.
    """
    found = compare(places, service, number)
    if found.is_intact:
        return found
    contents = read_contents(places, service, number)
    files = {file.path: file for file in contents.files}
    links = {link.path: link for link in contents.links}
    objects = ObjectStore(places.objects)
    data = {item.path: _content(objects, files[item.path]) for item in found.edited if item.path in files}
    release = places.release(service, number)
    try:
        for item in found.edited:
            _clear_way(release, item.path)
            if item.path in links:
                _restore_link(release, links[item.path])
            else:
                sharing = _sharing(places, release, item.path)
                _restore_file(release, files[item.path], data[item.path])
                for other in sharing:
                    _restore_shared(release, other, item.path)
            failpoint(ReleaseFailpoint.TREE_FILE_RESTORED)
    except OSError as error:
        raise WriteFailed(error.filename or str(release), error) from error
    return found


def _content(objects: ObjectStore, file: ReleaseFile) -> bytes:
    data = objects.read(file.sha256)
    if data is None:
        raise ReleaseDamaged(objects.folder / file.sha256, f"the content of `{file.path}` is gone from the store")
    return data


def _clear_way(release: Path, path: str) -> None:
    """Make the folders above a path real ones, and keep what is at the path itself, or in its way, beside the tree."""
    tree = release / TREE
    parts = path.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        if not _is_folder(tree / above):
            _set_aside(release, above)
            os.mkdir(tree / above, 0o755)
    if _is_folder(tree / path):
        _set_aside(release, path)


def _restore_file(release: Path, file: ReleaseFile, data: bytes) -> None:
    place, temporary = release / TREE / file.path, release / _RESTORED
    _keep_edited(release, file.path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    write_tree_file(temporary, data, file, sync=True)
    os.rename(temporary, place)
    _drop_bytecode(place)


def _sharing(places: Places, release: Path, path: str) -> list[Path]:
    """Return the other releases whose file at a path is the very one of this release, by a hard link."""
    edited = _identity(release / TREE / path)
    if edited is None:
        return []
    folders = (
        places.release(service, number) for service in places.services() for number in numbers_in(places, service)
    )
    return [folder for folder in folders if folder != release and _identity(folder / TREE / path) == edited]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _restore_shared(release: Path, other: Path, path: str) -> None:
    """Give another release the restored file in place of the edited one that it shared; it was created equal."""
    temporary = other / _RESTORED
    # A release that is pruned meanwhile needs nothing any more.
    with contextlib.suppress(FileNotFoundError):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.link(release / TREE / path, temporary, follow_symlinks=False)
        os.rename(temporary, other / TREE / path)
        _drop_bytecode(other / TREE / path)


def _restore_link(release: Path, link: ReleaseLink) -> None:
    place, temporary = release / TREE / link.path, release / _RESTORED
    if os.path.lexists(place):
        _set_aside(release, link.path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(link.target, temporary)
    os.rename(temporary, place)


def _keep_edited(release: Path, path: str) -> None:
    """Keep what somebody wrote, beside the tree, while it still stands in its place."""
    place, kept = release / TREE / path, release / EDITED / path
    if not os.path.lexists(place):
        return
    _make_room(release, path)
    os.link(place, kept, follow_symlinks=False)
    failpoint(ReleaseFailpoint.EDITED_KEPT)


def _set_aside(release: Path, path: str) -> None:
    place = release / TREE / path
    if os.path.lexists(place):
        _make_room(release, path)
        os.rename(place, release / EDITED / path)
        failpoint(ReleaseFailpoint.EDITED_KEPT)


def _make_room(release: Path, path: str) -> None:
    """Make the folder for something that is kept; what was kept there before gets out of the way."""
    kept = release / EDITED / path
    parts = path.split("/")
    for depth in range(len(parts)):
        folder = (release / EDITED).joinpath(*parts[:depth])
        if os.path.lexists(folder) and not _is_folder(folder):
            os.rename(folder, _free_name(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    if os.path.lexists(kept):
        os.rename(kept, _free_name(kept))


def _free_name(path: Path) -> Path:
    number = 1
    while os.path.lexists(path.with_name(f"{path.name}.{number}")):
        number += 1
    return path.with_name(f"{path.name}.{number}")


def _drop_bytecode(place: Path) -> None:
    """Remove the bytecode of a module: where the edit has its second and size, Python would go on believing it."""
    folder = place.parent / "__pycache__"
    if place.suffix != ".py" or not _is_folder(folder):
        return
    for name in os.listdir(folder):
        if name.startswith(f"{place.stem}.") and name.endswith(".pyc"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(folder / name)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
