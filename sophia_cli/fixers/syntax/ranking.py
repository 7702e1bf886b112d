"""The candidates for one fault, cheapest first, each looked at no closer than its place in the order asks for."""

from __future__ import annotations

import heapq
import re
from typing import NamedTuple

from sophia_cli.fixers.syntax.candidates import propose
from sophia_cli.fixers.syntax.change import Change, Op
from sophia_cli.fixers.syntax.costs import Costs
from sophia_cli.fixers.syntax.features import (
    LEAST_SURPRISE,
    Features,
    change_features,
    is_judged_by_tokens,
    operation_features,
    plausibility,
)
from sophia_cli.fixers.syntax.progress import is_where_parsing_stopped
from sophia_cli.fixers.syntax.site import Site, indent_of, is_code
from sophia_cli.fixers.syntax.token_model import TokenModel

_NO_QUOTES = re.compile(r"[^'\"\\#]+")
_FEATURES = 3  # candidates whose lines are looked at, for each that is compiled


class Ranked(NamedTuple):
    """A candidate with what it costs and why."""

    cost: float
    number: int
    change: Change
    features: Features


class Bound(NamedTuple):
    """A candidate costs this at least; exactly this when `known`."""

    cost: float
    number: int
    known: bool
    candidate: Ranked


class Ranking:
    """What is known about the candidates for one site. `size` is how many there are."""

    __slots__ = ("_costs", "_extra", "_model", "_plain", "_rough", "site", "size")

    def __init__(self, site: Site, costs: Costs, model: TokenModel | None) -> None:
        self.site = site
        self._costs, self._model = costs, model
        # The parser stopped here and read on for nothing but strings: what stands below is not why.
        reach = site.line if is_where_parsing_stopped(site.fault) else len(site.lines)
        rough = [
            (costs.of_change(operation_features(site, change)), number, change)
            for number, change in enumerate(propose(site))
            if (change.start <= reach or change.op is Op.MERGE_CONFLICT) and not is_idle(site, change)
        ]
        rough.sort(key=_order)
        self._rough = rough
        self.size = len(rough)
        self._plain: list[Ranked] = []
        self._extra: dict[int, tuple[float, Features]] = {}

    def cheapest(self, tries: int, *, lossless: bool) -> list[Bound]:
        """Return the `tries` cheapest by all but their tokens, as a heap; with `lossless` none that loses lines."""
        costs = self._costs
        for _, number, change in self._rough[len(self._plain) : tries * _FEATURES]:
            features = change_features(self.site, change)
            self._plain.append(Ranked(costs.of_change(features), number, change, features))
        plain = self._plain[: tries * _FEATURES]
        if lossless:
            plain = [one for one in plain if "lines-lost" not in one.features]
        plain.sort(key=_order)
        least = 0.0 if self._model is None else costs.of_change(LEAST_SURPRISE)
        heap = [
            Bound(one.cost + least, one.number, False, one)
            if least and is_judged_by_tokens(one.change)
            else Bound(one.cost, one.number, True, one)
            for one in plain[:tries]
        ]
        heapq.heapify(heap)
        return heap

    def closer(self, one: Ranked) -> Bound:
        """Return a candidate with what its tokens cost."""
        if one.number not in self._extra:
            assert self._model is not None
            features = plausibility(self.site, one.change, self._model)
            self._extra[one.number] = self._costs.of_change(features), features
        more, features = self._extra[one.number]
        cost = one.cost + more
        return Bound(cost, one.number, True, Ranked(cost, one.number, one.change, {**one.features, **features}))


def is_idle(site: Site, change: Change) -> bool:
    """Whether a change cannot help: the fault is how a line is indented, and no line up to there is indented
    otherwise; or a string does not end in its line, and no quotes change."""
    if site.fault.message.startswith("unterminated string literal"):
        return _keeps_quotes(site, change)
    if site.fault.type == "SyntaxError" or site.fault.line - 1 != site.line or not is_code(site.lines[site.line]):
        return False
    if change.op is Op.MERGE_CONFLICT or change.start < site.line or site.header == site.line:
        return False
    if change.start > site.line:
        return True
    first = change.lines[0] if change.lines else ""
    return is_code(first) and indent_of(first) == indent_of(site.lines[site.line])


def _keeps_quotes(site: Site, change: Change) -> bool:
    """Whether one line becomes another with the same quotes, escapes and signs of remarks."""
    if change.end - change.start != 1 or len(change.lines) != 1 or change.start > site.fault.line - 1:
        return False
    return _NO_QUOTES.sub("", change.lines[0]) == _NO_QUOTES.sub("", site.lines[change.start])


def _order(one: tuple[float, int, object] | Ranked) -> tuple[float, int]:
    return one[0], one[1]
