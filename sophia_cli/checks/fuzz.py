"""Generated requests for every operation of a document, by Schemathesis, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from sophia_cli.checks.command_probe import CommandPlace, run_command
from sophia_cli.checks.openapi.model import OpenApi
from sophia_cli.checks.openapi.reads import is_dangerous
from sophia_cli.checks.planned import CannotTell, Outcome, PlannedCheck, failed, passed
from sophia_cli.core.checks import CheckKind
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import Command

_LONGEST_S = 30
_GRACE_S = 30.0
_EXAMPLES = 50
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class FuzzPlace:
    """What a fuzz run needs: the URL that the document's paths follow on, an environment, seconds for one answer."""

    url: str
    environment: Mapping[str, str]
    timeout_s: float
    insecure: bool


def need_fuzzer() -> None:
    """Raise UnavailableError (`fuzzer-missing`) when Schemathesis is not installed beside Sophia."""
    if find_spec("schemathesis") is None:
        raise UnavailableError(
            "fuzzer-missing",
            "`--fuzz` needs Schemathesis, which is not installed",
            hint="install it beside Sophia: `pip install 'sophia-cli[fuzz]'`",
        )


def plan_fuzz(document: OpenApi, place: FuzzPlace) -> PlannedCheck:
    """Return the check; without operations it cannot tell."""

    async def run() -> Outcome:
        if not document.operations:
            raise CannotTell("the service has no OpenAPI document")
        with TemporaryDirectory(prefix="sophia-fuzz-") as folder:
            return await _run(document, place, Path(folder))

    return PlannedCheck("no generated request breaks it", CheckKind.FUZZ, run)


async def _run(document: OpenApi, place: FuzzPlace, folder: Path) -> Outcome:
    (folder / "openapi.json").write_text(json.dumps(document.root), "utf-8")
    report = folder / "report.json"
    words = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", place.url + document.prefix]
    words += ["--phases", "examples,fuzzing,stateful", "--checks", "not_a_server_error,response_schema_conformance"]
    words += ["--report", "json", "--report-json-path", str(report), "--no-color", "--generation-deterministic"]
    words += [
        "--max-examples",
        str(_EXAMPLES),
        "--max-time",
        str(_LONGEST_S),
        "--request-timeout",
        f"{place.timeout_s:g}",
    ]
    words += ["--tls-verify", "false"] if place.insecure else []
    for operation in document.operations:
        if operation.method != "DELETE" and is_dangerous(operation):
            words += ["--exclude-path", operation.path]
    end = await run_command(
        Command(tuple(words), shell=False), CommandPlace(folder, place.environment), _LONGEST_S + _GRACE_S
    )
    try:
        found = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError):
        return failed(f"Schemathesis did not finish: {end.output[-200:]}")
    return _judge(found, document)


def _judge(report: Mapping[str, object], document: OpenApi) -> Outcome:
    declared = {str(operation) for operation in document.operations}
    failures = report.get("failures")
    lines: list[str] = []
    for failure in failures if isinstance(failures, list) else ():
        operations = failure.get("operations", ()) if isinstance(failure, dict) else ()
        # Methods that the document does not have are tried too, and 501 is the right answer to those.
        named = sorted(one for one in operations if one in declared)
        if named:
            more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
            lines.append(f"{failure.get('title', 'failure')}: {', '.join(named[:_SHOWN])}{more}")
    if lines:
        return failed("; ".join(lines))
    cases = report.get("test_cases")
    generated = cases.get("generated") if isinstance(cases, dict) else None
    return passed(f"{generated} generated requests")
