"""The record of the files that an installation touches: what each held before, and what it held afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TypeVar

from sophia_cli.core.values import dataclass

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TouchedFile:
    """One file of an environment, its path relative to the prefix. `sha` is None where there was none before.

    The old bytes are the member `member` of the zip file `archive`, which lies beside the manifest.
    """

    path: str
    package: str
    sha: str | None
    mode: int
    archive: str
    member: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files that an installation touches. `absent` are folders that were not there, deepest last.

    `sites` are the folders that packages lie in; `stashes` what lay there under a name with `~`, where pip puts what it
    is about to remove.
    """

    prefix: str
    sites: tuple[str, ...]
    absent: tuple[str, ...]
    stashes: tuple[str, ...]
    files: tuple[TouchedFile, ...]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the touched files held once the installation was over: path and SHA-256, None where there is no file."""

    files: tuple[tuple[str, str | None], ...]


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return json.dumps(asdict(manifest), sort_keys=True).encode("ascii")


def decode_manifest(data: bytes) -> Manifest | None:
    """Return the manifest, None when it is none or when a path in it leads out of the environment."""
    try:
        told = _table(json.loads(data))
        manifest = Manifest(
            prefix=_is(told["prefix"], str),
            sites=_paths(told["sites"]),
            absent=_paths(told["absent"]),
            stashes=_paths(told["stashes"]),
            files=tuple(_file(item) for item in _is(told["files"], list)),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return manifest


def encode_aftermath(aftermath: Aftermath) -> bytes:
    """Return what the files held afterwards as JSON."""
    return json.dumps(dict(aftermath.files), sort_keys=True).encode("ascii")


def decode_aftermath(data: bytes) -> Aftermath | None:
    """Return what the files held afterwards, None when it cannot be read."""
    try:
        told = _table(json.loads(data))
        return Aftermath(tuple((path, None if sha is None else _is(sha, str)) for path, sha in told.items()))
    except (ValueError, TypeError):
        return None


def _file(item: object) -> TouchedFile:
    told = _table(item)
    return TouchedFile(
        path=_path(told["path"]),
        package=_is(told["package"], str),
        sha=None if told["sha"] is None else _is(told["sha"], str),
        mode=_is(told["mode"], int),
        archive=_name(told["archive"]),
        member=_is(told["member"], str),
    )


def _table(value: object) -> dict[str, object]:
    return {_is(key, str): inner for key, inner in _is(value, dict).items()}


def _paths(value: object) -> tuple[str, ...]:
    return tuple(_path(item) for item in _is(value, list))


def _path(value: object) -> str:
    path = PurePosixPath(_is(value, str))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("it leads out of the environment")
    return path.as_posix()


def _name(value: object) -> str:
    name = _is(value, str)
    if "/" in name or name.startswith("."):
        raise ValueError("it is no plain name")
    return name


def _is(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value
