"""All checks of one service: reach it, plan them, run them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sophia_cli import __version__
from sophia_cli.checks.asking import Asking, ask, service_at
from sophia_cli.checks.automatic import mcp_claims, plan_automatic
from sophia_cli.checks.declared import plan_declared
from sophia_cli.checks.fuzz import FuzzPlace, need_fuzzer, plan_fuzz
from sophia_cli.checks.http_client import ExchangeFailed, HttpRequest
from sophia_cli.checks.mcp_files import plan_tool_files
from sophia_cli.checks.openapi.finding import find_document
from sophia_cli.checks.openapi.from_checks import operations_of_checks
from sophia_cli.checks.openapi.harvest import Harvest
from sophia_cli.checks.openapi.model import OpenApi
from sophia_cli.checks.openapi.reads import plan_reads
from sophia_cli.checks.openapi.trials import Subject
from sophia_cli.checks.openapi.writes import plan_writes
from sophia_cli.checks.planned import Observe, Outcome, PlannedCheck, failed, run_planned
from sophia_cli.checks.probe import run_probe
from sophia_cli.checks.target import parse_target
from sophia_cli.core.checks import CheckKind, CheckResult, SkippedCheck
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass, replace
from sophia_cli.project.secrets.model import FoundSecret
from sophia_cli.project.settings.check_model import Check, Probe, ProbeKind


@dataclass(frozen=True, slots=True)
class VerifyPlan:
    """What to verify: a service under a name at a URL, its declared checks, and what is asked for beside them.

    `probes` are those of its settings under their names; those that run a command are for the agent alone. `fuzz` is
    the environment of the process that makes requests up, None where none are to be made up.
    """

    name: str
    url: str
    declared: tuple[Check, ...]
    root: Path
    timeout_s: float
    probes: tuple[tuple[str, Probe], ...] = ()
    mcp_paths: tuple[str, ...] = ()
    open_api: str | None = None
    writes: bool = False
    fuzz: Mapping[str, str] | None = None
    secret_names: tuple[str, ...] = ()
    secrets: tuple[FoundSecret, ...] = ()
    allow_remote: bool = False
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of the checks of one service."""

    results: tuple[CheckResult, ...]
    skipped: tuple[SkippedCheck, ...]

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks that did not pass."""
        return tuple(result for result in self.results if not result.passed)


async def verify(plan: VerifyPlan, observe: Observe) -> Verified:
    """Run all checks of a service.

    UnavailableError (`service-unreachable`) when nothing answers there; see `parse_target` for URLs that cannot be.
    """
    asking = await reach(plan)
    try:
        planned, left_out = await plan_checks(plan, asking)
        results, skipped = await run_planned(plan.name, planned, observe, asking)
        return Verified(results, (*left_out, *skipped))
    finally:
        asking.client.close()


async def listed(plan: VerifyPlan) -> tuple[tuple[PlannedCheck, ...], tuple[SkippedCheck, ...]]:
    """Return the checks that `verify` would run, without running any; errors as there."""
    asking = await reach(plan)
    try:
        planned, left_out = await plan_checks(plan, asking)
        return tuple(planned), left_out
    finally:
        asking.client.close()


async def reach(plan: VerifyPlan) -> Asking:
    """Return what asks the service, once something has answered there; errors as in `verify`."""
    targets = parse_target(plan.url, allow_remote=plan.allow_remote)
    error: ExchangeFailed | None = None
    for target in targets:
        asking = ask(service_at(plan.name, target, plan.timeout_s, plan.insecure), __version__)
        asking.secrets, asking.secret_names = plan.secrets, frozenset(plan.secret_names)
        try:
            await asking.client.send(HttpRequest("GET", target.path), plan.timeout_s)
        except ExchangeFailed as failed:
            asking.client.close()
            error = failed
            if failed.failure.is_of_connecting:
                continue
            # It listens; what it answers is for the checks to judge.
        return asking
    assert error is not None  # a host has an address
    raise UnavailableError(
        "service-unreachable",
        f"service `{plan.name}` cannot be verified: {error.detail}",
        hint="start the service, or check host and port",
        location=plan.url,
    )


async def plan_checks(plan: VerifyPlan, asking: Asking) -> tuple[list[PlannedCheck], tuple[SkippedCheck, ...]]:
    """Return the checks to run, in this order, and what is left out; reads the service's document, changes nothing."""
    planned = [_probed(name, probe, asking) for name, probe in plan.probes if probe.kind is not ProbeKind.COMMAND]
    planned += plan_declared(plan.declared, asking, plan.root)
    found = await find_document(asking, plan.open_api, plan.root)
    document = found.document or OpenApi("", "", ())
    if found.mistake is not None:
        planned.append(_unreadable(found.mistake))
    harvest = Harvest()
    reads, skipped = plan_reads(document, asking, harvest, plan.name)
    names = (plan.name, asking.service.base_path, document.title)
    paths = [operation.path for operation in document.operations]
    claims = mcp_claims(names, plan.mcp_paths, paths)
    planned += [*plan_automatic(asking, claims), *reads]
    if plan.writes:
        also = operations_of_checks(plan.declared, document.operations)
        subject = Subject(replace(document, operations=(*document.operations, *also)), asking, harvest)
        writes, left_out = plan_writes(subject, plan.name)
        planned += [*writes, plan_tool_files(asking, claims.paths)]
        skipped += left_out
    if plan.fuzz is not None:
        need_fuzzer()
        place = FuzzPlace(plan.url.rstrip("/"), plan.fuzz, plan.timeout_s, plan.insecure)
        planned.append(plan_fuzz(document, place))
    return planned, skipped


def _probed(name: str, probe: Probe, asking: Asking) -> PlannedCheck:
    async def run() -> Outcome:
        result = await run_probe(probe, asking.service.endpoint)
        return Outcome(result.passed, result.detail)

    return PlannedCheck(f"the {name} probe passes", CheckKind.DECLARED, run)


def _unreadable(mistake: str) -> PlannedCheck:
    async def run() -> Outcome:
        return failed(mistake)

    return PlannedCheck("the OpenAPI document can be read", CheckKind.AUTOMATIC, run)
