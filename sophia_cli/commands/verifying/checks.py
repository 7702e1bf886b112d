"""Runs the checks of services one after the other, or lists them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sophia_cli.checks.verify import VerifyPlan, listed, reach, verify
from sophia_cli.commands.verifying.progress import VerifyProgress
from sophia_cli.core.checks import CheckedService, CheckResult, ListedCheck, SkippedCheck, VerifyReport, VerifyVerdict
from sophia_cli.core.errors import ExitCode
from sophia_cli.project.clock import Clock


def verify_services(plans: Sequence[VerifyPlan], progress: VerifyProgress, clock: Clock) -> VerifyReport:
    """Run all checks; UnavailableError before the first one when a service does not answer."""
    started = clock.monotonic()
    checks, skipped = asyncio.run(_run(plans, progress))
    has_failed = any(not check.passed for check in checks)
    return VerifyReport(
        VerifyVerdict.FAILED if has_failed else VerifyVerdict.PASSED,
        ExitCode.FINDINGS if has_failed else ExitCode.DONE,
        clock.monotonic() - started,
        _services(plans),
        checks,
        skipped,
    )


def list_checks(plans: Sequence[VerifyPlan], clock: Clock) -> VerifyReport:
    """Return the checks that would run; UnavailableError when a service does not answer."""
    started = clock.monotonic()
    found, skipped = asyncio.run(_list(plans))
    return VerifyReport(
        VerifyVerdict.LISTED,
        ExitCode.DONE,
        clock.monotonic() - started,
        _services(plans),
        skipped=skipped,
        listed=found,
    )


def _services(plans: Sequence[VerifyPlan]) -> tuple[CheckedService, ...]:
    return tuple(CheckedService(plan.name, plan.url) for plan in plans)


async def _run(
    plans: Sequence[VerifyPlan], progress: VerifyProgress
) -> tuple[tuple[CheckResult, ...], tuple[SkippedCheck, ...]]:
    # All of them before the first check, so that nothing is half done when one is down.
    for plan in plans[1:]:
        (await reach(plan)).client.close()
    checks: list[CheckResult] = []
    skipped: list[SkippedCheck] = []
    for plan in plans:

        def show(number: int, count: int, name: str, service: str = plan.name) -> None:
            progress.show(service, number, count, name)

        done = await verify(plan, show)
        checks += done.results
        skipped += done.skipped
    return tuple(checks), tuple(skipped)


async def _list(plans: Sequence[VerifyPlan]) -> tuple[tuple[ListedCheck, ...], tuple[SkippedCheck, ...]]:
    found: list[ListedCheck] = []
    skipped: list[SkippedCheck] = []
    for plan in plans:
        planned, left_out = await listed(plan)
        found += (ListedCheck(plan.name, check.name, check.kind) for check in planned)
        skipped += left_out
    return tuple(found), tuple(skipped)
