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
_KEYWORD = re.compile(r"\s*(?:break|continue|pass)\s*(?:#|$)")
_PROSE = re.compile(r"^\s*[-*>•\d.)]*\s*[A-Za-z][\w'’,-]*(?:\s+[\w'’,.;:()/\"`-]+){2,}\s*[.:!?]?\s*$")

_SENTENCE = re.compile(
    r"^\s*(?:[-*>•]|\d+[.)])?\s*[\"'`*]*[A-Za-z][\w'’,`*-]*(?:\s+[\w'’,.;:()/\"`*&=+-]+){2,}\s*[.:!?]*\s*$"
)

_SHELL = re.compile(
    r"^\s*(?:\$\s+\S|(?:sudo\s+)?(?:pip3?|apt|apt-get|brew|npm|conda|poetry|uv)\s+(?:install|run|add|update|sync)\b"
    r"|export\s+\w+=|python3?\s+(?:-m\s+)?[\w./-]+(?:\s|$)|git\s+[a-z]+\b|docker(?:-compose)?\s+[a-z]+\b|cd\s+[\w./~-]+\s*$)"
)
_TITLE = re.compile(r"^[A-Z][a-z]+(?: [A-Za-z]+)+[:.]?\s*$")
_WORD = re.compile(r"[A-Za-z]+")
_FULL = re.compile(
    r"^\s*(?:[-*>•]\s+|\d+[.)]\s+)?[A-Z][\w'’-]*[,!]?(?:\s+[`\"'(]*[\w'’./-]+[`\"')]*[,;:]?){3,}\s*[.:!?]*\s*$"
)


def propose(site: Site) -> Iterator[Change]:
    """Yield texts without the markup, and prose turned into comments."""
    if not site.lines:
        return
    yield from _fences(site)
    yield from _prompts(site)
    yield from _diff_marks(site)
    yield from _slashes(site)
    yield from _keyed_remark(site)
    yield from _sentences(site)
    yield from _prose(site)


def _fences(site: Site) -> Iterator[Change]:
    total = len(site.lines)
    fences = [i for i, line in enumerate(site.lines) if _FENCE.match(line)] if total < 20000 else []
    near = [i for i in fences if abs(i - site.line) <= 2]
    for index in near:
        yield Change(index, index + 1, (), Op.STRIP_MARKUP, Kind.PROSE, "remove a Markdown fence", detail="fence")
    if not fences or not (near or site.line < fences[0] or _is_text(site.lines[site.line])):
        return
    if len(fences) >= 2 and near:
        kept = tuple(line for i, line in enumerate(site.lines) if i not in fences)
        yield Change(0, total, kept, Op.STRIP_MARKUP, Kind.PROSE, "remove Markdown fences", detail="fences")
    inside = _code_lines(site.lines, fences)
    outside = [line for i, line in enumerate(site.lines) if i not in inside and i not in fences and is_code(line)]
    if any(is_code(site.lines[i]) for i in inside) and sum(map(_is_text, outside)) * 2 >= len(outside):
        rows = tuple(
            line if i in inside else _comment(line) for i, line in enumerate(site.lines) if i not in set(fences)
        )
        yield Change(
            0, total, rows, Op.STRIP_MARKUP, Kind.PROSE, "comment out what surrounds the Markdown block",
            detail="fence-comment",
        )  # fmt: skip


def _code_lines(lines: list[str], fences: list[int]) -> set[int]:
    """The lines of Python in a text with Markdown fences: what stands between them, save for blocks of other languages.

    A single fence ends or begins the code: whichever side reads less like prose.
    """
    if len(fences) == 1:
        fence = fences[0]
        above, below = range(fence), range(fence + 1, len(lines))
        prose = [sum(1 for i in side if _is_text(lines[i])) for side in (above, below)]
        return set(below if prose[0] > prose[1] else above)
    marks = {i: lines[i].strip().strip("`~").lower() for i in fences}
    found: set[int] = set()
    opened: int | None = None
    for fence in fences:
        if opened is None or (marks[fence] and not marks[opened]):
            opened = fence
        else:
            if marks[opened] in ("", "py", "python", "python3"):
                found.update(range(opened + 1, fence))
            opened = None
    if opened is not None and marks[opened] in ("py", "python", "python3"):
        found.update(range(opened + 1, len(lines)))
    return found


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#") and _reads_like_text(line)


def _reads_like_text(line: str) -> bool:
    """Whether a line is a sentence, a heading or an item of a list rather than code."""
    return bool(_SENTENCE.match(line)) and not _CODE.match(line)


def _comment(line: str) -> str:
    return indent_of(line) + "# " + line.lstrip() if line.strip() and not line.lstrip().startswith("#") else line


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


def _keyed_remark(site: Site) -> Iterator[Change]:
    """`Author : Jo` beside `# Date   : May`, colon below colon: a line of the remark that lost its `#`."""
    index = site.line
    text = site.lines[index].strip()
    colon = text.find(":")
    if colon < 1 or index in site.inside_string or not text[:colon].replace(" ", "").isalpha():
        return
    near = (line.strip() for line in (*site.lines[max(0, index - 1) : index], *site.lines[index + 1 : index + 2]))
    if any(line.startswith("#") and line.lstrip("# ").find(":") == colon for line in near):
        yield Change(
            index, index + 1, ("# " + text,), Op.STRIP_MARKUP, Kind.PROSE, "comment out a line of a remark",
            detail="remark",
        )  # fmt: skip


def _sentences(site: Site) -> Iterator[Change]:
    """A run of whole sentences around the fault, not the inside of a docstring that lost its quotes: made comments."""
    lines, index = site.lines, site.line
    if index in site.inside_string:
        return
    if _SHELL.match(lines[index]):
        yield Change(
            index, index + 1, (_comment(lines[index]),), Op.STRIP_MARKUP, Kind.PROSE, "comment out a shell command",
            detail="shell",
        )  # fmt: skip
    if not (_FULL.match(lines[index]) or _is_title(site, index)):
        return
    text = "\n".join(lines)
    if any(text.count(quote) % 2 for quote in ('"""', "'''")):
        return
    first, last, end = index, index + 1, index + 1
    while first > 0 and _is_text(lines[first - 1]):
        first -= 1
    while last < len(lines) and last - index < 60:
        if lines[last].strip():
            if not (_is_text(lines[last]) or lines[last].lstrip().startswith(("#", "- ", "* ", "> "))):
                break
            end = last + 1
        last += 1
    for stop in dict.fromkeys((end, index + 1)):
        rows = tuple(_comment(line) for line in lines[first:stop])
        yield Change(
            first, stop, rows, Op.STRIP_MARKUP, Kind.PROSE, "comment out text that is not Python", detail="sentences"
        )


def _is_title(site: Site, index: int) -> bool:
    """Whether a line is two or more words that the text knows from nowhere else."""
    line = site.lines[index]
    return _TITLE.match(line) is not None and all(site.words[word] == 1 for word in _WORD.findall(line))


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
                detail = "code-glued" if any(map(_KEYWORD.match, site.lines[start:stop])) else "prose-glued"
                yield Change(
                    start, stop, glued, Op.OPEN_STRING, Kind.PROSE, "turn text into a docstring", detail=detail
                )
            yield Change(
                start, stop, (indent + '"""', *site.lines[start:stop], indent + '"""'), Op.OPEN_STRING, Kind.PROSE,
                "turn text into a docstring", detail="prose",
            )  # fmt: skip
