"""The repair of one broken text: the proposals of search and history weighed against each other, and how sure it is."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

from sophia_cli.core.findings import Safety
from sophia_cli.core.values import dataclass, replace
from sophia_cli.fixers.syntax.certainty import MARGIN, certainty
from sophia_cli.fixers.syntax.change import Change
from sophia_cli.fixers.syntax.compiler import compile_fault, quiet, uncollected
from sophia_cli.fixers.syntax.costs import Costs, learned_costs
from sophia_cli.fixers.syntax.doubts import doubts, uneven_suites
from sophia_cli.fixers.syntax.judge import Judge
from sophia_cli.fixers.syntax.lessons import Lesson
from sophia_cli.fixers.syntax.line_diff import hunks
from sophia_cli.fixers.syntax.losses import differing, lost_definitions, lost_lines, lost_words
from sophia_cli.fixers.syntax.lowering import lower
from sophia_cli.fixers.syntax.mass_damage import Action
from sophia_cli.fixers.syntax.model import Kind, Repair, Site, SyntaxFault
from sophia_cli.fixers.syntax.past import PastRepair, origin_of, past_repairs
from sophia_cli.fixers.syntax.pieces import apart
from sophia_cli.fixers.syntax.safety import is_doubtful
from sophia_cli.fixers.syntax.search import Limits, Outcome, search
from sophia_cli.fixers.syntax.site import indent_unit, message_group
from sophia_cli.fixers.syntax.token_model import load_token_model
from sophia_cli.project.history.model import GoodVersion

_COMPARABLE = 60_000  # characters; longer texts are compared as they are
# Enough to see whether the search agrees with what the past shows; it need not find a way by itself.
_SHORT_SEARCH = Limits(beam=2, tries=40, passes=6, sites=20, finals=8, work=1_500_000)
_KIND_OF_GROUP = {
    "unindent": Kind.INDENTATION,
    "indent": Kind.INDENTATION,
    "tabs": Kind.INDENTATION,
    "block": Kind.EMPTY_SUITE,
    "unclosed": Kind.BRACKET,
    "unmatched": Kind.BRACKET,
    "mismatch": Kind.BRACKET,
    "comma": Kind.MISSING_TOKEN,
    "colon": Kind.MISSING_TOKEN,
    "triple": Kind.STRING,
    "string": Kind.STRING,
    "fstring": Kind.STRING,
    "character": Kind.JUNK,
    "future": Kind.LATE_FUTURE,
    "except": Kind.TRUNCATED,
    "argument": Kind.SIGNATURE,
    "scope": Kind.SCOPE,
    "outside": Kind.SCOPE,
}


@dataclass(frozen=True, slots=True)
class _Proposal:
    """One way to mend the text, with the share of the probability that the search gives to it and its equals."""

    text: str
    changes: tuple[Change, ...]
    share: float
    past: PastRepair | None


def kind_of(fault: SyntaxFault) -> Kind:
    """Return the kind of breakage that the compiler's message alone suggests."""
    return _KIND_OF_GROUP.get(message_group(fault.message), Kind.OTHER)


def repair(
    text: str,
    fault: SyntaxFault,
    *,
    good: GoodVersion | None = None,
    lessons: Sequence[Lesson] = (),
    by_tool: bool = False,
    limits: Limits | None = None,
) -> Repair | None:
    """Return the most plausible repair of a broken text (newlines as `\\n`), None when nothing was found.

    `fault` is what `compile_fault` says of the text; `by_tool` says that the commit that broke the file broke others
    the same way. Deterministic, bounded by `limits`, free of IO.

    What the past shows is weighed against what the search finds, and makes the search shorter: a file that returns to
    what it was before a commit that only deleted lines has no rival, a small reversal only such as agree with it. The
    rest is searched in full. Safe is what history restores to the letter, or what the search alone is sure of; where
    tools deleted lines in the project, a repair without the file's own past is unsafe: nobody knows what is lost.
    """
    costs = learned_costs()
    judge = Judge()
    with quiet(), uncollected():
        past = past_repairs(text, good, lessons, compile_fault, by_tool=by_tool) if good is not None or lessons else ()
        if good is not None and good.is_copy:
            # The copy never held this file's own lines: that it lacks one says nothing against the line.
            past = tuple(proposal for proposal in past if not proposal.dropped)
        if past and past[0].is_certain:
            outcomes = []
        else:
            short = bool(past) and past[0].is_small
            outcomes = search(text, costs, load_token_model(), limits or (_SHORT_SEARCH if short else None), judge)
    forms = _Forms([*(outcome.text for outcome in outcomes), *(proposal.text for proposal in past)], judge)
    proposals = _merge(_shares(text, fault, outcomes, forms), past, forms)
    if not proposals:
        return None
    best = _choose(text, proposals)
    rivals = [proposal for proposal in proposals if proposal is not best]
    confidence = _confidence(best, outcomes, costs, forms)
    chosen = best if best.past is not None else replace(best, text=_without_emptied_end(text, best.text))
    parts = differing(text, chosen.text, judge.compiles)
    sites = _sites(text, chosen, fault)
    return Repair(
        text=chosen.text,
        sites=sites,
        safety=_safety(text, chosen, parts, outcomes, confidence, costs, by_tool or _deletes(lessons)),
        confidence=round(confidence, 3),
        evidence=_evidence(chosen, rivals, lost_lines(*parts)),
        alternatives=tuple(_describe(text, rival, fault) for rival in rivals[:3]),
        origin=origin_of(good),
    )


def older_spelling(text: str, fault: SyntaxFault) -> tuple[tuple[int, int], Repair | None] | None:
    """Return the newer Python that a text is valid for, and its older spelling where there is one that does the same.

    None for a text that is broken.
    """
    lowered = lower(text, fault)
    if lowered is None:
        return None
    if not lowered.faithful:
        return lowered.needs, None
    sites = _sites(text, _Proposal(lowered.text, (), 1.0, None), fault)
    evidence = tuple(f"{construct}: Python {lowered.needs[0]}.{lowered.needs[1]}" for construct in lowered.constructs)
    return lowered.needs, Repair(lowered.text, sites, Safety.UNSAFE, 0.9, evidence)


def _shares(text: str, fault: SyntaxFault, outcomes: Sequence[Outcome], forms: _Forms) -> list[_Proposal]:
    """Texts with the same syntax tree count as one; each gets its share of the probability.

    Of equals, the one whose suites are indented most evenly stands for all, then the one that changes the fewest lines,
    best by an operation of the fault's own kind.
    """
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(forms.of(outcome.text), []).append(outcome)
    if not groups:
        return []
    weights = {form: math.exp(outcomes[0].cost - group[0].cost) for form, group in groups.items()}
    total = sum(weights.values())
    lines, kind = text.count("\n"), kind_of(fault)
    step = len(indent_unit(text.split("\n")))

    def plainness(outcome: Outcome) -> tuple[int, int, bool, float]:
        touched = sum(max(len(change.lines), change.end - change.start) for change in outcome.changes)
        foreign = all(change.kind is not kind for change in outcome.changes)
        uneven = forms.uneven(outcome.text, step) if len(group) > 1 else 0
        return (uneven, touched + abs(outcome.text.count("\n") - lines), foreign, outcome.cost)

    found = []
    for form, group in groups.items():
        plain = min(group, key=plainness)
        found.append(_Proposal(plain.text, plain.changes, weights[form] / total, None))
    return sorted(found, key=lambda p: -p.share)


def _without_emptied_end(text: str, mended: str) -> str:
    """The mended text without the blank line that is left of a last line which went."""
    end = text.removesuffix("\n").rpartition("\n")[2]
    head, _, last = mended.removesuffix("\n").rpartition("\n")
    return head + "\n" if end.strip() and head.strip() and not last.strip() else mended


class _Forms:
    """Comparable forms of texts that compile: their syntax trees, where they differ."""

    __slots__ = ("_head", "_known", "_tail")

    def __init__(self, texts: Sequence[str], judge: Judge) -> None:
        self._head, self._tail = apart(texts[0], list(texts[1:]), judge.compiles) if texts else (0, 0)
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return the same string for texts with the same syntax tree; very long texts are compared as they are."""
        form = self._known.get(text)
        if form is None:
            form = self._known[text] = self._read(text)
        return form

    def uneven(self, text: str, step: int) -> int:
        """Return how many suites of the text are not indented by `step`; those that all texts have do not count."""
        tree = self._tree(text)
        return 0 if tree is None else uneven_suites(tree, step)

    def _read(self, text: str) -> str:
        tree = self._tree(text)
        return text[self._head : len(text) - self._tail] if tree is None else ast.dump(tree)

    def _tree(self, text: str) -> ast.Module | None:
        part = text[self._head : len(text) - self._tail]
        if len(part) > _COMPARABLE:
            return None
        with quiet(), uncollected():
            try:
                return ast.parse(part)
            except SyntaxError:
                return ast.parse(text)


def _merge(found: list[_Proposal], past: Sequence[PastRepair], forms: _Forms) -> list[_Proposal]:
    """Put history's proposals beside the search's; one that both make carries both, in the very text of the past."""
    result = list(found)
    places = {forms.of(p.text): i for i, p in enumerate(result)} if past else {}
    for proposal in past:
        at = places.get(forms.of(proposal.text))
        if at is not None and result[at].past is None:
            result[at] = _Proposal(proposal.text, result[at].changes, result[at].share, proposal)
        elif at is None:
            result.append(_Proposal(proposal.text, (), 0.0, proposal))
    return result


def _choose(text: str, proposals: list[_Proposal]) -> _Proposal:
    """What the past shows, unless it is large and the search gets there without losing more code."""
    backed = [p for p in proposals if p.past is not None]
    best = proposals[0]
    if not backed:
        return best
    first = backed[0]
    assert first.past is not None
    if first.past.is_certain:
        return first
    agreed = next((p for p in backed if p.share > 0.05), None)
    if agreed is not None:
        return agreed
    if best.share == 0.0 or first.past.is_small or lost_lines(text, best.text) > first.past.dropped:
        return first
    return best


def _confidence(chosen: _Proposal, outcomes: Sequence[Outcome], costs: Costs, forms: _Forms) -> float:
    if chosen.past is not None and chosen.past.is_certain:
        return 0.98
    sure = 0.0
    if outcomes and chosen.share > 0.0 and forms.of(chosen.text) == forms.of(outcomes[0].text):
        best = outcomes[0]
        form = forms.of(best.text)
        # What a lost line costs is a policy and says nothing about how plausible a rival is.
        plain = best.plausibility
        rival = min((o.plausibility for o in outcomes[1:] if forms.of(o.text) != form), default=plain + MARGIN)
        done = [(change.op.value, change.detail, change.token) for change in best.changes]
        sure = certainty(rival - plain, done, costs.certainty)
    if chosen.past is None:
        return sure if sure else 0.5 * chosen.share
    if chosen.share > 0.05:
        return max(0.85, sure)
    return max(0.3, 0.85 - 0.03 * chosen.past.lines)


def _deletes(lessons: Sequence[Lesson]) -> bool:
    return any(lesson.signature.action is Action.DELETED for lesson in lessons)


def _safety(
    text: str,
    chosen: _Proposal,
    parts: tuple[str, str],
    outcomes: Sequence[Outcome],
    confidence: float,
    costs: Costs,
    lost_to_tools: bool,
) -> Safety:
    """Safe only when no rival comes close and nothing is lost; what takes or silences code is never safe.

    `parts` are where the text and the chosen one differ; nothing in them may tell that the file was meant otherwise.
    """
    if chosen.past is not None and chosen.past.is_certain:
        # Every line of the broken text stays, and stands where it stood when the file compiled.
        return Safety.SAFE
    if lost_to_tools and (chosen.past is None or chosen.past.reversal is None):
        return Safety.UNSAFE
    if confidence < costs.safe or is_doubtful(text, chosen.changes):
        return Safety.UNSAFE
    if chosen.past is not None and chosen.past.dropped:
        return Safety.UNSAFE
    if chosen.past is not None and chosen.share < costs.safe:
        return Safety.UNSAFE
    if lost_lines(*parts) or lost_definitions(*parts) or lost_words(*parts) > 1:
        return Safety.UNSAFE
    unresolved = next((o.outcome.get("unresolved", 0.0) for o in outcomes if o.changes == chosen.changes), 0.0)
    step = len(indent_unit(text.split("\n")))
    return Safety.UNSAFE if doubts(text, parts, chosen.changes, step, unresolved) else Safety.SAFE


def _sites(text: str, chosen: _Proposal, fault: SyntaxFault) -> tuple[Site, ...]:
    old, new = text.split("\n"), chosen.text.split("\n")
    if old and old[-1] == "" and new and new[-1] == "":
        old, new = old[:-1], new[:-1]
    elif new and new[-1] == "" and old[-1] != "":
        new = new[:-1]
    marks = _marks(chosen.changes)
    default = (kind_of(fault), "take a breaking change back" if chosen.past is not None else "mend the syntax")
    sites: list[Site] = []
    for hunk in hunks(new, old):
        kind, title = _nearest(marks, hunk.good_start, hunk.good_end) or default
        sites.append(Site(kind, hunk.start, hunk.end, tuple(new[hunk.good_start : hunk.good_end]), title))
    return tuple(sites)


def _marks(changes: Sequence[Change]) -> list[tuple[int, int, Kind, str]]:
    """Where each change stands in the finished text."""
    marks: list[tuple[int, int, Kind, str]] = []
    for change in changes:
        growth = len(change.lines) - (change.end - change.start)
        marks = [
            (start + growth, end + growth, kind, title) if start >= change.end else (start, end, kind, title)
            for start, end, kind, title in marks
        ]
        marks.append((change.start, change.start + len(change.lines), change.kind, change.title))
    return marks


def _nearest(marks: list[tuple[int, int, Kind, str]], start: int, end: int) -> tuple[Kind, str] | None:
    best: tuple[int, Kind, str] | None = None
    for low, high, kind, title in marks:
        distance = max(0, low - end, start - high)
        if best is None or distance < best[0]:
            best = (distance, kind, title)
    return (best[1], best[2]) if best else None


def _evidence(chosen: _Proposal, rivals: list[_Proposal], lost: int) -> tuple[str, ...]:
    evidence: list[str] = []
    if chosen.past is not None:
        evidence.extend(chosen.past.evidence)
    evidence.append("the whole file compiles with it")
    if chosen.changes:
        next_best = max((rival.share for rival in rivals), default=0.0)
        if next_best > 0.005:
            evidence.append(f"{chosen.share:.0%} of the weight of all candidates, the next has {next_best:.0%}")
        else:
            evidence.append("no other candidate comes close")
    if lost:
        evidence.append(f"{lost} {'line' if lost == 1 else 'lines'} of code would be lost")
    return tuple(evidence)


def _describe(text: str, rival: _Proposal, fault: SyntaxFault) -> str:
    sites = _sites(text, rival, fault)
    if not sites:
        return "no change"
    first = sites[0]
    shown = " / ".join(line.strip() for line in first.replacement[:2])[:100] or "(nothing)"
    more = f" and {len(sites) - 1} more places" if len(sites) > 1 else ""
    return f"line {first.start + 1}: {first.title}: {shown}{more} ({rival.share:.0%})"
