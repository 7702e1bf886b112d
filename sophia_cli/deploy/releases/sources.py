"""What a release is copied from: the project's files with their content hashes, and where its links may lead."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from itertools import groupby
from pathlib import Path

from sophia_cli.core.digests import sha256_hex
from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.releases.model import ReleaseFile, ReleaseLink
from sophia_cli.project.files.working_tree import FoundFile, FoundLink, WorkingTree, read_working_tree
from sophia_cli.project.inside import FileRefused, Folder, split_path

LARGEST_COPY = 64 * 1024 * 1024
"""Bytes up to which a file is copied; a larger one is linked to, and named."""
LARGEST_RELEASE = 4 * 1024 * 1024 * 1024
_NAMED = 3


class Left(Enum):
    """Why something is linked to and not copied."""

    PERSIST = "persist"
    TOO_LARGE = "too-large"
    INSTALLED = "installed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class LinkedOut:
    """A path that every release shares with the project: it is a link there, so changes show in releases at once."""

    path: str
    why: Left


@dataclass(frozen=True, slots=True)
class Sources:
    """The project's files at one moment, ready to become releases of any of its services.

    `links` are those of the copy already: where they lead within the copy, or (`outward`) back to the project.
    """

    root: Path
    files: tuple[ReleaseFile, ...]
    links: tuple[ReleaseLink, ...]
    folders: tuple[str, ...]
    linked_out: tuple[LinkedOut, ...]
    persist: tuple[str, ...]

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of every file by path."""
        return {file.path: file.sha256 for file in self.files}


def read_sources(
    root: Path,
    *,
    persist: Collection[str] = (),
    also: Collection[str] = (),
    patterns: Sequence[str] = (),
    largest_copy: int = LARGEST_COPY,
    largest_release: int = LARGEST_RELEASE,
) -> Sources:
    """Read what releases are made of: all files that git tracks or does not ignore.

    `persist` are the paths that services keep their data in; nothing below them is copied. `also` are files, and
    `patterns` patterns of files, that are taken although they are ignored. UsageError when a link leads out of the
    project (`release-link-outside`) and when there is far too much to copy (`release-too-large`).
    """
    tree = read_working_tree(root, also, patterns)
    kept = _outermost(persist)
    files = [file for file in tree.files if not _is_in(file.path, kept)]
    large = {file.path for file in files if file.size > largest_copy}
    small = [file for file in files if file.path not in large]
    _check_size(small, largest_release)
    read = tuple(sorted(_read(tree.root, small), key=lambda file: file.path))
    outward = [
        *(LinkedOut(path, Left.PERSIST) for path in kept),
        *(LinkedOut(path, Left.TOO_LARGE) for path in sorted(large)),
        *(LinkedOut(path, Left.INSTALLED) for path in tree.installed if not _is_in(path, kept)),
    ]
    paths = [*(file.path for file in read), *(link.path for link in tree.links), *(out.path for out in outward)]
    held = _with_folders([*paths, *tree.folders])
    links: list[ReleaseLink] = [_outward(out.path, out.path) for out in outward]
    for link in tree.links:
        if _is_in(link.path, kept):
            continue
        placed = _placed(tree, link, held)
        if placed is not None:
            links.append(placed)
            if placed.outward:
                outward.append(LinkedOut(link.path, Left.IGNORED))
    return Sources(
        root=tree.root,
        files=read,
        links=tuple(sorted(links, key=lambda link: link.path)),
        folders=tuple(folder for folder in tree.folders if not _is_in(folder, kept)),
        linked_out=tuple(sorted(outward, key=lambda out: out.path)),
        persist=kept,
    )


def _read(root: Path, files: Sequence[FoundFile]) -> Iterator[ReleaseFile]:
    """Read files folder by folder, no link followed; what is gone meanwhile is passed over."""
    ordered = sorted(files, key=lambda file: split_path(file.path))
    for parts, group in groupby(ordered, key=lambda file: split_path(file.path)[0]):
        try:
            folder = Folder(root, parts, "/".join(parts))
        except FileRefused:
            continue
        try:
            for file in group:
                try:
                    found = folder.read(split_path(file.path)[1])
                except FileRefused:
                    continue
                sha = sha256_hex(found.data)
                facts = found.facts
                yield ReleaseFile(file.path, sha, facts.mode, len(found.data), facts.identity.modified_ns)
        finally:
            folder.close()


def _placed(tree: WorkingTree, link: FoundLink, held: Collection[str]) -> ReleaseLink | None:
    """Return the link that stands for one of the project's in a copy, None for one that no program needs.

    Within the copy it leads to the copy; where its target is not copied, back to the project. UsageError
    (`release-link-outside`) when it leads to something outside.
    """
    base, name = posixpath.split(link.path)
    if not posixpath.isabs(link.target):
        near = posixpath.normpath(posixpath.join(base, link.target))
        if near in held:
            return ReleaseLink(link.path, link.target)
    real = os.path.realpath(tree.root / link.path)
    inside = posixpath.normpath(os.path.relpath(real, tree.root).replace(os.sep, "/"))
    leads_out = inside == ".." or inside.startswith("../")
    if not leads_out and inside in held:
        return ReleaseLink(link.path, posixpath.relpath(inside, base or "."))
    if not os.path.exists(real) or _is_environment(real):
        # A broken link, an editor's lock, the environment of a service: the copy is as good without.
        return None
    if not leads_out or name == "node_modules":
        return _outward(link.path, inside if not leads_out else link.path)
    raise UsageError(
        "release-link-outside",
        f"`{link.path}` leads out of the project, to `{real}`; a release could not be kept as it is",
        hint=f"add `{link.path}` to `persist` of the service if it is data, or to `.gitignore` if nothing needs it",
        location=link.path,
    )


def _outward(path: str, target: str) -> ReleaseLink:
    """Return the link at `path` of a copy that leads to `target` in the project."""
    # From tree/ up: the number, the service, releases/, .sophia/, the project.
    up = "../" * (5 + path.count("/"))
    return ReleaseLink(path, up + target, outward=True)


def _is_environment(real: str) -> bool:
    return any(os.path.exists(os.path.join(real, mark)) for mark in ("pyvenv.cfg", "conda-meta"))


def _with_folders(paths: Collection[str]) -> frozenset[str]:
    """Return paths with all folders above them, the project root being `.`."""
    found = {"."}
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return frozenset(found)


def _outermost(persist: Collection[str]) -> tuple[str, ...]:
    """Return the persisted paths, normal and sorted, without those that lie in another one."""
    normal = sorted({posixpath.normpath(path) for path in persist} - {"."})
    return tuple(path for path in normal if not any(path.startswith(other + "/") for other in normal))


def _is_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _check_size(files: Sequence[FoundFile], largest: int) -> None:
    total = sum(file.size for file in files)
    if total <= largest:
        return
    by_folder: dict[str, int] = {}
    for file in files:
        top = file.path.partition("/")[0]
        by_folder[top] = by_folder.get(top, 0) + file.size
    biggest = sorted(by_folder, key=lambda top: -by_folder[top])[:_NAMED]
    told = ", ".join(f"`{top}` ({by_folder[top] >> 20} MiB)" for top in biggest)
    raise UsageError(
        "release-too-large",
        f"a release would copy {total >> 20} MiB; most of it is in {told}",
        hint="add what no service needs to `.gitignore`, and data to `persist` of the service that writes it",
    )
