"""What would mend a keyword that a callable does not take, and the evidence for it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping

from sophia_cli.core.findings import Fix, Safety
from sophia_cli.core.values import dataclass
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rules.calls._edits import SourceCall, SourceCalls, removed, renamed, source_call
from sophia_cli.fixers.rules.calls._similar import closest, likeness
from sophia_cli.project.calls.past import Fate, fate_of
from sophia_cli.project.calls.wrong import WrongCall
from sophia_cli.project.code.calls import Keyword

_BY_HISTORY = 0.9
_DROPPED = 0.75
_SAME_VALUE = 0.7
_SAME_LETTERS = 0.9
_NEEDED_AND_ALIKE = 0.8
_NAMED_BY_VALUE = 0.75
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class _Proposal:
    """Rename the keyword to `name`, or remove it where that is None."""

    name: str | None
    evidence: str
    confidence: float


def fixes_of(view: ProjectView, wrong: WrongCall, calls: SourceCalls) -> Mapping[Keyword, Fix]:
    """Return fixes for the unknown keywords of a call, one of `calls`, for those that there is evidence for."""
    source = calls.source
    call = source_call(calls, wrong.call)
    if call is None:
        return {}
    proposals = {keyword: _proposal(view, wrong, keyword, call) for keyword in wrong.unknown}
    wanted = Counter(proposal.name for proposal in proposals.values() if proposal is not None and proposal.name)
    fixes: dict[Keyword, Fix] = {}
    for keyword, proposal in proposals.items():
        if proposal is None or (proposal.name is not None and wanted[proposal.name] > 1):
            continue
        if proposal.name is not None:
            title = f"rename `{keyword.name}` to `{proposal.name}`"
            edit = renamed(source, keyword, proposal.name, wrong.path)
        else:
            title = f"remove `{keyword.name}`"
            edit = removed(source, call, keyword, wrong.path)
        if edit is not None:
            fixes[keyword] = Fix(title, Safety.UNSAFE, (edit,), (proposal.evidence,), proposal.confidence)
    return fixes


def _proposal(view: ProjectView, wrong: WrongCall, keyword: Keyword, call: SourceCall) -> _Proposal | None:
    fate = _fate(view, wrong, keyword)
    if fate is not None and (fate.name is None or fate.name in wrong.open):
        commit = fate.commit[:12]
        if fate.name is None:
            return _Proposal(None, f"commit {commit} dropped the parameter `{keyword.name}`", _DROPPED)
        return _Proposal(fate.name, f"commit {commit} renamed `{keyword.name}` to `{fate.name}`", _BY_HISTORY)
    return _by_value(wrong, keyword, call) or _by_name(wrong, keyword)


def _by_name(wrong: WrongCall, keyword: Keyword) -> _Proposal | None:
    needed = frozenset(wrong.missing)
    chosen = closest(keyword.name, wrong.open, needed)
    if chosen is None:
        return None
    same = likeness(keyword.name, chosen) == 1.0
    confidence = _SAME_LETTERS if same else _NEEDED_AND_ALIKE if chosen in needed else _ALIKE
    need = "needs" if chosen in needed else "takes"
    evidence = f"`{wrong.call.written}` {need} `{chosen}`, which is not passed and is the only similar name"
    return _Proposal(chosen, evidence, confidence)


def _by_value(wrong: WrongCall, keyword: Keyword, call: SourceCall) -> _Proposal | None:
    """Judge by the value: passed a second time it is not needed; named like an open parameter it belongs there."""
    value = call.values.get((keyword.line, keyword.name))
    if not isinstance(value, ast.Name | ast.Attribute):
        return None
    if call.dumps.count(ast.dump(value)) > 1:
        return _Proposal(None, f"another argument passes `{ast.unparse(value)}` already", _SAME_VALUE)
    name = value.id if isinstance(value, ast.Name) else value.attr
    if name.lstrip("_") in wrong.missing:
        needed = name.lstrip("_")
        evidence = f"`{wrong.call.written}` needs `{needed}`, which is what the value is called"
        return _Proposal(needed, evidence, _NAMED_BY_VALUE)
    return None


def _fate(view: ProjectView, wrong: WrongCall, keyword: Keyword) -> Fate | None:
    definition = wrong.definition
    if definition is None or definition.path not in view.files:
        return None
    earlier = view.past.earlier(definition.path)
    if not earlier:
        return None
    return fate_of(keyword.name, definition, view.files[definition.path].calls, earlier)
