"""A Python file's bytes as text and back: encoding, byte order mark and every line ending survive."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from sophia_cli.core.findings import Edit

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:[#\r\n]|$)")
_ENDINGS = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class UndecodableSource:
    """Why bytes cannot be read as Python text, and the byte offset where it shows."""

    reason: str
    offset: int


@dataclass(frozen=True, slots=True)
class SourceText:
    """Decoded text of one file.

    `text` has `\\n` as its only line ending (what CPython's tokenizer sees); `endings[i]` is the ending line i has in
    the file, empty for a last line without one. `bom` says whether a UTF-8 byte order mark stands in front.
    """

    data: bytes
    text: str
    encoding: str
    bom: bool
    endings: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The text's lines without endings; a final newline adds no empty line."""
        lines = self.text.split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        return lines


def declared_encoding(data: bytes) -> str:
    """Return the encoding that PEP 263 gives for these bytes (`utf-8` when nothing is declared)."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    first, _, rest = data.partition(b"\n")
    for line in (first, rest.partition(b"\n")[0]):
        match = _CODING.match(line)
        if match:
            return match.group(1).decode("ascii", "replace")
        if not _BLANK.match(line):
            break
    return "utf-8"


def decode(data: bytes) -> SourceText | UndecodableSource:
    """Read bytes as Python source, or say why that cannot be done (unknown encoding, invalid byte, NUL)."""
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    encoding = declared_encoding(data)
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        return UndecodableSource(f"unknown encoding `{encoding}`", 0)
    try:
        text, _ = codec.decode(body, "strict")
    except UnicodeDecodeError as error:
        return UndecodableSource(f"not valid {codec.name}: {error.reason}", error.start + (3 if bom else 0))
    except (TypeError, ValueError, UnicodeError) as error:
        return UndecodableSource(f"cannot be read as {codec.name}: {error}", 0)
    if not isinstance(text, str):
        return UndecodableSource(f"`{encoding}` is not a text encoding", 0)
    nul = data.find(b"\0")
    if nul >= 0:
        return UndecodableSource("holds a NUL byte", nul)
    endings = tuple(_ENDINGS.findall(text))
    plain = _ENDINGS.sub("\n", text) if "\r" in text else text
    if plain and not plain.endswith("\n"):
        endings = (*endings, "")
    return SourceText(data=data, text=plain, encoding=codec.name, bom=bom, endings=endings)


def line_edits(source: SourceText, start: int, end: int, replacement: list[str], path: str) -> Edit:
    """Return the byte edit that replaces lines [start, end), counted from 0, by the lines `replacement`.

    Replaced lines keep their own endings one to one; extra lines take the ending of the line before them. Bytes that
    both versions share at the front and the back are left out of the edit.
    """
    lines = source.lines
    usual = _usual_ending(source.endings)
    old = "".join(lines[i] + source.endings[i] for i in range(start, end))
    new: list[str] = []
    for index, line in enumerate(replacement):
        position = start + index
        ending = source.endings[position] if position < end else (source.endings[position - 1] if index else usual)
        new.append(line + (ending or usual))
    if replacement and end >= len(lines) and lines and source.endings[-1] == "":
        new[-1] = replacement[-1]
    prefix = ""
    if start >= len(lines) and lines and source.endings[-1] == "" and replacement:
        prefix = usual
    before = "".join(lines[i] + source.endings[i] for i in range(start))
    offset = len(before.encode(source.encoding)) + (3 if source.bom else 0)
    old_bytes = old.encode(source.encoding)
    new_bytes = (prefix + "".join(new)).encode(source.encoding)
    head = 0
    while head < min(len(old_bytes), len(new_bytes)) and old_bytes[head] == new_bytes[head]:
        head += 1
    tail = 0
    while tail < min(len(old_bytes), len(new_bytes)) - head and old_bytes[-1 - tail] == new_bytes[-1 - tail]:
        tail += 1
    return Edit(
        path=path,
        start=offset + head,
        end=offset + len(old_bytes) - tail,
        replacement=new_bytes[head : len(new_bytes) - tail],
    )


def apply_edits(data: bytes, edits: tuple[Edit, ...]) -> bytes:
    """Return `data` with the edits made; edits must not overlap (ValueError)."""
    result = bytearray()
    position = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < position or edit.end > len(data):
            raise ValueError(f"edits overlap or leave the file at byte {edit.start}")
        result += data[position : edit.start]
        result += edit.replacement
        position = edit.end
    result += data[position:]
    return bytes(result)


def _usual_ending(endings: tuple[str, ...]) -> str:
    for ending in ("\r\n", "\n", "\r"):
        if endings and endings.count(ending) * 2 >= len(endings):
            return ending
    return "\n"
