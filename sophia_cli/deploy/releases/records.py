"""The records of a release as JSON: small ones for the agent, the long lists in files of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from sophia_cli.core.digests import sha256_hex
from sophia_cli.core.errors import SophiaError
from sophia_cli.deploy.fingerprint import Fingerprint, Pairs, Part
from sophia_cli.deploy.releases.model import (
    PackageLock,
    Release,
    ReleaseContents,
    ReleaseDraft,
    ReleaseFile,
    ReleaseLink,
)
from sophia_cli.deploy.releases.places import CONTENTS_RECORD, FINGERPRINT_RECORD, RELEASE_RECORD, Places, numbers_at
from sophia_cli.project.settings.service_codec import (
    UnreadableValues,
    Values,
    service_from_values,
    service_to_values,
)

FORMAT = 1
_Json: TypeAlias = Mapping[str, object]


class ReleaseMissing(SophiaError):
    """There is no release of that number; `there` are those that there are."""

    def __init__(self, service: str, number: int, there: Sequence[int]) -> None:
        told = ", ".join(map(str, there)) or "none; `sophia deploy` makes one"
        super().__init__(
            "release-missing", f"service `{service}` has no release {number}", hint=f"its releases: {told}"
        )


class ReleaseDamaged(SophiaError):
    """A record or a file of a release cannot be used; the message says which and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            "release-damaged",
            f"`{path}` of a release cannot be used: {reason}",
            hint="deploy the service again; that makes a new release",
            location=str(path),
        )


def encode_release(draft: ReleaseDraft, contents: bytes) -> bytes:
    """Return the small record of a release; `contents` is the long one, which it vouches for."""
    lock = draft.lock
    return _dump(
        {
            "format": FORMAT,
            "service": service_to_values(draft.service),
            "created": draft.created,
            "environment": draft.environment,
            "commit": draft.commit,
            "fingerprint": draft.fingerprint.digest,
            "secrets": _listed(draft.fingerprint.secrets),
            "lock": {
                "python": lock.python,
                "version": lock.version,
                "distributions": _listed(lock.distributions),
                "environment": lock.environment,
            },
            "search_path": list(draft.search_path),
            "contents": sha256_hex(contents),
        }
    )


def encode_contents(contents: ReleaseContents) -> bytes:
    """Return the record of everything in a tree."""
    return _dump(
        {
            "format": FORMAT,
            "files": [[file.path, file.sha256, file.mode, file.size, file.mtime_ns] for file in contents.files],
            "links": [[link.path, link.target, link.outward] for link in contents.links],
            "folders": list(contents.folders),
        }
    )


def encode_fingerprint(fingerprint: Fingerprint) -> bytes:
    """Return the record of a fingerprint."""
    parts: dict[str, Values] = {part.value: _listed(fingerprint.pairs(part)) for part in Part}
    return _dump({"format": FORMAT, **parts})


def numbered(draft: ReleaseDraft, number: int) -> Release:
    """Return the release that a draft has become: what `read_release` returns for its record."""
    return Release(
        service=draft.service,
        number=number,
        created=draft.created,
        environment=draft.environment,
        commit=draft.commit,
        fingerprint=draft.fingerprint.digest,
        secrets=draft.fingerprint.secrets,
        lock=draft.lock,
        search_path=draft.search_path,
    )


def read_release(places: Places, service: str, number: int) -> Release:
    """Return a release by its number; ReleaseMissing, ReleaseDamaged."""
    path = places.release(service, number) / RELEASE_RECORD
    data = _load(path, service, number)
    lock = _object(path, data.get("lock"))
    commit = data.get("commit")
    try:
        found = service_from_values(data.get("service"))
    except UnreadableValues as error:
        raise ReleaseDamaged(path, str(error)) from error
    return Release(
        service=found,
        number=number,
        created=_text(path, data.get("created")),
        environment=_text(path, data.get("environment")),
        commit=None if commit is None else _text(path, commit),
        fingerprint=_text(path, data.get("fingerprint")),
        secrets=_pairs(path, data.get("secrets")),
        lock=PackageLock(
            python=_text(path, lock.get("python")),
            version=_text(path, lock.get("version")),
            distributions=_pairs(path, lock.get("distributions")),
            environment=_text(path, lock.get("environment")),
        ),
        search_path=_texts(path, data.get("search_path")),
    )


def read_contents(places: Places, service: str, number: int) -> ReleaseContents:
    """Return what a release's tree was created with; ReleaseMissing, ReleaseDamaged."""
    small, path = (places.release(service, number) / name for name in (RELEASE_RECORD, CONTENTS_RECORD))
    expected = _load(small, service, number).get("contents")
    raw = _bytes(path, service, number)
    if sha256_hex(raw) != expected:
        raise ReleaseDamaged(path, "it is not what was written when the release was made")
    return decode_contents(path, raw)


def decode_contents(path: Path, raw: bytes) -> ReleaseContents:
    """Return the contents that a record's bytes tell; ReleaseDamaged."""
    data = _parse(path, raw)
    files: list[ReleaseFile] = []
    links: list[ReleaseLink] = []
    for row in _list(path, data.get("files")):
        match row:
            case [str(name), str(sha), int(mode), int(size), int(mtime_ns)]:
                files.append(ReleaseFile(name, sha, mode, size, mtime_ns))
            case _:
                raise ReleaseDamaged(path, "a file is not recorded as expected")
    for row in _list(path, data.get("links")):
        match row:
            case [str(name), str(target), bool(outward)]:
                links.append(ReleaseLink(name, target, outward))
            case _:
                raise ReleaseDamaged(path, "a link is not recorded as expected")
    return ReleaseContents(tuple(files), tuple(links), _texts(path, data.get("folders")))


def read_fingerprint(places: Places, service: str, number: int) -> Fingerprint:
    """Return what a release runs with; ReleaseMissing, ReleaseDamaged."""
    path = places.release(service, number) / FINGERPRINT_RECORD
    data = _load(path, service, number)
    pairs = {part: _pairs(path, data.get(part.value)) for part in Part}
    return Fingerprint(
        code=pairs[Part.CODE],
        data=pairs[Part.DATA],
        settings=pairs[Part.SETTINGS],
        secrets=pairs[Part.SECRETS],
        packages=pairs[Part.PACKAGES],
        python=dict(pairs[Part.PYTHON]).get("", ""),
        environment=dict(pairs[Part.ENVIRONMENT]).get("", ""),
    )


def _dump(values: Mapping[str, Values]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _listed(pairs: Pairs) -> list[Values]:
    return [[name, value] for name, value in pairs]


def _load(path: Path, service: str, number: int) -> _Json:
    data = _parse(path, _bytes(path, service, number))
    if data.get("format") != FORMAT:
        raise ReleaseDamaged(path, f"it has format {data.get('format')!r}, and this version reads format {FORMAT}")
    return data


def _bytes(path: Path, service: str, number: int) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if not path.parent.is_dir():
            raise ReleaseMissing(service, number, numbers_at(path.parent.parent)) from error
        raise ReleaseDamaged(path, "it is gone") from error
    except OSError as error:
        raise ReleaseDamaged(path, error.strerror or str(error)) from error


def _parse(path: Path, raw: bytes) -> _Json:
    try:
        return _object(path, json.loads(raw))
    except ValueError as error:
        raise ReleaseDamaged(path, "it is no JSON") from error


def _object(path: Path, value: object) -> _Json:
    if not isinstance(value, dict):
        raise ReleaseDamaged(path, "an object is missing in it")
    return value


def _list(path: Path, value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ReleaseDamaged(path, "a list is missing in it")
    return value


def _text(path: Path, value: object) -> str:
    if not isinstance(value, str):
        raise ReleaseDamaged(path, "a text is missing in it")
    return value


def _texts(path: Path, value: object) -> tuple[str, ...]:
    return tuple(_text(path, item) for item in _list(path, value))


def _pairs(path: Path, value: object) -> Pairs:
    found: list[tuple[str, str]] = []
    for row in _list(path, value):
        match row:
            case [str(name), str(text)]:
                found.append((name, text))
            case _:
                raise ReleaseDamaged(path, "a name and its value are not recorded as expected")
    return tuple(found)
