"""A Python file's bytes as text and back: encoding, byte order mark and every line ending survive."""

from __future__ import annotations

import codecs

from sophia_cli.core.findings import Edit
from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass

_CODING = late_pattern(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = late_pattern(rb"^[ \t\f]*(?:[#\r\n]|$)")
_ENDINGS = late_pattern(r"\r\n|\r|\n")
_BYTE_LINES = late_pattern(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FIRST_TWO_LINES = late_pattern(rb"([^\r\n]*)(?:\r\n|\r|\n|$)([^\r\n]*)")
_NORMAL_NAMES = ("utf-8", "latin-1", "iso-8859-1", "iso-latin-1")


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
    return _cookie(data) or "utf-8"


def decode(data: bytes) -> SourceText | UndecodableSource:
    """Read bytes as Python source, or say why that cannot be done.

    Refused are what CPython refuses (an encoding that is unknown, is none of text or contradicts the byte order mark;
    an invalid byte; a NUL) and encodings in which line ends are not the bytes that they are in ASCII.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    encoding = declared_encoding(data)
    if bom and (cookie := _cookie(body)) not in (None, "utf-8"):
        return UndecodableSource(f"declares `{cookie}` but begins with a UTF-8 byte order mark", 0)
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        return UndecodableSource(f"unknown encoding `{encoding}`", 0)
    if not codec._is_text_encoding:
        return UndecodableSource(f"`{encoding}` is not a text encoding", 0)
    try:
        text, _ = codec.decode(body, "strict")
    except UnicodeDecodeError as error:
        return UndecodableSource(f"not valid {codec.name}: {error.reason}", error.start + (3 if bom else 0))
    except (LookupError, TypeError, ValueError) as error:
        return UndecodableSource(f"cannot be read as {codec.name}: {error}", 0)
    if not isinstance(text, str):
        return UndecodableSource(f"`{encoding}` is not a text encoding", 0)
    nul = data.find(b"\0")
    if nul >= 0:
        return UndecodableSource("holds a NUL byte", nul)
    if "\r" in text:
        endings = tuple(_ENDINGS.findall(text))
        plain = _ENDINGS.sub("\n", text)
    else:
        endings = ("\n",) * text.count("\n")
        plain = text
    if plain and not plain.endswith("\n"):
        endings = (*endings, "")
    if codec.name != "utf-8" and len(_BYTE_LINES.findall(body)) != len(endings):
        return UndecodableSource(f"`{encoding}` writes line ends in a way of its own", 0)
    return SourceText(data=data, text=plain, encoding=codec.name, bom=bom, endings=endings)


def line_edits(source: SourceText, start: int, end: int, replacement: list[str], path: str) -> Edit:
    """Return the byte edit that replaces lines [start, end), counted from 0, by the lines `replacement`.

    Replaced lines keep their own endings one to one; extra lines take the ending of the line before them, and a file
    without a last newline stays so. A line that does not change keeps its very bytes. Bytes that both versions share
    at the front and the back are left out of the edit. Raises UnicodeEncodeError when the file's encoding lacks a
    character of the replacement, ValueError when the lines are not in the file.
    """
    body = source.data[3:] if source.bom else source.data
    kept = _BYTE_LINES.findall(body)
    if not 0 <= start <= end <= len(kept):
        raise ValueError(f"lines {start} to {end} are not in a file of {len(kept)} lines")
    lines = source.lines
    usual = _usual_ending(source.endings)
    reaches_end = end == len(kept) and bool(kept) and source.endings[-1] == ""
    new: list[bytes] = []
    if start == len(kept) and reaches_end and replacement:
        new.append(usual.encode(source.encoding))
    ending = (source.endings[start - 1] if start > 0 else "") or usual
    for index, line in enumerate(replacement):
        position = start + index
        if position < end:
            ending = source.endings[position] or ending
        if reaches_end and index == len(replacement) - 1:
            ending = ""
        if position < end and line == lines[position] and ending == source.endings[position]:
            new.append(kept[position])
        else:
            new.append((line + ending).encode(source.encoding))
    _keep_apart(new, kept[start - 1] if start > 0 else b"", kept[end] if end < len(kept) else b"")
    offset = sum(map(len, kept[:start])) + (3 if source.bom else 0)
    old_bytes = b"".join(kept[start:end])
    return _trimmed(path, offset, old_bytes, b"".join(new))


def _keep_apart(new: list[bytes], before: bytes, after: bytes) -> None:
    """Change endings where a lone carriage return would meet a line feed and become one ending with it."""
    for index, line in enumerate(new):
        previous = new[index - 1] if index else before
        if previous.endswith(b"\r") and line.startswith(b"\n"):
            new[index] = b"\r" + line[1:]
    if after.startswith(b"\n") and new and new[-1].endswith(b"\r"):
        new[-1] = new[-1][:-1] + b"\r\n"
    elif after.startswith(b"\n") and not new and before.endswith(b"\r"):
        new.append(b"\r")


def _usual_ending(endings: tuple[str, ...]) -> str:
    """Return the ending that most lines have, the first of them when there are several, `\\n` without any."""
    present = [ending for ending in endings if ending]
    return max(dict.fromkeys(present), key=present.count, default="\n")


def _cookie(data: bytes) -> str | None:
    """Return the encoding that the first two lines declare, by CPython's rules: names such as `utf-8-unix` count as
    what they begin with, and the second line counts only below a blank line or a comment."""
    match = _FIRST_TWO_LINES.match(data)
    for line in match.groups() if match else ():
        declared = _CODING.match(line)
        if declared:
            name = declared.group(1).decode("ascii", "replace")
            normal = name[:12].lower().replace("_", "-")
            for known in _NORMAL_NAMES:
                if normal == known or normal.startswith(known + "-"):
                    return "utf-8" if known == "utf-8" else "iso-8859-1"
            return name
        if not _BLANK.match(line):
            break
    return None


def _trimmed(path: str, offset: int, old: bytes, new: bytes) -> Edit:
    """Return the edit without what both sides share, cut between characters where the encoding is UTF-8."""
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    while head and (_is_continued(old, head) or _is_continued(new, head)):
        head -= 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    while tail and (_is_continued(old, len(old) - tail) or _is_continued(new, len(new) - tail)):
        tail -= 1
    return Edit(path, offset + head, offset + len(old) - tail, new[head : len(new) - tail])


def _is_continued(content: bytes, position: int) -> bool:
    return position < len(content) and content[position] & 0xC0 == 0x80
