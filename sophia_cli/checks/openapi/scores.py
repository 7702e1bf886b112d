"""Whether a computed figure is computed: clearly different inputs do not all get the same one.

Few false alarms matter more than every find. Only figures count whose name says that they follow from the input, which
the input does not carry itself, which are no trivial value and are the same for three inputs that differ everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sophia_cli.checks.asking import Asking, NotJson, json_of
from sophia_cli.checks.openapi.model import Operation, Place
from sophia_cli.checks.openapi.requests import Filled, request_for
from sophia_cli.checks.openapi.samples import TEXTS
from sophia_cli.checks.openapi.trials import Subject
from sophia_cli.checks.planned import CannotTell, Outcome, failed, passed

_COMPUTED = re.compile(
    r"(?:^|_)(?:score|scores|confidence|similarity|relevance|probability|likelihood|sentiment|polarity|toxicity|risk"
    r"|accuracy|prediction|readability|complexity|distance|rating|rank|quality|grade)(?:$|_)"
)
_TRIVIAL = (0, 1, -1, 100, 0.5)
_VARIANTS = 3
_USUAL_NAMES = ("text", "content", "input", "query", "prompt", "message", "document")
_DEEPEST = 6


def takes_input(operation: Operation) -> bool:
    """Tell whether an operation gets something that a figure could follow from."""
    return operation.body is not None or bool(operation.in_place(Place.QUERY))


async def run_scores(operation: Operation, subject: Subject, asking: Asking) -> Outcome:
    """Send three inputs; fail when a computed figure is the same for all; CannotTell where there is none."""
    figures: list[dict[str, float]] = []
    sent: set[str] = set()
    for variant in range(_VARIANTS):
        filled = subject.filled(operation, variant)
        if filled.body == {}:
            # Any object will do: then what such operations usually look at.
            filled = filled.with_body(dict.fromkeys(_USUAL_NAMES, TEXTS[variant]))
        sent.add(json.dumps([filled.query, filled.body], sort_keys=True))
        answer = await asking.send(request_for(filled, subject.document))
        if not 200 <= answer.status < 300:
            raise CannotTell(f"an input was answered with status {answer.status}")
        try:
            figures.append(_computed(json_of(answer), _names(filled)))
        except NotJson as error:
            raise CannotTell("the answer is no JSON") from error
    if len(sent) < _VARIANTS:
        raise CannotTell("the inputs cannot be made to differ")
    common = [name for name in figures[0] if all(name in other for other in figures)]
    if not common:
        raise CannotTell("no computed figure in the answers")
    for name in common:
        values = {other[name] for other in figures}
        if len(values) == 1 and (value := values.pop()) not in _TRIVIAL:
            return failed(f"`{name}` is {value:g} for {_VARIANTS} clearly different inputs: it is not computed")
    return passed(f"{', '.join(f'`{name}`' for name in common[:5])} follow from the input")


def _names(filled: Filled) -> frozenset[str]:
    body = filled.body if isinstance(filled.body, dict) else {}
    return frozenset((*filled.query, *body))


def _computed(content: object, given: frozenset[str], depth: int = 0) -> dict[str, float]:
    return dict(_figures(content, given, "", depth))


def _figures(content: object, given: frozenset[str], place: str, depth: int) -> Iterator[tuple[str, float]]:
    if depth > _DEEPEST:
        return
    if isinstance(content, dict):
        for name, value in content.items():
            inner = f"{place}.{name}" if place else str(name)
            if name not in given and _is_figure(str(name), value):
                yield inner, float(value)
            else:
                yield from _figures(value, given, inner, depth + 1)
    elif isinstance(content, list) and content:
        yield from _figures(content[0], given, f"{place}[0]", depth + 1)


def _is_figure(name: str, value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return is_number and _COMPUTED.search(words) is not None
