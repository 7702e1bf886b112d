"""The text of a declaration file, and the way from places in it back to bytes and lines of the file."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right

from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.model import Span

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENDING = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class DeclarationText:
    """Decoded text, line endings untouched; `starts` are the places where its lines begin.

    Bytes that the encoding does not know are read as Latin-1, as a last resort that keeps every place.
    """

    text: str
    encoding: str
    bom: int
    starts: tuple[int, ...]

    def line(self, place: int) -> int:
        """Return the line, from 1, of a place in the text."""
        return bisect_right(self.starts, place)

    def column(self, place: int) -> int:
        """Return the column, from 1 and in characters, of a place in the text."""
        return place - self.starts[self.line(place) - 1] + 1

    def offset(self, place: int) -> int:
        """Return the byte offset in the file of a place in the text."""
        if self.encoding in ("utf-8", "latin-1") and self.text.isascii():
            return self.bom + place
        return self.bom + len(self.text[:place].encode(self.encoding, "surrogatepass"))

    def span(self, start: int, end: int) -> Span:
        """Return the byte range of a range of the text."""
        return Span(self.offset(start), self.offset(end))

    def line_end(self, place: int) -> int:
        """Return where the line that `place` is in ends, its line ending included."""
        line = self.line(place)
        return self.starts[line] if line < len(self.starts) else len(self.text)


def read_text(data: bytes) -> DeclarationText:
    """Decode as pip does: a byte order mark, else a coding comment in the first two lines, else UTF-8; never fails."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, len(mark))
    for line in data.split(b"\n", 2)[:2]:
        if (found := _CODING.match(line)) and (declared := _known(found[1])):
            return _decoded(data, declared, 0)
    return _decoded(data, "utf-8", 0)


def _known(name: bytes) -> str | None:
    try:
        codec = codecs.lookup(name.decode("ascii", "replace"))
    except LookupError:
        return None
    # A stateful encoding, or one with a mark of its own, would not lead places back to bytes.
    is_plain = codec.name in ("utf-8", "ascii") or codec.name.startswith(("iso8859", "cp125", "koi8"))
    return codec.name if is_plain else None


def _decoded(data: bytes, encoding: str, bom: int) -> DeclarationText:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = data.decode(encoding)
    starts = (0, *(match.end() for match in _ENDING.finditer(text)))
    return DeclarationText(text, encoding, bom, starts)
