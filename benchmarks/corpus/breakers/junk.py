"""Characters and lines that do not belong: keyboard slips, conflict markers, prose, prompts, settings."""

from __future__ import annotations

import re
from random import Random

from benchmarks.corpus.breaker import Breaker
from benchmarks.corpus.source import Change, Source, pick

_PROSE = (
    "Here is the updated code:",
    "This file implements the request handling.",
    "Sure! Below is the fixed version of the module.",
    "The rest of the file stays the same.",
    "Note: remember to install the dependencies first.",
    "Usage example",
    "I've updated the function so it doesn't fail on empty input.",
    "---",
    "✅ Done. All tests pass.",
    "- Improved error handling",
    "1. Install the requirements",
)
_SETTINGS = (
    ("autostart=true              ; start with the daemon (default: true)", "autorestart=false"),
    ("[section]", "timeout: 30s", "retries = 3 times"),
    ("$ pip install -r requirements.txt",),
    ("pip install requests",),
    ("export API_URL=http://localhost:8080/",),
)
_BRANCHES = ("main", "origin/main", "feature/new-client", "theirs", "develop")


def _character_at_line_end(source: Source, rng: Random) -> Change | None:
    number = pick(rng, [i for i in source.code_lines() if "#" not in source.lines[i]])
    if number is None:
        return None
    slip = rng.choice((*"vtshxjc1`;]'\\.,=", "ss", "..", " .", "v", "t"))
    return source.line(number, source.lines[number].rstrip() + slip)


def _character_at_line_start(source: Source, rng: Random) -> Change | None:
    number = pick(rng, source.code_lines())
    if number is None:
        return None
    line = source.lines[number]
    slip = rng.choice((*"hvtsc`.,+-/=>", "ss", "- ", "+"))
    if line.startswith(" ") and rng.random() < 0.6:
        return source.line(number, slip + line[len(slip) :])
    body = line.lstrip()
    return source.line(number, line[: len(line) - len(body)] + slip + body)


def _character_inside(source: Source, rng: Random) -> Change | None:
    token = pick(rng, source.solid())
    if token is None or "\n" in token.text:
        return None
    place = rng.choice((token.start, token.end))
    return source.edit(place, place, rng.choice((*"qwertyuiop[]\\;'`1?!$", "\u200b", "\u00a0", "\ufeff", "»")))


def _dot_at_line_end(source: Source, rng: Random) -> Change | None:
    number = pick(rng, [i for i in source.code_lines() if "#" not in source.lines[i]])
    if number is None:
        return None
    line = source.lines[number].rstrip() + "."
    return Change(number, number + 1, (line, "") if rng.random() < 0.6 else (line,))


def _backslash_at_line_end(source: Source, rng: Random) -> Change | None:
    ends = [s.end - 1 for s in source.statements if "#" not in source.lines[s.end - 1]]
    number = pick(rng, ends)
    return None if number is None else source.line(number, source.lines[number] + rng.choice(("\\", " \\", "\\ ")))


def _rival(lines: tuple[str, ...], rng: Random) -> tuple[str, ...]:
    """Return other lines that a person could have written in the place of these."""
    names = sorted(set(re.findall(r"[A-Za-z_]{4,}", "\n".join(lines))))
    kind = rng.random()
    if kind < 0.45 and names:
        name = rng.choice(names)
        other = rng.choice((name + "_value", name.title().replace("_", ""), "new_" + name, name[:-1]))
        return tuple(re.sub(rf"\b{name}\b", other, line) for line in lines)
    if kind < 0.6 and len(lines) > 1:
        return lines[:-1]
    if kind < 0.75:
        return tuple(line.replace('"', "'") if '"' in line else line.replace(" = ", "=") for line in lines)
    if kind < 0.9:
        return ()
    return (*lines, lines[-1])


def _conflict_markers(source: Source, rng: Random) -> Change | None:
    if len(source.statements) < 3:
        return None
    first = rng.randrange(len(source.statements) - 1)
    last = min(len(source.statements) - 1, first + rng.choice((0, 0, 0, 1, 1, 2, 4, 7)))
    start, end = source.statements[first].start, source.statements[last].end
    if rng.random() < 0.15:
        end = min(end, start + 1)
    kept = tuple(source.lines[start:end])
    other = _rival(kept, rng)
    if other == kept:
        return None
    commit = "".join(rng.choice("0123456789abcdef") for _ in range(40))
    closing = rng.choice((rng.choice(_BRANCHES), commit, commit[:7] + " (update the client)"))
    ours, theirs = (other, kept) if rng.random() < 0.62 else (kept, other)
    opening = rng.choice(("HEAD", "HEAD", "HEAD", commit, "Updated upstream"))
    return Change(start, end, (f"<<<<<<< {opening}", *ours, "=======", *theirs, f">>>>>>> {closing}"))


def _conflict_marker_left(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, source.statements)
    if statement is None:
        return None
    marker = rng.choice(("<<<<<<< HEAD", "=======", ">>>>>>> main", ">>>>>>> 7a0f653 (add checks)"))
    return source.insert(statement.start, marker)


def _fences(source: Source, rng: Random) -> Change | None:
    kind = rng.random()
    total = len(source.lines)
    if kind < 0.4:
        return source.insert(0, "```python")
    if kind < 0.6:
        return Change(0, total, ("```python", *source.text.rstrip("\n").split("\n"), "```", ""))
    if kind < 0.8:
        return Change(0, total, (*source.text.rstrip("\n").split("\n"), "```", ""))
    return Change(0, total, (rng.choice(_PROSE), "", "```python", *source.text.rstrip("\n").split("\n"), "```", ""))


def _prose(source: Source, rng: Random) -> Change | None:
    top = [s.start for s in source.statements if not s.indent]
    start = pick(rng, top)
    if start is None:
        return None
    where = rng.random()
    if where < 0.4:
        return source.insert(0, rng.choice(_PROSE), "")
    if where < 0.7:
        return Change(len(source.lines) - 1, len(source.lines), ("", rng.choice(_PROSE), ""))
    return source.insert(start, rng.choice(_PROSE), "")


def _settings_lines(source: Source, rng: Random) -> Change | None:
    start = pick(rng, [s.start for s in source.statements if not s.indent])
    return None if start is None else source.insert(start, *rng.choice(_SETTINGS), "")


def _prompts(source: Source, rng: Random) -> Change | None:
    top = [i for i, s in enumerate(source.statements) if not s.indent and s.end == s.start + 1 and s.word != "@"]
    top = [i for i in top if i + 1 == len(source.statements) or not source.statements[i + 1].indent]
    index = pick(rng, top)
    if index is None:
        return None
    run = [source.statements[index]]
    while len(run) < 3 and index + 1 < len(source.statements) and index + 1 in top:
        index += 1
        run.append(source.statements[index])
    lines = source.lines[run[0].start : run[-1].end]
    return Change(run[0].start, run[-1].end, tuple(">>> " + line if line.strip() else line for line in lines))


def _diff_markers(source: Source, rng: Random) -> Change | None:
    statement = pick(rng, [s for s in source.statements if s.indent])
    if statement is None:
        return None
    lines = source.lines[statement.start : statement.end]
    sign = rng.choice("+-")
    return Change(
        statement.start, statement.end, tuple(sign + line[1:] if rng.random() < 0.5 else sign + line for line in lines)
    )


BREAKERS = (
    Breaker("junk-at-line-end", 2.5, _character_at_line_end),
    Breaker("junk-at-line-start", 2, _character_at_line_start),
    Breaker("junk-inside", 1.2, _character_inside),
    Breaker("junk-dot-at-line-end", 1.5, _dot_at_line_end),
    Breaker("junk-backslash", 0.8, _backslash_at_line_end),
    Breaker("conflict-markers", 9, _conflict_markers),
    Breaker("conflict-marker-left", 1, _conflict_marker_left),
    Breaker("prose-fences", 2, _fences),
    Breaker("prose-line", 2, _prose),
    Breaker("prose-settings", 0.8, _settings_lines),
    Breaker("prose-prompts", 1, _prompts),
    Breaker("prose-diff-markers", 0.8, _diff_markers),
)
