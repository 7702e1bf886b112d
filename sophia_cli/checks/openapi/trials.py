"""Requests that a service should refuse or survive, for one operation: built and judged alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Asking, described
from sophia_cli.checks.http_client import ExchangeFailed, HttpRequest
from sophia_cli.checks.openapi.harvest import Harvest
from sophia_cli.checks.openapi.model import OpenApi, Operation
from sophia_cli.checks.openapi.requests import Filled, fill
from sophia_cli.checks.openapi.samples import NoSample
from sophia_cli.checks.planned import CannotTell, Outcome, failed, passed
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """A request, in words for a message (`without `item``), and whether an answer of success to it is a fault."""

    words: str
    request: HttpRequest
    must_refuse: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What trials are made of: the document, a way to ask, identifiers that exist."""

    document: OpenApi
    asking: Asking
    harvest: Harvest

    def filled(self, operation: Operation, variant: int = 0) -> Filled:
        """Return an operation with valid values; CannotTell when none are known."""
        try:
            return fill(operation, self.document, self.harvest, variant)
        except NoSample as error:
            raise CannotTell(f"nothing is known to send: it needs {error}") from error


async def run_trials(
    trials: Sequence[Trial], asking: Asking, is_refusal: Callable[[Answer], bool] = lambda answer: answer.status >= 400
) -> Outcome:
    """Send trials one after the other; fail at the first server error, lost connection or success that is a fault."""
    if not trials:
        raise CannotTell("there is nothing to leave out or to spoil")
    refused = 0
    for trial in trials:
        try:
            answer = await asking.send(trial.request)
        except ExchangeFailed as error:
            return failed(f"{trial.words}: {error.detail}")
        if answer.status >= 500:
            return failed(f"{trial.words}: {described(answer)}")
        if trial.must_refuse and not is_refusal(answer):
            return failed(f"{trial.words}: {described(answer)}, expected 4xx")
        refused += answer.status >= 400
    return passed(f"{len(trials)} requests, {refused} refused")
