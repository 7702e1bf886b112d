"""What a candidate edit looks like to the cost model: named numbers, from the edit and its neighbourhood alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.site import Site, is_code, width_of
from sophia_cli.fixers.syntax.token_model import USUAL_BITS, TokenModel

Features = dict[str, float]

_WORDS = re.compile(r"\w+|[^\w\s]")
_INDENTS = (Op.INDENT_LINE, Op.INDENT_RUN, Op.INDENT_BLOCK, Op.INDENT_WITH_STRINGS)
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
    if flips_docstrings(site, change):
        features["flips-docstrings"] = 1.0
        features["flips-docstrings/" + site.group] = 1.0
    _place(features, site, change, change.op.value)
    _size(features, old, new)
    if change.op in _INDENTS:
        _indentation(features, site, change)
    return features


def _place(features: Features, site: Site, change: Change, op: str) -> None:
    fault = site.line
    if change.start <= fault < max(change.end, change.start + 1):
        features["at-fault"] = 1.0
    elif change.end <= fault:
        distance = sum(1 for line in site.lines[change.end : fault] if line.strip())
        features["before-fault"] = 1.0
        features["distance"] = math.log1p(distance)
        if distance == 0:
            features[f"just-before:{op}"] = 1.0
    else:
        features["after-fault"] = 1.0
        features["distance-after"] = math.log1p(change.start - fault)


def _size(features: Features, old: list[str], new: list[str]) -> None:
    words_old = _WORDS.findall("\n".join(old))
    words_new = _WORDS.findall("\n".join(new))
    head = 0
    while head < min(len(words_old), len(words_new)) and words_old[head] == words_new[head]:
        head += 1
    tail = 0
    while tail < min(len(words_old), len(words_new)) - head and words_old[-1 - tail] == words_new[-1 - tail]:
        tail += 1
    removed = len(words_old) - head - tail
    added = len(words_new) - head - tail
    features["tokens-removed"] = min(6.0, math.log1p(removed) * 1.5)
    features["tokens-added"] = min(6.0, math.log1p(added) * 1.5)
    code_old = sum(1 for line in old if is_code(line))
    code_new = sum(1 for line in new if is_code(line))
    lost = max(0, code_old - code_new)
    if lost:
        features["lines-lost"] = 1.0
        features["lines-lost-log"] = math.log1p(lost)
    features["lines-changed"] = math.log1p(max(len(old), len(new)))


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


def flips_docstrings(site: Site, change: Change) -> bool:
    """Whether the change leaves an odd number of triple quotes more or less: what was text becomes code below it."""
    old = "\n".join(site.lines[change.start : change.end])
    new = "\n".join(change.lines)
    return any((old.count(quote) - new.count(quote)) % 2 for quote in ('"""', "'''"))


def plausibility(site: Site, change: Change, model: TokenModel) -> Features:
    """Return how much more or less the changed lines read like Python; nothing for reindentations and long runs."""
    old = site.lines[change.start : change.end]
    new = change.lines
    if len(old) > 12 or len(new) > 12 or change.op in _INDENTS:
        return {}
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
