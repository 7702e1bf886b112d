"""What a journal says: one record a step of a run, as values and as checksummed lines of JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeVar

from sophia_cli.core.values import dataclass

_CHECK_LENGTH = 16
ABSENT = ""
"""Stands where a SHA-256 is expected and says: there is no such file."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was not restored, and why; the path is relative to the project root."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A run starts. `number` counts the project's runs, `stamp` is UTC in ISO 8601."""

    run: str
    number: int
    command: str
    pid: int
    version: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Backup:
    """The bytes with this SHA-256 are safe in the backups; they were in `path`, which had these permission bits.

    ABSENT for a file that the run creates: there was nothing to keep.
    """

    path: str
    sha: str
    mode: int


@dataclass(frozen=True, slots=True)
class Intend:
    """File number `number` of the run is about to be replaced, or created (`before` is ABSENT): SHA-256 of both."""

    number: int
    path: str
    before: str
    after: str
    mode: int


@dataclass(frozen=True, slots=True)
class Folders:
    """These folders, which are not there, are about to be made for files that the run creates; outer ones first."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The file now holds `sha`."""

    path: str
    sha: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The file holds `sha` again, as before a change of this same run."""

    path: str
    sha: str


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package of the project's environment: its version before and after, empty where it is not installed."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages of the environment are about to change; `manifest` is the SHA-256 of the record of their files.

    Written twice, so that one damaged line does not lose the way back.
    """

    manifest: str
    changes: tuple[PackageChange, ...]


@dataclass(frozen=True, slots=True)
class PackagesDone:
    """They have changed; `aftermath` is the SHA-256 of the record of what their files hold now."""

    aftermath: str


@dataclass(frozen=True, slots=True)
class PackagesTakenBack:
    """They are as before again, as if this same run had not changed them."""

    manifest: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The run stands."""

    stamp: str
    summary: str


@dataclass(frozen=True, slots=True)
class Abort:
    """The run was taken back, except for the files in `kept`."""

    stamp: str
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class UndoBegin:
    """These files of a committed run are about to get their old bytes."""

    stamp: str
    pid: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """An undo is over: which files have their old bytes, which were kept, and which packages are as before."""

    stamp: str
    restored: tuple[str, ...]
    kept: tuple[Kept, ...]
    packages: tuple[str, ...] = ()


Record = (
    Begin
    | Backup
    | Intend
    | Folders
    | Done
    | TakenBack
    | Packages
    | PackagesDone
    | PackagesTakenBack
    | Commit
    | Abort
    | UndoBegin
    | Undone
)

_KIND_OF: Mapping[type[Record], str] = {
    Begin: "begin",
    Backup: "backup",
    Intend: "intend",
    Folders: "folders",
    Done: "done",
    TakenBack: "taken-back",
    Packages: "packages",
    PackagesDone: "packages-done",
    PackagesTakenBack: "packages-taken-back",
    Commit: "commit",
    Abort: "abort",
    UndoBegin: "undo-begin",
    Undone: "undone",
}


def ends_a_run(record: Record) -> bool:
    """Whether nothing remains to be done when a journal's last record is this one."""
    return isinstance(record, Commit | Abort | Undone)


def encode(record: Record, sequence: int) -> bytes:
    """Return the record as one line; `sequence` is its place in the journal, from 0, so a lost line shows."""
    body = {"n": sequence, "kind": _KIND_OF[type(record)], **asdict(record)}
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    return f'{{"check":"{_check(text)}","record":{text}}}\n'.encode("ascii")


def decode(line: bytes) -> tuple[int, Record] | None:
    """Return a line's place and record, or None when the line is damaged in any way."""
    head, tail = b'{"check":"', b'","record":'
    start = len(head) + _CHECK_LENGTH + len(tail)
    if not (line.startswith(head) and line.endswith(b"}") and line[len(head) + _CHECK_LENGTH :].startswith(tail)):
        return None
    try:
        text = line[start:-1].decode("ascii")
        if line[len(head) : len(head) + _CHECK_LENGTH].decode("ascii") != _check(text):
            return None
        fields = _Fields(json.loads(text))
        return fields.number("n"), _record(fields)
    except (ValueError, KeyError, TypeError):
        return None


def _check(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_CHECK_LENGTH]


class _Fields:
    """Typed access to one parsed record; TypeError or KeyError when it is not what it should be."""

    __slots__ = ("_body",)

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body

    def text(self, name: str) -> str:
        return _expect(self._body[name], str)

    def number(self, name: str) -> int:
        return _expect(self._body[name], int)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_expect(item, str) for item in _expect(self._body[name], list))

    def has(self, name: str) -> bool:
        return name in self._body

    def changes(self, name: str) -> tuple[PackageChange, ...]:
        items = [_Fields(_expect(item, dict)) for item in _expect(self._body[name], list)]
        return tuple(PackageChange(item.text("name"), item.text("before"), item.text("after")) for item in items)

    def kept(self, name: str) -> tuple[Kept, ...]:
        items = [_Fields(_expect(item, dict)) for item in _expect(self._body[name], list)]
        return tuple(Kept(item.text("path"), item.text("reason")) for item in items)


def _expect(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value


def _record(f: _Fields) -> Record:
    match f.text("kind"):
        case "begin":
            run, command, version, stamp = (f.text(name) for name in ("run", "command", "version", "stamp"))
            return Begin(run, f.number("number"), command, f.number("pid"), version, stamp)
        case "backup":
            return Backup(f.text("path"), f.text("sha"), f.number("mode"))
        case "intend":
            return Intend(f.number("number"), f.text("path"), f.text("before"), f.text("after"), f.number("mode"))
        case "folders":
            return Folders(f.texts("paths"))
        case "done":
            return Done(f.text("path"), f.text("sha"))
        case "taken-back":
            return TakenBack(f.text("path"), f.text("sha"))
        case "packages":
            return Packages(f.text("manifest"), f.changes("changes"))
        case "packages-done":
            return PackagesDone(f.text("aftermath"))
        case "packages-taken-back":
            return PackagesTakenBack(f.text("manifest"))
        case "commit":
            return Commit(f.text("stamp"), f.text("summary"))
        case "abort":
            return Abort(f.text("stamp"), f.kept("kept"))
        case "undo-begin":
            return UndoBegin(f.text("stamp"), f.number("pid"), f.texts("paths"))
        case "undone":
            packages = f.texts("packages") if f.has("packages") else ()
            return Undone(f.text("stamp"), f.texts("restored"), f.kept("kept"), packages)
        case kind:
            raise ValueError(f"unknown kind {kind}")
