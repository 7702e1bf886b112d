"""The checks that decide whether a candidate may take over: those that are gates, against its own address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli import __version__
from sophia_cli.checks.asking import Service, ask
from sophia_cli.checks.declared import plan_declared
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.checks.planned import run_planned
from sophia_cli.core.checks import CheckResult
from sophia_cli.project.secrets.model import FoundSecret, Secret
from sophia_cli.project.settings.check_model import Check


async def run_gates(
    service: str,
    checks: Sequence[Check],
    endpoint: Endpoint,
    root: Path,
    timeout_s: float,
    secrets: Mapping[str, str],
) -> tuple[CheckResult, ...]:
    """Run the gates among the checks of a service, in their order; what goes wrong is a result that did not pass.

    `root` is the folder that schema files are relative to, `secrets` are what `{NAME}` in a request may stand for.
    Nothing beyond the standard library is loaded unless a check has a schema or calls an MCP server.
    """
    asking = ask(Service(service, endpoint, "", timeout_s), __version__)
    asking.secrets = tuple(FoundSecret(name, Secret(value), "the release") for name, value in secrets.items())
    asking.secret_names = frozenset(secrets)
    try:
        gates = [check for check in checks if check.gate]
        plan = plan_declared(gates, asking, root)
        results, _ = await run_planned(service, plan, lambda number, count, name: None, asking)
        return results
    finally:
        asking.client.close()
