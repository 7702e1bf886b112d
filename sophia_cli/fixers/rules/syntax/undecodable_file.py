"""A file whose bytes are no text in the encoding that it has.

## What it does
Reports the first byte that Python cannot read: one that is invalid in UTF-8 or in the encoding that the file declares
in its first two lines, a NUL byte, or a declared encoding that does not exist.

## Why is this bad
Python refuses the whole file. It often happens when an editor saves accented letters as Latin-1 without saying so, or
when a disk or a transfer damaged the file.

## Example
The name is stored in Latin-1 (`M\\xfcller`), the file declares nothing, so Python reads UTF-8:

```python
AUTHOR = "M?ller"
```

## Fix safety
There is no fix: which letters were meant cannot be known from the bytes. Save the file as UTF-8, or declare its
encoding in the first line: `# -*- coding: latin-1 -*-`.

## References
- PEP 263, defining Python source code encodings
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Region, Severity
from sophia_cli.fixers.rule import Reads, Rule, finding_of
from sophia_cli.fixers.rules.syntax._sites import past_facts
from sophia_cli.fixers.view import FileView
from sophia_cli.project.source import UndecodableSource


def check(view: FileView) -> Iterator[Finding]:
    source = view.source
    if isinstance(source, UndecodableSource) and view.data is not None and view.not_python is None:
        line, column = place_of(view.data, source.offset)
        yield finding_of(
            RULE,
            view.path,
            Region(line, column, line, column + 1),
            f"this file cannot be read as text: {source.reason}",
            data={"reason": source.reason, "offset": source.offset, **past_facts(view)},
        )


def place_of(data: bytes, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of a byte; what cannot be decoded counts as one character a byte."""
    before = data[:offset].removeprefix(codecs.BOM_UTF8)
    lines = before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return len(lines), len(lines[-1].decode("utf-8", "surrogateescape")) + 1


RULE = Rule(
    id="SPH191",
    name="undecodable-file",
    category=Category.CORRECTNESS,
    severity=Severity.ERROR,
    summary="a file whose bytes are no text in its encoding",
    reads=Reads.BYTES,
    check=check,
    manual=__doc__,
)
