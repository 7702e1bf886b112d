"""The search: from a broken text to the cheapest texts that compile, one fault at a time, several ways kept."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.syntax.change import REPEATED, REPEATED_AT_LEAST, Change, Op
from sophia_cli.fixers.syntax.costs import Costs
from sophia_cli.fixers.syntax.effort import Limits
from sophia_cli.fixers.syntax.expansion import Knowledge, Tools, expand
from sophia_cli.fixers.syntax.features import Features
from sophia_cli.fixers.syntax.frontier import State, abreast, beam, text_of, undominated
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.losses import differing, lost_lines
from sophia_cli.fixers.syntax.outcome import Outcomes
from sophia_cli.fixers.syntax.site import indent_unit
from sophia_cli.fixers.syntax.token_model import TokenModel

__all__ = ["Limits", "Outcome", "search"]

_CONFLICT_LOSS = 1.0  # what a line costs that a resolved conflict drops: often somebody wanted that
_LOST_AT_MOST = 4  # lines that count; who loses more loses enough


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
    knowledge = Knowledge(costs, model, judge, Outcomes(judge))
    stop = judge.spent + first.work
    found = _search(text, first, knowledge)
    if limits is None and len(text) <= first.large and (not found or len(found[0].changes) >= first.many):
        # Many faults: texts that came to different ones are hard to compare, so do it in the other way as well.
        settled = bool(found) or judge.spent < stop
        found = _merged(found, _search(text, first.beside(settled=settled), knowledge))
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


def _search(text: str, limits: Limits, knowledge: Knowledge) -> list[Outcome]:
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
    tools = Tools(knowledge, limits, started + limits.work, {})
    furthest = 0
    for _ in range(limits.sites):
        going, later = abreast(waiting, tools.limits.beam) if limits.abreast else (waiting, [])
        depth = min(len(state.changes) for state in going)
        tools.limits = limits.at(depth)
        reached = 0
        open_states = {text_of(state.lines): state for state in later}
        for state in (following for one in going for following in expand(one, unit, tools)):
            key = text_of(state.lines)
            kept = finals if state.fault is None else open_states
            if key not in kept or state.cost < kept[key].cost:
                kept[key] = state
            if state.fault is not None:
                reached = max(reached, state.fault.line)
        if reached > furthest and depth >= 2 and not finals:
            tools.stop = max(tools.stop, min(tools.stop + limits.more_for(text, depth), judge.spent + limits.most))
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


def _finish(broken: str, finals: dict[str, State], tools: Tools) -> list[Outcome]:
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
