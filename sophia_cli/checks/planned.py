"""A check as something that can be listed, and run."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from sophia_cli.checks.asking import Asking
from sophia_cli.checks.http_client import ExchangeFailed
from sophia_cli.checks.mcp import McpFailed
from sophia_cli.core.checks import CheckKind, CheckResult, SkippedCheck
from sophia_cli.core.values import dataclass

_MOST_UNANSWERED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a check passed, and what was seen."""

    passed: bool
    message: str


class CannotTell(Exception):
    """A check has nothing to go by here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """A check before it runs. `run` may raise ExchangeFailed or McpFailed (it fails) or CannotTell (it is left out)."""

    name: str
    kind: CheckKind
    run: Callable[[], Awaitable[Outcome]]


# Told before each check: its number from 1, how many there are, its name.
Observe = Callable[[int, int, str], None]


def passed(message: str) -> Outcome:
    """Return a pass."""
    return Outcome(True, message)


def failed(message: str) -> Outcome:
    """Return a failure."""
    return Outcome(False, message)


async def run_planned(
    service: str, plan: Sequence[PlannedCheck], observe: Observe, asking: Asking
) -> tuple[tuple[CheckResult, ...], tuple[SkippedCheck, ...]]:
    """Run checks one after the other; return those that ran, and those that could not tell.

    Once the service gave no answer several times in a row, the rest is left out: nobody waits an hour for the dead.
    """
    results: list[CheckResult] = []
    skipped: list[SkippedCheck] = []
    for number, check in enumerate(plan, 1):
        if asking.client.unanswered >= _MOST_UNANSWERED:
            reason = f"not run: the service left {asking.client.unanswered} requests in a row unanswered"
            skipped.append(SkippedCheck(service, check.name, reason))
            continue
        observe(number, len(plan), check.name)
        started = time.perf_counter()
        try:
            outcome = await check.run()
        except CannotTell as error:
            skipped.append(SkippedCheck(service, check.name, str(error)))
            continue
        except ExchangeFailed as error:
            outcome = failed(error.detail)
        except McpFailed as error:
            outcome = failed(str(error))
        message = asking.concealed(outcome.message)
        duration_ms = round((time.perf_counter() - started) * 1000, 3)
        results.append(CheckResult(service, check.name, check.kind, outcome.passed, message, duration_ms))
    return tuple(results), tuple(skipped)
