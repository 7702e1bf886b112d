"""The search: from a broken text to the cheapest texts that compile, one fault at a time, several ways kept."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.syntax.change import REPEATED, REPEATED_AT_LEAST, Change, Op
from sophia_cli.fixers.syntax.compiler import is_late
from sophia_cli.fixers.syntax.costs import Costs
from sophia_cli.fixers.syntax.features import (
    Features,
    add,
    flips_docstrings,
    repetition,
)
from sophia_cli.fixers.syntax.frontier import BURDEN, State, abreast, beam, text_of, undominated
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.losses import differing, lost_lines
from sophia_cli.fixers.syntax.model import SyntaxFault
from sophia_cli.fixers.syntax.outcome import Outcomes
from sophia_cli.fixers.syntax.progress import Trial, Verdict, is_progress, is_vague, shows
from sophia_cli.fixers.syntax.ranking import Ranking
from sophia_cli.fixers.syntax.site import Site, indent_unit
from sophia_cli.fixers.syntax.token_model import TokenModel
from sophia_cli.fixers.syntax.window import Window, windows_around

_CHARACTER = 3  # characters that the compiler reads in the time that one of a window costs that is looked at
_CANDIDATE = 500  # characters that the compiler reads in the time that a candidate costs that is only ranked
_Place = tuple[tuple[str, ...], int, int, SyntaxFault]  # a window's lines, where it begins, how long the text is
_CONFLICT_LOSS = 1.0  # what a line costs that a resolved conflict drops: often somebody wanted that
_LOST_AT_MOST = 4  # lines that count; who loses more loses enough


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the search goes. Counts, not seconds, so that a result does not depend on the machine's load."""

    beam: int = 4
    tries: int = 80
    passes: int = 10
    gap: float = 3.0
    pull: float = 0.8
    lead: float = 4.0
    doubt: float = 1.0
    step: float = 1.5
    lossless: bool = False
    abreast: bool = False  # whether a text that came further waits for those that are behind
    leap: float = 1.2
    slack: float = 1.0
    many: int = 6  # changes from which on two searches are better than one
    sites: int = 400
    finals: int = 10
    work: int = 4_000_000  # characters read by compiler and tokenizer, in all
    more: int = 600_000  # work that is added when the next of many faults is reached
    more_texts: int = 60  # the same for the first of them, in texts as long as the whole
    large: int = 200_000  # characters; longer texts are only looked at in windows
    longest: int = 20_000  # characters of the fault's line
    huge: int = 1_000_000  # characters; longer texts are not searched at all
    depth: int = 200  # brackets open at the fault; nobody left so many open

    def wider(self) -> Limits:
        """Return the limits for a second search, of a text for which the first found nothing."""
        return replace(self, tries=170, passes=12, gap=9.0, sites=8, work=4_000_000)

    def straighter(self) -> Limits:
        """Return the limits for a search that follows the best way only, for a text with more faults than work."""
        return replace(self, beam=1, passes=3, gap=2.0, lead=0.1, work=self.work // 2)

    def more_for(self, text: str, depth: int) -> int:
        """Return the work that is added when the fault after `depth` others is reached."""
        return max(self.more, min(self.more_texts * len(text), self.work)) if depth < 8 else self.more

    def at(self, depth: int) -> Limits:
        """Return the limits for the fault after `depth` others: many faults in one file are looked at more quickly."""
        if depth < 5:
            return self
        return replace(self, beam=2 if depth < 10 else 1, tries=min(self.tries, 80), passes=4, gap=min(self.gap, 3.0))


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


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """What one search leaves to the next for the same text."""

    costs: Costs
    model: TokenModel | None
    judge: Judge
    outcomes: Outcomes
    rankings: dict[_Place, Ranking]


@dataclass(slots=True)
class _Tools:
    knowledge: _Knowledge
    limits: Limits
    stop: int  # what the judge may have spent when the search ends
    memo: dict[_Place, tuple[list[_Tried], list[_Tried]]]

    @property
    def judge(self) -> Judge:
        """The judge of all searches for the text."""
        return self.knowledge.judge

    @property
    def used_up(self) -> bool:
        """Whether the work that the limits allow is done."""
        return self.judge.spent > self.stop


def search(
    text: str, costs: Costs, model: TokenModel | None, limits: Limits | None = None, judge: Judge | None = None
) -> list[Outcome]:
    """Return texts that compile, cheapest first; empty when none was found within the limits.

    Call inside `compiler.quiet()`. Deterministic: the same text, costs and limits give the same answer.
    """
    first = limits or Limits()
    if len(text) > first.huge:
        return []
    judge = judge or Judge()
    knowledge = _Knowledge(costs, model, judge, Outcomes(judge), {})
    found = _search(text, first, knowledge)
    if limits is None and len(text) <= first.large and (not found or len(found[0].changes) >= first.many):
        # Many faults: texts that came to different ones are hard to compare, so do it in the other way as well.
        found = _merged(found, _search(text, replace(first, abreast=True), knowledge))
    if not found and limits is None and len(text) <= first.large:
        found = _search(text, first.straighter(), knowledge) if judge.spent > first.work else []
        found = found or _search(text, first.wider(), knowledge)
    if found and found[0].lost:
        # Only ways that lose code came out on top: look once more, for ways that keep every line.
        keeping = replace(first, lossless=True, gap=first.gap * 2, work=first.work // 2)
        spent = judge.spent
        kept = _search(text, keeping, knowledge)
        if not kept and judge.spent > spent + keeping.work:
            kept = _search(text, keeping.straighter(), knowledge)
        found = _merged(found, kept)
    return found


def _merged(found: list[Outcome], more: list[Outcome]) -> list[Outcome]:
    """The outcomes of two searches, each text once, cheapest first."""
    best = {outcome.text: outcome for outcome in sorted([*found, *more], key=lambda o: o.cost, reverse=True)}
    return sorted(best.values(), key=lambda o: o.cost)


def _search(text: str, limits: Limits, knowledge: _Knowledge) -> list[Outcome]:
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    judge = knowledge.judge
    started = judge.spent
    fault = judge.whole(text_of(lines))
    if fault is None:
        return []
    waiting = [State(lines, (), {}, 0.0, 0.0, fault)]
    finals: dict[str, State] = {}
    unit = indent_unit(lines)
    tools = _Tools(knowledge, limits, started + limits.work, {})
    furthest = 0
    for _ in range(limits.sites):
        going, later = abreast(waiting, tools.limits.beam) if limits.abreast else (waiting, [])
        depth = min(len(state.changes) for state in going)
        tools.limits = limits.at(depth)
        reached = 0
        open_states = {text_of(state.lines): state for state in later}
        for state in (following for one in going for following in _expand(one, unit, tools)):
            key = text_of(state.lines)
            kept = finals if state.fault is None else open_states
            if key not in kept or state.cost < kept[key].cost:
                kept[key] = state
            if state.fault is not None:
                reached = max(reached, state.fault.line)
        if reached > furthest and depth >= 2 and not finals:
            tools.stop += limits.more_for(text, depth)
            furthest = reached
        best_final = min((s.cost for s in finals.values()), default=None)
        if limits.abreast and tools.limits.beam > 1:
            waiting = undominated(list(open_states.values()), limits.slack)
        else:
            waiting = beam(list(open_states.values()), tools.limits.beam, limits.lead)
        if best_final is not None:
            waiting = [s for s in waiting if s.cost + limits.step < best_final]
        if not waiting or tools.used_up or (best_final is not None and len(finals) >= limits.finals):
            break
    return _finish(text, finals, tools)


def _finish(broken: str, finals: dict[str, State], tools: _Tools) -> list[Outcome]:
    costs = tools.knowledge.costs
    best = heapq.nsmallest(tools.limits.finals, finals.items(), key=lambda item: item[1].cost)
    found: list[Outcome] = []
    for text, state in best:
        outcome = tools.knowledge.outcomes.features(text)
        if outcome is not None:
            conflict = any(change.op is Op.MERGE_CONFLICT and change.detail != "stray" for change in state.changes)
            lost = max(0, lost_lines(*differing(broken, text, tools.judge.compiles)) - _not_code(state.changes))
            plain = state.cost + costs.of_outcome(outcome)
            spared = min(lost, _repeated(state.changes))
            total = plain + (_CONFLICT_LOSS if conflict else costs.loss) * min(lost - spared, _LOST_AT_MOST)
            lost = 0 if conflict else lost
            found.append(Outcome(text, state.changes, total, state.features, outcome, lost, plain))
    return sorted(found, key=lambda o: o.cost)


def _repeated(changes: Sequence[Change]) -> int:
    """How many lines go because the same lines stand right above: nothing is lost with them but the second time."""
    sizes = (change.end - change.start for change in changes if change.detail == REPEATED)
    return sum(size for size in sizes if size >= REPEATED_AT_LEAST)


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
        key: _Place = (own, window.first, len(lines), fault)
        known = tools.memo.get(key)
        if known is None:
            ranking = tools.knowledge.rankings.get(key)
            if ranking is None:
                site = Site(lines=lines, fault=fault, first=window.first, last=window.last, unit=unit)
                judge.spent += _CHARACTER * sum(map(len, own))
                if len(site.unclosed) > limits.depth:
                    break
                ranking = Ranking(site, tools.knowledge.costs, tools.knowledge.model)
                judge.spent += _CANDIDATE * ranking.size
                tools.knowledge.rankings[key] = ranking
            passed, advanced = _try_all(ranking, window, tools)
            tools.memo[key] = (
                [tried for tried in passed if _is_inside(tried.change, window)],
                [tried for tried in advanced if _is_inside(tried.change, window)],
            )
        else:
            passed, advanced = list(known[0]), list(known[1])
        if passed or advanced or tools.used_up:
            break
    passed.sort(key=lambda t: t.cost)
    advanced.sort(key=lambda t: t.cost - t.progress)
    result: list[State] = []
    arrived = 0
    for number, tried in enumerate(passed[: limits.passes] + advanced[: limits.beam * 2]):
        if arrived >= limits.beam and number < len(passed):
            continue  # it would come to what those before it came to, and they are cheaper
        change = tried.change
        after = change.apply(lines)
        following = tried.settled or judge.whole(text_of(after))
        if following is not None and not is_progress(fault, following, change):
            continue
        if following is not None and following.line > window.last + len(change.lines) - (change.end - change.start):
            arrived += 1
        ahead = -limits.doubt if following is not None and is_vague(following) else 0.0
        if following is not None and tried.progress:
            reached = len(after) if is_late(following) else following.line
            ahead = limits.pull * math.log1p(max(0, reached - max(fault.line, change.start + len(change.lines))))
        repeated = repetition(change, state.changes)
        cost = state.cost + tried.cost + tools.knowledge.costs.of_change(repeated)
        features = add(add(state.features, tried.features), repeated)
        # What loses lines costs more in the end: such ways must not crowd out the others before.
        burden = BURDEN * features.get("lines-lost", 0.0)
        result.append(State(after, (*state.changes, change), features, cost, cost + burden - ahead, following))
    return result


def _fails_late(site: Site, change: Change, judge: Judge) -> bool:
    """Whether a change that parses does not help where the fault is one that only the whole compiler tells."""
    if not is_late(site.fault):
        return False
    fault = judge.whole(text_of(change.apply(site.lines)))
    return fault is not None and not is_progress(site.fault, fault, change)


@dataclass(frozen=True, slots=True)
class _Tried:
    cost: float
    change: Change
    features: Features
    progress: float
    settled: SyntaxFault | None = None


def _is_inside(change: Change, window: Window) -> bool:
    return change.start >= window.first and change.end <= window.last


def _try_all(ranking: Ranking, window: Window, tools: _Tools) -> tuple[list[_Tried], list[_Tried]]:
    """Return the changes after which the window compiles, and those after which its next fault is further on."""
    limits, site = tools.limits, ranking.site
    trial = Trial(site, window, tools.judge)
    passed: list[_Tried] = []
    advanced: list[_Tried] = []
    best: float | None = None
    heap = ranking.cheapest(limits.tries, lossless=limits.lossless)
    verdicts: dict[int, Verdict] = {}
    while heap and not tools.used_up:
        bound, number, known, one = heapq.heappop(heap)
        if best is not None and bound > best + limits.gap and len(passed) + len(advanced) >= 2:
            break
        change = one.change
        verdict = verdicts.get(number) or trial.verdict(change)
        if verdict is None or (verdict.fault is None and _fails_late(site, change, tools.judge)):
            continue
        if not known:
            # How plausible its tokens are is only asked of a candidate that helps.
            verdicts[number] = verdict
            heapq.heappush(heap, ranking.closer(one))
            continue
        following = verdict.fault
        if following is None:
            best = bound if best is None else min(best, bound)
            sound = 0.0 if flips_docstrings(site, change) else 1.0
            passed.append(_Tried(bound, change, one.features, sound))
            if len(passed) >= limits.passes:
                break
        else:
            reached = following.line - max(site.fault.line, change.start + len(change.lines))
            vague = is_vague(following) or flips_docstrings(site, change)
            progress = 0.0 if vague else limits.pull * math.log1p(max(0, reached))
            settled = following if verdict.settled else None
            advanced.append(_Tried(bound, change, one.features, progress, settled))
            if progress > limits.leap:
                best = bound if best is None else min(best, bound)
    return passed, advanced
