"""What is not Python at all: Markdown fences, prose, diff marks, interpreter prompts, HTML leftovers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.model import Kind
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code

_FENCE = re.compile(r"\s*(?:```|~~~)[\w+-]*\s*$")
_PROMPT = re.compile(r"^(\s*)(?:>>> ?|\.\.\. ?|In \[\d+\]: |\$ )(.*)$")
_SLASHES = re.compile(r"^(\s*)//+")
_DIFF = re.compile(r"^(?:[+-](?![+-])|@@ |\+\+\+ |--- |diff --git |index [0-9a-f]{7})")
_CODE = re.compile(
    r"\s*(?:import\s+\w+\s*(?:[,;#.]|as\b|$)|from\s+[.\w]+\s+import\b|def\s+\w+\s*\(|class\s+\w+\s*[:(]|@\w|\"\"\"|'''|#"
    r"|(?:if|for|while|with|try|else|elif|except|finally|return|raise|assert)\b.*:?\s*$|[\w.\[\]\"']+\s*[-+*/|&]?=|[\w.]+\()"
)
_PROSE = re.compile(r"^\s*[-*>•\d.)]*\s*[A-Za-z][\w'’,-]*(?:\s+[\w'’,.;:()/\"`-]+){2,}\s*[.:!?]?\s*$")


def propose(site: Site) -> Iterator[Change]:
    """Yield texts without the markup, and prose turned into comments."""
    if not site.lines:
        return
    yield from _fences(site)
    yield from _prompts(site)
    yield from _diff_marks(site)
    yield from _slashes(site)
    yield from _prose(site)


def _fences(site: Site) -> Iterator[Change]:
    total = len(site.lines)
    fences = [i for i, line in enumerate(site.lines) if _FENCE.match(line)] if total < 20000 else []
    near = [i for i in fences if abs(i - site.line) <= 2]
    for index in near:
        yield Change(index, index + 1, (), Op.STRIP_MARKUP, Kind.PROSE, "remove a Markdown fence", detail="fence")
    if len(fences) >= 2 and near:
        kept = tuple(line for i, line in enumerate(site.lines) if i not in fences)
        yield Change(0, total, kept, Op.STRIP_MARKUP, Kind.PROSE, "remove Markdown fences", detail="fences")
        first, last = fences[0], fences[-1]
        inner = tuple(site.lines[first + 1 : last])
        yield Change(
            0, total, inner, Op.STRIP_MARKUP, Kind.PROSE, "keep the code of the Markdown block", detail="fence-inner"
        )
        outside = tuple(
            "" if i in (first, last) else (_comment(line) if i < first or i > last else line)
            for i, line in enumerate(site.lines)
        )
        yield Change(
            0, total, outside, Op.STRIP_MARKUP, Kind.PROSE, "comment out what surrounds the Markdown block",
            detail="fence-comment",
        )  # fmt: skip


def _comment(line: str) -> str:
    return indent_of(line) + "# " + line.lstrip() if line.strip() else line


def _prompts(site: Site) -> Iterator[Change]:
    if not _PROMPT.match(site.lines[site.line]):
        return
    first = site.line
    last = first
    while last < len(site.lines) and (_PROMPT.match(site.lines[last]) or not site.lines[last].strip()):
        last += 1
    rows = [_PROMPT.match(line) for line in site.lines[first:last]]
    text = tuple(
        match.group(1) + match.group(2) if match else line
        for match, line in zip(rows, site.lines[first:last], strict=True)
    )
    yield Change(first, last, text, Op.STRIP_MARKUP, Kind.PROSE, "remove interpreter prompts", detail="prompts")
    yield Change(
        first, first + 1, text[:1], Op.STRIP_MARKUP, Kind.PROSE, "remove an interpreter prompt", detail="prompt"
    )


def _diff_marks(site: Site) -> Iterator[Change]:
    line = site.lines[site.line]
    if not _DIFF.match(line):
        return
    first = site.line
    while first > 0 and _DIFF.match(site.lines[first - 1]):
        first -= 1
    last = site.line + 1
    while last < len(site.lines) and _DIFF.match(site.lines[last]):
        last += 1
    kept = tuple(
        x[1:] if x.startswith("+") else x
        for x in site.lines[first:last]
        if not x.startswith("-") and not x.startswith(("@@", "diff ", "index ", "+++"))
    )
    yield Change(first, last, kept, Op.STRIP_MARKUP, Kind.PROSE, "apply a pasted diff", detail="diff")
    yield Change(
        site.line, site.line + 1, (line[1:],), Op.STRIP_MARKUP, Kind.PROSE, "remove a diff mark", detail="diff-mark"
    )


def _slashes(site: Site) -> Iterator[Change]:
    """Remarks of another language: `// text` becomes `# text`, here or everywhere at once."""
    if not _SLASHES.match(site.lines[site.line]):
        return
    yield Change(
        site.line, site.line + 1, (_SLASHES.sub(r"\1#", site.lines[site.line]),), Op.STRIP_MARKUP, Kind.PROSE,
        "`//` becomes `#`", detail="slashes",
    )  # fmt: skip
    if sum(1 for line in site.lines if _SLASHES.match(line)) > 1:
        rows = tuple(_SLASHES.sub(r"\1#", line) for line in site.lines)
        yield Change(0, len(rows), rows, Op.STRIP_MARKUP, Kind.PROSE, "`//` becomes `#`", detail="all-slashes")


def _prose(site: Site) -> Iterator[Change]:
    """Runs of lines that read like sentences, around the fault: commented out, or wrapped as a docstring."""
    if site.line in site.inside_string:
        return
    line = site.lines[site.line]
    if not _PROSE.match(line) and not (line.strip() and not _CODE.match(line)):
        return
    first = site.line
    while first > 0 and site.lines[first - 1].strip() and not _CODE.match(site.lines[first - 1]):
        first -= 1
    last = site.line + 1
    end = last
    while last < len(site.lines) and last - site.line < 60:
        text = site.lines[last]
        if text.strip() and (_CODE.match(text) or not (_PROSE.match(text) or not is_code(text) or len(text) < 60)):
            break
        last += 1
        if text.strip():
            end = last
    for stop in dict.fromkeys((site.line + 1, end)):
        for start in dict.fromkeys((site.line, first)):
            if stop - start < 1:
                continue
            rows = tuple(_comment(text) for text in site.lines[start:stop])
            yield Change(
                start, stop, rows, Op.COMMENT_LINES, Kind.PROSE, "comment out text that is not Python", detail="prose"
            )
            yield Change(start, stop, (), Op.DELETE_LINES, Kind.PROSE, "remove text that is not Python", detail="prose")
            indent = indent_of(site.lines[start])
            if stop - start > 1:
                head, tail = site.lines[start].strip(), site.lines[stop - 1]
                glued = (indent + '"""' + head, *site.lines[start + 1 : stop - 1], tail + '"""')
                yield Change(
                    start, stop, glued, Op.OPEN_STRING, Kind.PROSE, "turn text into a docstring", detail="prose-glued"
                )
            yield Change(
                start, stop, (indent + '"""', *site.lines[start:stop], indent + '"""'), Op.OPEN_STRING, Kind.PROSE,
                "turn text into a docstring", detail="prose",
            )  # fmt: skip
