"""One step of the search: from a text on the way to those that one change more leads to."""

from __future__ import annotations

import heapq
import math

from sophia_cli.core.values import dataclass, field
from sophia_cli.fixers.syntax.change import Change
from sophia_cli.fixers.syntax.compiler import is_late
from sophia_cli.fixers.syntax.costs import Costs
from sophia_cli.fixers.syntax.effort import Limits
from sophia_cli.fixers.syntax.features import Features, add, flips_docstrings, repetition
from sophia_cli.fixers.syntax.frontier import BURDEN, State, text_of
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.model import SyntaxFault, moved_down
from sophia_cli.fixers.syntax.outcome import Outcomes
from sophia_cli.fixers.syntax.progress import Trial, Verdict, is_progress, is_vague, shows
from sophia_cli.fixers.syntax.ranking import Ranking
from sophia_cli.fixers.syntax.site import Site
from sophia_cli.fixers.syntax.token_model import TokenModel
from sophia_cli.fixers.syntax.window import Window, windows_around

_CHARACTER = 3  # characters that the compiler reads in the time that one of a window costs that is looked at
_CANDIDATE = 500  # characters that the compiler reads in the time that a candidate costs that is only ranked
# The lines around a fault, the fault in them, how many changes were tried, whether all lines were to stay.
_Spot = tuple[tuple[str, ...], SyntaxFault, int, bool]
_NEAR = 30
_Place = tuple[tuple[str, ...], int, int, SyntaxFault]  # a window's lines, where it begins, how long the text is


@dataclass(frozen=True, slots=True)
class Tried:
    cost: float
    change: Change
    features: Features
    progress: float
    settled: SyntaxFault | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one search leaves to the next for the same text.

    `dead_ends` are places where no change helped, however much of the text around was looked at: who comes there in
    another way, with the same lines around, finds none either.
    """

    costs: Costs
    model: TokenModel | None
    judge: Judge
    outcomes: Outcomes
    rankings: dict[_Place, Ranking] = field(default_factory=dict)
    dead_ends: set[_Spot] = field(default_factory=set)


@dataclass(slots=True)
class Tools:
    knowledge: Knowledge
    limits: Limits
    stop: int  # what the judge may have spent when the search ends
    memo: dict[_Place, tuple[list[Tried], list[Tried]]]

    @property
    def judge(self) -> Judge:
        """The judge of all searches for the text."""
        return self.knowledge.judge

    @property
    def used_up(self) -> bool:
        """Whether the work that the limits allow is done."""
        return self.judge.spent > self.stop


def expand(state: State, unit: str, tools: Tools) -> list[State]:
    """Return the texts that the best changes at a text's fault lead to, none where the search goes no further."""
    limits, judge = tools.limits, tools.judge
    fault = state.fault
    assert fault is not None
    lines = state.lines
    passed: list[Tried] = []
    advanced: list[Tried] = []
    line = min(max(fault.line - 1, 0), max(len(lines) - 1, 0))
    size = sum(map(len, lines))
    if lines and len(lines[line]) > limits.longest:
        return []
    place: _Spot | None = None
    for window in windows_around(lines, line):
        if window.last - window.first == len(lines) and size > limits.large:
            break
        if not shows(window, lines, fault, judge):
            continue
        own = tuple(lines[window.first : window.last])
        if place is None:
            top = max(window.first, line - _NEAR)
            place = tuple(lines[top : line + _NEAR]), moved_down(fault, -top), limits.tries, limits.lossless
            if place in tools.knowledge.dead_ends:
                return []
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
    if not (passed or advanced or tools.used_up or place is None):
        tools.knowledge.dead_ends.add(place)
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


def _is_inside(change: Change, window: Window) -> bool:
    return change.start >= window.first and change.end <= window.last


def _try_all(ranking: Ranking, window: Window, tools: Tools) -> tuple[list[Tried], list[Tried]]:
    """Return the changes after which the window compiles, and those after which its next fault is further on."""
    limits, site = tools.limits, ranking.site
    trial = Trial(site, window, tools.judge)
    passed: list[Tried] = []
    advanced: list[Tried] = []
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
            passed.append(Tried(bound, change, one.features, sound))
            if len(passed) >= limits.passes:
                break
        else:
            reached = following.line - max(site.fault.line, change.start + len(change.lines))
            vague = is_vague(following) or flips_docstrings(site, change)
            progress = 0.0 if vague else limits.pull * math.log1p(max(0, reached))
            settled = following if verdict.settled else None
            advanced.append(Tried(bound, change, one.features, progress, settled))
            if progress > limits.leap:
                best = bound if best is None else min(best, bound)
    return passed, advanced
