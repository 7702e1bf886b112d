"""The search: from a broken text to the cheapest texts that compile, one fault at a time, several ways kept."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sophia_cli.fixers.syntax.candidates import propose
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.costs import Costs
from sophia_cli.fixers.syntax.features import (
    Features,
    add,
    change_features,
    flips_docstrings,
    operation_features,
    plausibility,
)
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.losses import differing, lost_lines
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.outcome import Outcomes
from sophia_cli.fixers.syntax.progress import (
    fault_after,
    is_progress,
    is_vague,
    is_where_parsing_stopped,
    shows,
    stays_broken,
)
from sophia_cli.fixers.syntax.site import Site, indent_unit
from sophia_cli.fixers.syntax.token_model import TokenModel
from sophia_cli.fixers.syntax.window import Window, tail_view, views, windows_around

_CANDIDATE = 800  # characters that the compiler reads in the time that a candidate costs that is only ranked
_LOST_AT_MOST = 4  # lines that count; who loses more loses enough


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the search goes. Counts, not seconds, so that a result does not depend on the machine's load."""

    beam: int = 4
    tries: int = 60
    passes: int = 10
    gap: float = 4.0
    content: float = 5.0
    pull: float = 0.8
    lead: float = 4.0
    doubt: float = 1.0
    step: float = 1.5
    lossless: bool = False
    leap: float = 1.2
    sites: int = 400
    finals: int = 10
    work: int = 6_000_000  # characters read by compiler and tokenizer, in all
    more: int = 600_000  # work that is added when the next of many faults is reached
    large: int = 200_000  # characters; longer texts are only looked at in windows
    longest: int = 20_000  # characters of the fault's line
    huge: int = 1_000_000  # characters; longer texts are not searched at all
    depth: int = 200  # brackets open at the fault; nobody left so many open

    def wider(self) -> Limits:
        """Return the limits for a second search, of a text for which the first found nothing."""
        return replace(self, tries=170, passes=12, gap=9.0, content=9.0, sites=8, work=4_000_000)

    def at(self, depth: int) -> Limits:
        """Return the limits for the fault after `depth` others: many faults in one file are looked at more quickly."""
        if depth < 5:
            return self
        return replace(self, beam=2 if depth < 10 else 1, tries=min(self.tries, 80), passes=4, gap=min(self.gap, 3.0))


@dataclass(frozen=True)
class State:
    """A text on the way: its lines, the changes made so far and what they cost, and the fault that is next."""

    lines: list[str]
    changes: tuple[Change, ...]
    features: Features
    cost: float
    priority: float
    fault: SyntaxFault | None


@dataclass(frozen=True)
class Outcome:
    """A text that compiles, with its total cost, all of its features, how many lines of code it loses, and
    its cost without what these lines add (`plausibility`)."""

    text: str
    changes: tuple[Change, ...]
    cost: float
    features: Features
    outcome: Features
    lost: int
    plausibility: float


@dataclass(slots=True)
class _Tools:
    costs: Costs
    model: TokenModel | None
    limits: Limits
    judge: Judge
    outcomes: Outcomes
    stop: int  # what the judge may have spent when the search ends
    memo: dict[tuple[object, ...], list[tuple[_Tried, bool]]]

    @property
    def used_up(self) -> bool:
        """Whether the work that the limits allow is done."""
        return self.judge.spent > self.stop


def text_of(lines: list[str]) -> str:
    """Return the lines as one text with a final newline."""
    return "\n".join(lines) + "\n" if lines else ""


def search(
    text: str, costs: Costs, model: TokenModel | None, limits: Limits | None = None, judge: Judge | None = None
) -> list[Outcome]:
    """Return texts that compile, cheapest first; empty when none was found within the limits.

    Call inside `compiler.quiet()`. Deterministic: the same text, costs and limits give the same answer.
    """
    first = limits or Limits()
    if len(text) > first.huge:
        return []
    outcomes = Outcomes(judge or Judge())
    found = _search(text, costs, model, first, outcomes)
    if not found and limits is None and len(text) <= first.large:
        found = _search(text, costs, model, first.wider(), outcomes)
    if found and found[0].lost:
        # Only ways that lose code came out on top: look once more, for ways that keep every line.
        texts = {outcome.text for outcome in found}
        kept = _search(text, costs, model, replace(first, lossless=True, work=first.work // 2), outcomes)
        found = sorted([*found, *(o for o in kept if o.text not in texts)], key=lambda o: o.cost)
    return found


def _search(text: str, costs: Costs, model: TokenModel | None, limits: Limits, outcomes: Outcomes) -> list[Outcome]:
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    judge = outcomes.judge
    started = judge.spent
    fault = judge.whole(text_of(lines))
    if fault is None:
        return []
    frontier = [State(lines, (), {}, 0.0, 0.0, fault)]
    finals: dict[str, State] = {}
    unit = indent_unit(lines)
    tools = _Tools(costs, model, limits, judge, outcomes, started + limits.work, {})
    furthest = 0
    for depth in range(limits.sites):
        tools.limits = limits.at(depth)
        successors: list[State] = []
        for state in frontier:
            successors.extend(_expand(state, unit, tools))
        open_states: dict[str, State] = {}
        for state in successors:
            key = text_of(state.lines)
            kept = finals if state.fault is None else open_states
            if key not in kept or state.cost < kept[key].cost:
                kept[key] = state
        reached = max((s.fault.line for s in open_states.values() if s.fault is not None), default=0)
        if reached > furthest and depth >= 2 and not finals:
            tools.stop += limits.more
            furthest = reached
        best_final = min((s.cost for s in finals.values()), default=None)
        frontier = _beam(list(open_states.values()), tools.limits.beam)
        if frontier:
            frontier = [s for s in frontier if s.priority < frontier[0].priority + limits.lead]
        if best_final is not None:
            frontier = [s for s in frontier if s.cost + limits.step < best_final]
        if not frontier or tools.used_up or (best_final is not None and len(finals) >= limits.finals):
            break
    return _finish(text, finals, tools)


def _beam(states: list[State], width: int) -> list[State]:
    """Keep the most promising states, no more than two that come to the same next fault."""
    kept: list[State] = []
    arrivals: Counter[tuple[int, str]] = Counter()
    for state in sorted(states, key=lambda s: (s.priority, s.cost)):
        arrival = (state.fault.line, state.fault.message) if state.fault else (0, "")
        arrivals[arrival] += 1
        if arrivals[arrival] <= 2:
            kept.append(state)
        if len(kept) == width:
            break
    return kept


def _finish(broken: str, finals: dict[str, State], tools: _Tools) -> list[Outcome]:
    costs = tools.costs
    best = heapq.nsmallest(tools.limits.finals, finals.items(), key=lambda item: item[1].cost)
    found: list[Outcome] = []
    for text, state in best:
        outcome = tools.outcomes.features(text)
        if outcome is not None:
            conflict = any(change.op is Op.MERGE_CONFLICT for change in state.changes)
            lost = (
                0
                if conflict
                else max(0, lost_lines(*differing(broken, text, tools.judge.compiles)) - _not_code(state.changes))
            )
            plain = state.cost + costs.of_outcome(outcome)
            total = plain + costs.loss * min(lost, _LOST_AT_MOST)
            found.append(Outcome(text, state.changes, total, state.features, outcome, lost, plain))
    return sorted(found, key=lambda o: o.cost)


def _not_code(changes: Sequence[Change]) -> int:
    """How many lines became comments because they are the text around code, or comments of another language."""
    rows = (line for change in changes if change.op is Op.STRIP_MARKUP for line in change.lines)
    return sum(1 for line in rows if line.lstrip().startswith("#"))


def _expand(state: State, unit: str, tools: _Tools) -> list[State]:
    limits, judge = tools.limits, tools.judge
    fault = state.fault
    assert fault is not None
    lines = state.lines
    passed: list[_Tried] = []
    advanced: list[_Tried] = []
    seen: set[tuple[int, int, tuple[str, ...]]] = set()
    line = min(max(fault.line - 1, 0), max(len(lines) - 1, 0))
    size = sum(map(len, lines))
    if lines and len(lines[line]) > limits.longest:
        return []
    for window in windows_around(lines, line):
        if window.last - window.first == len(lines) and size > limits.large:
            break
        if not shows(window, lines, fault, judge):
            continue
        own = tuple(lines[window.first : window.last])
        key = (own, window.first, len(lines), fault)
        known = tools.memo.get(key)
        if known is None:
            site = Site(lines=lines, fault=fault, first=window.first, last=window.last, unit=unit)
            judge.spent += 3 * sum(map(len, own))
            if len(site.unclosed) > limits.depth:
                break
            before = len(passed), len(advanced)
            _try_all(site, window, seen, passed, advanced, tools)
            known = [(t, True) for t in passed[before[0] :]] + [(t, False) for t in advanced[before[1] :]]
            tools.memo[key] = [
                (t, whole) for t, whole in known if t.change.start >= window.first and t.change.end <= window.last
            ]
        else:
            passed.extend(t for t, whole in known if whole)
            advanced.extend(t for t, whole in known if not whole)
        if passed or advanced or tools.used_up:
            break
    passed.sort(key=lambda t: t.cost)
    advanced.sort(key=lambda t: t.cost - t.progress)
    result: list[State] = []
    for tried in passed[: limits.passes] + advanced[: limits.beam * 2]:
        change = tried.change
        after = change.apply(lines)
        text = text_of(after)
        following = judge.whole(text)
        if following is not None and not is_progress(fault, following, change):
            continue
        ahead = -limits.doubt if following is not None and is_vague(following) else 0.0
        if following is not None and tried.progress:
            ahead = limits.pull * math.log1p(max(0, following.line - max(fault.line, change.start + len(change.lines))))
        result.append(
            State(
                after,
                (*state.changes, change),
                add(state.features, tried.features),
                state.cost + tried.cost,
                state.cost + tried.cost - ahead,
                following,
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class _Tried:
    cost: float
    change: Change
    features: Features
    progress: float


def _try_all(
    site: Site,
    window: Window,
    seen: set[tuple[int, int, tuple[str, ...]]],
    passed: list[_Tried],
    advanced: list[_Tried],
    tools: _Tools,
) -> None:
    limits = tools.limits
    best = min((t.cost for t in passed), default=None)
    shown = [view for view in views(site) if shows(view, site.lines, site.fault, tools.judge)]
    tail = tail_view(site)
    if tail is not None and not shows(tail, site.lines, site.fault, tools.judge):
        tail = None
    for cost, _, change, features in _ranked(site, tools, seen):
        if best is not None and cost > best + limits.gap and len(passed) + len(advanced) >= 2:
            break
        if any(stays_broken(site, change, view, tools.judge) for view in shown):
            continue
        enough = tail if tail is not None and change.start >= tail.first else window
        following = fault_after(site.lines, change, enough, tools.judge)
        if following is None:
            best = cost if best is None else min(best, cost)
            sound = 0.0 if flips_docstrings(site, change) else 1.0
            passed.append(_Tried(cost, change, features, sound))
            if len(passed) >= limits.passes:
                break
        elif is_progress(site.fault, following, change):
            reached = following.line - max(site.fault.line, change.start + len(change.lines))
            vague = is_vague(following) or flips_docstrings(site, change)
            progress = 0.0 if vague else limits.pull * math.log1p(max(0, reached))
            advanced.append(_Tried(cost, change, features, progress))
            if progress > limits.leap:
                best = cost if best is None else min(best, cost)
        if tools.used_up:
            break


def _ranked(
    site: Site, tools: _Tools, seen: set[tuple[int, int, tuple[str, ...]]]
) -> list[tuple[float, int, Change, Features]]:
    """The candidates worth a compile, cheapest first: ranked by plain features, the best of them by all features."""
    costs, model = tools.costs, tools.model
    limits = tools.limits
    # The parser stopped here and read on for nothing but strings: what stands below is not why.
    reach = site.line if is_where_parsing_stopped(site.fault) else len(site.lines)
    rough: list[tuple[float, int, Change]] = []
    for number, change in enumerate(propose(site)):
        key = (change.start, change.end, change.lines)
        if key not in seen and change.start <= reach:
            seen.add(key)
            tools.judge.spent += _CANDIDATE
            rough.append((costs.of_change(operation_features(site, change)), number, change))
    rough.sort(key=lambda item: (item[0], item[1]))
    plain: list[tuple[float, int, Change, Features]] = []
    for _, number, change in rough[: limits.tries * 3]:
        features = change_features(site, change)
        if limits.lossless and "lines-lost" in features:
            continue
        plain.append((costs.of_change(features), number, change, features))
    plain.sort(key=lambda item: (item[0], item[1]))
    ranked: list[tuple[float, int, Change, Features]] = []
    for cost, number, change, features in plain[: limits.tries]:
        extra = plausibility(site, change, model) if model is not None else {}
        ranked.append((cost + costs.of_change(extra), number, change, {**features, **extra}))
    ranked.sort(key=lambda item: (item[0], item[1]))
    return ranked
