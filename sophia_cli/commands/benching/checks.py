"""The functional checks of a service that was benched: those of `sophia verify`, without what only a flag allows."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sophia_cli.bench.connecting.reaching import Access
from sophia_cli.checks.verify import verify
from sophia_cli.commands.verifying.target import VerifyWishes, verify_plans
from sophia_cli.core.checks import CheckKind, CheckResult
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.measurement_report import Checked
from sophia_cli.project.settings.service_model import Service


def checks_of(service: Service, root: Path, environment: str | None, access: Access) -> Checked:
    """Run the checks of a service and return what they came to; one that no longer answers has failed them."""
    wishes = VerifyWishes(access.timeout_s, False, access.allow_remote, access.insecure)
    (plan,) = verify_plans((service.name,), root, environment, wishes)
    try:
        found = asyncio.run(verify(plan, lambda number, count, name: None))
    except UnavailableError as error:
        gone = CheckResult(service.name, "it answers after the load", CheckKind.AUTOMATIC, False, error.message, 0.0)
        return Checked(0, (gone,))
    return Checked(len(found.results) - len(found.failed), found.failed)
