"""What a candidate edit looks like to the cost model: named numbers, from the edit and its neighbourhood alone."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.lexer import TokenKind
from sophia_cli.fixers.syntax.site import Site, is_code, width_of
from sophia_cli.fixers.syntax.token_model import USUAL_BITS, TokenModel

Features = dict[str, float]

_NAMES = re.compile(r"[^\W\d]\w*")
_WORDS = re.compile(r"\w+|[^\w\s]")
_INDENTS = (Op.INDENT_LINE, Op.INDENT_RUN, Op.INDENT_BLOCK, Op.INDENT_WITH_STRINGS)
_UNJUDGED = (*_INDENTS, Op.MOVE_LINE)
_METHOD = re.compile(r"\s*(?:async\s+)?def\s+\w+\s*\(\s*(?:self|cls)\b")
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s")


def operation_features(site: Site, change: Change) -> Features:
    """Return the features that need no look at the lines: which operation, at which kind of fault."""
    op = change.op.value
    features: Features = {
        f"op:{op}": 1.0,
        f"op:{op}/{site.group}": 1.0,
        f"op:{op}:{change.detail}": 1.0,
    }
    if change.token:
        features[f"token:{op}:{change.token}"] = 1.0
    return features


def change_features(site: Site, change: Change) -> Features:
    """Return the features of one change at one fault, without how plausible its tokens are."""
    features = operation_features(site, change)
    old = site.lines[change.start : change.end]
    new = list(change.lines)
    _place(features, site, change, change.op.value)
    if change.op is Op.MOVE_LINE:
        # What lies between the two places does not change, so how far it is says nothing.
        features["lines-changed"] = math.log1p(1)
        return features
    features["lines-changed"] = math.log1p(max(len(old), len(new)))
    if change.op in _INDENTS:
        _indentation(features, site, change)
        return features
    gone, come = _trimmed("\n".join(old), "\n".join(new))
    if not change.opens_rest and _flips(gone, come):
        features["flips-docstrings"] = 1.0
        features["flips-docstrings/" + site.group] = 1.0
    _size(features, old, new, gone, come)
    _column(features, site, change, old, new)
    _names(features, site, old, new, gone, come)
    if change.op is Op.MERGE_CONFLICT:
        _sides(features, old, new)
    elif change.op in (Op.CLOSE_BRACKET, Op.UNCOMMENT_TAIL) and _closer_in_comment(site, change):
        features[f"closer-in-comment:{change.op.value}"] = 1.0
    elif (change.token == "#" or change.op is Op.COMMENT_LINES) and _is_beside_comment(site, change):
        features["beside-comment"] = 1.0
    return features


def _closer_in_comment(site: Site, change: Change) -> bool:
    """Whether the remark behind one of the lines holds more closing brackets than opening ones: it swallowed code."""
    for line in range(change.start, change.end):
        for token in site.by_line.get(line, ()):
            if token.kind is TokenKind.COMMENT and site.code_tokens(line):
                return sum(map(token.text.count, ")]}")) > sum(map(token.text.count, "([{"))
    return False


def _is_beside_comment(site: Site, change: Change) -> bool:
    """Whether a comment stands right above or right below the lines of a change."""
    around = [*site.lines[change.start - 1 : change.start], *site.lines[change.end : change.end + 1]]
    return any(line.lstrip().startswith("#") for line in around)


def repetition(change: Change, before: Sequence[Change]) -> Features:
    """Return what it tells that the same was done further up: who broke a file one way did it again."""
    again = any((one.op, one.detail, one.token) == (change.op, change.detail, change.token) for one in before)
    return {"again": 1.0} if again else {"other": 1.0} if before else {}


def _trimmed(old: str, new: str) -> tuple[str, str]:
    """The parts in which two texts differ, widened to whole words."""
    limit = min(len(old), len(new))
    head = 0
    while head < limit and old[head] == new[head]:
        head += 1
    limit -= head
    tail = 0
    while tail < limit and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    while head > 0 and (old[head - 1].isalnum() or old[head - 1] == "_"):
        head -= 1
    while tail > 0 and (old[-tail].isalnum() or old[-tail] == "_"):
        tail -= 1
    return old[head : len(old) - tail], new[head : len(new) - tail]


def _place(features: Features, site: Site, change: Change, op: str) -> None:
    fault = site.line
    if change.start <= fault < max(change.end, change.start + 1):
        features["at-fault"] = 1.0
    elif change.end <= fault:
        distance = site.filled[fault] - site.filled[change.end]
        features["before-fault"] = 1.0
        features["distance"] = math.log1p(distance)
        if distance == 0:
            features[f"just-before:{op}"] = 1.0
    else:
        features["after-fault"] = 1.0
        features["distance-after"] = math.log1p(change.start - fault)


def _column(features: Features, site: Site, change: Change, old: list[str], new: list[str]) -> None:
    """Where on the line the text changes, in tokens from the fault."""
    if not old or not new or change.start > site.line or change.end <= site.line:
        if old and new and change.end <= site.line and change.end - change.start == 1:
            before = old[0].rstrip()
            features["edge:" + ("end" if new[0].startswith(before[:-1]) else "inside")] = 1.0
        return
    row = site.line - change.start
    if row >= len(new):
        return
    was, now = old[row], new[row]
    same = 0
    while same < min(len(was), len(now)) and was[same] == now[same]:
        same += 1
    code = site.code_tokens(site.line)
    at = next((i for i, t in enumerate(code) if t.column + len(t.text) > site.column), len(code))
    place = next((i for i, t in enumerate(code) if t.column + len(t.text) > same), len(code))
    offset = max(-4, min(4, place - at))
    features[f"offset:{offset}"] = 1.0
    features[f"offset:{change.op.value}:{offset}"] = 1.0
    if place >= len(code):
        features["edit-at-line-end"] = 1.0
    elif place == 0:
        features["edit-at-line-start"] = 1.0


def _names(features: Features, site: Site, old: list[str], new: list[str], gone: str, come: str) -> None:
    """Whether words that the change takes away are known elsewhere in the file."""
    if not gone:
        return
    lost = Counter(_NAMES.findall(gone))
    lost.subtract(_NAMES.findall(come))
    known = site.words
    for name, count in lost.items():
        if count > 0:
            elsewhere = known[name] > count
            features["gone:" + ("known" if elsewhere else "short" if len(name) <= 2 else "unknown")] = 1.0
    if not new and any(line.lstrip().startswith(("import ", "from ")) for line in old):
        here = Counter(name for line in old for name in _NAMES.findall(line.partition("import")[2]))
        used = any(known[name] > count for name, count in here.items())
        features["import-dropped:" + ("used" if used else "unused")] = 1.0


def _sides(features: Features, old: list[str], new: list[str]) -> None:
    kept = sum(1 for line in new if line.strip())
    every = sum(1 for line in old if line.strip())
    features["side-share"] = kept / max(1, every - 3)
    features["side-empty"] = 1.0 if kept == 0 else 0.0


def _size(features: Features, old: list[str], new: list[str], gone: str, come: str) -> None:
    features["tokens-removed"] = min(6.0, math.log1p(len(_WORDS.findall(gone))) * 1.5)
    features["tokens-added"] = min(6.0, math.log1p(len(_WORDS.findall(come))) * 1.5)
    if len(new) < len(old) or "#" in come:
        lost = sum(1 for line in old if is_code(line)) - sum(1 for line in new if is_code(line))
        if lost > 0:
            features["lines-lost"] = 1.0
            features["lines-lost-log"] = math.log1p(lost)


def _indentation(features: Features, site: Site, change: Change) -> None:
    first = change.lines[0] if change.lines else ""
    width = width_of(first)
    was = width_of(site.lines[change.start])
    step = max(1, width_of(site.unit))
    previous = site.previous_code(change.start)
    if previous is not None:
        base = width_of(site.lines[previous])
        last = site.statement_end(previous) - 1
        opens = site.lines[last].split("#")[0].rstrip().endswith(":")
        if opens:
            features["opens:" + ("step" if width == base + step else "deeper" if width > base else "none")] = 1.0
        else:
            relation = "same" if width == base else "deeper" if width > base else "shallower"
            features["follows:" + relation] = 1.0
        if width < base:
            features["levels-out"] = min(4.0, (base - width) / step)
    following = site.next_code(change.end)
    if following is not None:
        after = width_of(site.lines[following])
        relation = "same" if after == width else "deeper" if after > width else "shallower"
        features["next:" + relation] = 1.0
        if "follows:same" in features and relation == "same" and was > width and _is_whole(site, change):
            features["alone"] = 1.0
        opens_next = change.lines[-1].split("#")[0].rstrip().endswith(":") if change.lines else False
        if opens_next:
            features["next-of-header:" + relation] = 1.0
    if width % step:
        features["off-step"] = 1.0
    if was % step == 0:
        features["was-on-step"] = 1.0
    features["shift"] = min(3.0, abs(width - was) / step)
    features["shift-is-step"] = 1.0 if abs(width - was) == step else 0.0
    if width > was:
        features["shift-in"] = 1.0
    if change.end < len(site.lines):
        boundary = site.lines[change.end] if change.end < len(site.lines) else ""
        features["ends:" + ("blank" if not boundary.strip() else "code")] = 1.0
    if change.start > 0 and not site.lines[change.start - 1].strip():
        features["after-blank"] = 1.0
    if _METHOD.match(first):
        features["method:" + ("margin" if width == 0 else "inside")] = 1.0
    elif _DEFINITION.match(first):
        features["definition:" + ("margin" if width == 0 else "inside")] = 1.0
    if re.match(r"\s*(?:return|yield|continue|break)\b", change.lines[-1] if change.lines else ""):
        features["ends-with-exit"] = 1.0


def _is_whole(site: Site, change: Change) -> bool:
    """Whether the lines that stand further in than those around are no part of a call that was closed too early."""
    text = "".join(change.lines).rstrip()
    balanced = all(text.count(opener) == text.count(closer) for opener, closer in ("()", "[]", "{}"))
    return site.group == "indent" and balanced and not text.endswith(",")


def flips_docstrings(site: Site, change: Change) -> bool:
    """Whether the change leaves an odd number of triple quotes more or less: what was text becomes code below it."""
    return not change.opens_rest and _flips("\n".join(site.lines[change.start : change.end]), "\n".join(change.lines))


def _flips(old: str, new: str) -> bool:
    return any((old.count(quote) - new.count(quote)) % 2 for quote in ('"""', "'''"))


LEAST_SURPRISE: Features = {"surprise": -4.0, "surprise-now": 0.0}
"""What `plausibility` says of the change that takes most surprise away."""


def is_judged_by_tokens(change: Change) -> bool:
    """Whether `plausibility` says anything: not about reindentations, lines that move and long runs."""
    return not (change.end - change.start > 12 or len(change.lines) > 12 or change.op in _UNJUDGED)


def plausibility(site: Site, change: Change, model: TokenModel) -> Features:
    """Return how much more or less the changed lines read like Python; nothing for reindentations and long runs."""
    if not is_judged_by_tokens(change):
        return {}
    old = site.lines[change.start : change.end]
    new = change.lines
    before = site.lines[max(0, change.start - 1) : change.start]
    after = site.lines[change.end : change.end + 1]
    key = f"surprise:{change.start}:{change.end}"
    was = site.memo.get(key)
    if not isinstance(was, float):
        was = site.memo[key] = model.surprise_of_lines(before, old, after, usual_bits=USUAL_BITS)
    now = model.surprise_of_lines(before, new, after, usual_bits=USUAL_BITS)
    return {"surprise": max(-4.0, min(4.0, (now - was) / 10.0)), "surprise-now": min(4.0, now / 30.0)}


def add(total: Features, part: Mapping[str, float]) -> Features:
    """Return the sum of two feature sets."""
    result = dict(total)
    for name, value in part.items():
        result[name] = result.get(name, 0.0) + value
    return result
