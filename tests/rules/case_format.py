"""Reads `cases.md`; the format is described in README.md beside this file."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sophia_cli.core.findings import Finding
from sophia_cli.fixers.analysis import AnalysisContext
from sophia_cli.fixers.view import Obstacle
from sophia_cli.project.history.model import EarlierText, GoodVersion, Move

_FENCE = re.compile(r"^(`{3,}|~{3,})(.*)$")
_REPEAT = re.compile(r"@repeat (\d+) (.*)$")
_FINDING = re.compile(r"(SPH\d{3}) (\S+):(\d+):(\d+) (safe|unsafe|manual|none)$")
_DEFAULT_MODE = 0o644


class CaseError(Exception):
    """A cases file is not written as the README says; the text names the place."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a case; with an `obstacle` nobody sees its content."""

    path: str
    data: bytes
    mode: int = _DEFAULT_MODE
    obstacle: Obstacle | None = None
    reason: str = ""


@dataclass(frozen=True, order=True, slots=True)
class Expected:
    """One finding: where it is and how safe its fix is, `none` when it has none."""

    path: str
    line: int
    column: int
    rule: str
    safety: str

    @classmethod
    def of(cls, finding: Finding) -> Expected:
        """Return what a case says about this finding."""
        safety = finding.fix.safety.value if finding.fix is not None else "none"
        return cls(finding.path, finding.region.line, finding.region.column, finding.rule, safety)


@dataclass(frozen=True, slots=True)
class CasePast:
    """What a case says that the repository remembers: moves, removed files, earlier versions newest first."""

    moves: Mapping[str, str]
    removals: frozenset[str]
    versions: Mapping[str, tuple[str, ...]]

    def moved(self, path: str) -> Move | None:
        return Move(self.moves[path], "3" * 40) if path in self.moves else None

    def removed(self, path: str) -> str | None:
        return "4" * 40 if path in self.removals else None

    def earlier(self, path: str) -> tuple[EarlierText, ...]:
        return tuple(EarlierText("5" * 40, text) for text in self.versions.get(path, ()))

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Everything is read already."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: files in, findings and files out."""

    rule: str
    title: str
    files: tuple[InputFile, ...]
    findings: tuple[Expected, ...]
    fixed: dict[str, bytes]
    fixed_unsafe: dict[str, bytes]
    contexts: dict[str, AnalysisContext]
    past: CasePast

    @property
    def python(self) -> tuple[int, int]:
        """The project's version of Python."""
        return next(context.python for context in self.contexts.values())

    def context_of(self, path: str) -> AnalysisContext:
        """Return what the analysis knows about one file."""
        return self.contexts[path]


@dataclass(slots=True)
class _Draft:
    """A case while it is read."""

    title: str
    place: str
    files: list[InputFile] = field(default_factory=list)
    findings: tuple[Expected, ...] | None = None
    fixed: dict[str, bytes] = field(default_factory=dict)
    fixed_unsafe: dict[str, bytes] = field(default_factory=dict)
    good: dict[str, GoodVersion] = field(default_factory=dict)
    earlier: dict[str, tuple[str, ...]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    context: AnalysisContext = field(default_factory=lambda: AnalysisContext(python=(3, 11)))


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block: the words of its first line, its lines, and where it stands."""

    words: tuple[str, ...]
    lines: tuple[str, ...]
    place: str


def read_cases(path: Path) -> list[Case]:
    """Return the cases of one file; raises CaseError when it is not written as the README says."""
    drafts: list[_Draft] = []
    for item in _items(path):
        if isinstance(item, _Draft):
            drafts.append(item)
        elif not drafts:
            raise CaseError(f"{item.place}: a block before the first heading of the second level")
        else:
            _take(drafts[-1], item)
    cases = [_finished(draft, path.parent.name) for draft in drafts]
    titles = [case.title for case in cases]
    if not cases or len(set(titles)) != len(titles):
        raise CaseError(f"{path}: no cases, or two with one title")
    return cases


def _items(path: Path) -> Iterator[_Draft | _Block]:
    fence, words, content, begin = "", (), list[str](), 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        match = _FENCE.match(line)
        if fence:
            if match and match[1].startswith(fence) and not match[2].strip():
                yield _Block(tuple(words), tuple(content), f"{path}:{begin}")
                fence = ""
            else:
                content.append(line)
        elif match:
            fence, words, content, begin = match[1], tuple(match[2].split()), [], number
            if not words:
                raise CaseError(f"{path}:{number}: a block that does not say what it is")
        elif line.startswith("## "):
            yield _Draft(line[3:].strip(), f"{path}:{number}")
    if fence:
        raise CaseError(f"{path}:{begin}: a block that is not closed")


def _take(draft: _Draft, block: _Block) -> None:
    kind, *rest = block.words
    if kind == "findings":
        if draft.findings is not None:
            raise CaseError(f"{block.place}: a second block of findings in one case")
        draft.findings = tuple(sorted(_finding(line, block) for line in block.lines if line.strip()))
    elif kind == "context":
        _take_context(draft, block)
    elif kind == "obstacle":
        if len(rest) < 2:
            raise CaseError(f"{block.place}: an obstacle needs a path and a kind")
        draft.files.append(InputFile(rest[0], b"", obstacle=Obstacle(rest[1]), reason=" ".join(rest[2:])))
    elif rest:
        _take_file(draft, block, rest[0], rest[1:])
    else:
        raise CaseError(f"{block.place}: a file block needs a path")


def _take_file(draft: _Draft, block: _Block, path: str, words: list[str]) -> None:
    data = _escaped(block) if "escaped" in words else "".join(line + "\n" for line in block.lines).encode()
    modes = [int(word[5:], 8) for word in words if word.startswith("mode=")]
    roles = [word for word in words if word != "escaped" and not word.startswith("mode=")]
    match roles:
        case []:
            draft.files.append(InputFile(path, data, modes[0] if modes else _DEFAULT_MODE))
        case ["fixed"]:
            draft.fixed[path] = data
        case ["fixed-unsafe"]:
            draft.fixed_unsafe[path] = data
        case ["earlier"]:
            draft.earlier[path] = (*draft.earlier.get(path, ()), data.decode())
        case ["good"]:
            draft.good[path] = GoodVersion(data.decode(), "1" * 40, path, "2" * 40, "break it")
        case ["good-uncommitted"]:
            draft.good[path] = GoodVersion(data.decode(), "1" * 40, path, "", "")
        case _:
            raise CaseError(f"{block.place}: unknown words {' '.join(roles)}")


def _finding(line: str, block: _Block) -> Expected:
    match = _FINDING.match(line.strip())
    if match is None:
        raise CaseError(f"{block.place}: not a finding: {line}")
    return Expected(match[2], int(match[3]), int(match[4]), match[1], match[5])


def _take_context(draft: _Draft, block: _Block) -> None:
    values = tomllib.loads("\n".join(block.lines))
    draft.moved = dict(values.pop("moved", {}))
    draft.removed = frozenset(values.pop("removed", ()))
    if unknown := set(values) - {"python", "named", "modules"}:
        raise CaseError(f"{block.place}: unknown keys {', '.join(sorted(unknown))}")
    major, _, minor = str(values.get("python", "3.11")).partition(".")
    draft.context = AnalysisContext(
        python=(int(major), int(minor)),
        named=bool(values.get("named", False)),
        modules=frozenset(values.get("modules", ())),
    )


def _escaped(block: _Block) -> bytes:
    data = b""
    for line in block.lines:
        match = _REPEAT.match(line)
        text = match[2] if match else line
        try:
            decoded = codecs.escape_decode(text.encode())[0]
        except ValueError as error:
            raise CaseError(f"{block.place}: {error} in {line}") from error
        data += bytes(decoded) * (int(match[1]) if match else 1)
    return data


def _finished(draft: _Draft, rule: str) -> Case:
    paths = [file.path for file in draft.files]
    outputs = {
        *draft.fixed,
        *draft.fixed_unsafe,
        *draft.good,
        *draft.earlier,
        *(item.path for item in draft.findings or ()),
    }
    if not paths or draft.findings is None or len(set(paths)) != len(paths) or not outputs <= set(paths):
        raise CaseError(
            f"{draft.place}: a case has files of different names, one block of findings (which may be empty), "
            "and speaks only of its files"
        )
    for path in draft.fixed.keys() & draft.fixed_unsafe.keys():
        if draft.fixed[path] == draft.fixed_unsafe[path]:
            raise CaseError(f"{draft.place}: `fixed-unsafe` says what `fixed` says")
    contexts = {path: replace(draft.context, good=draft.good.get(path)) for path in paths}
    past = CasePast(draft.moved, draft.removed, draft.earlier)
    return Case(rule, draft.title, tuple(draft.files), draft.findings, draft.fixed, draft.fixed_unsafe, contexts, past)
