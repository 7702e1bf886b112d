"""Every GET of a document: it answers, without a server error, what the document says."""

from __future__ import annotations

import contextlib
import re

from sophia_cli.checks.asking import Asking, NotJson, json_of
from sophia_cli.checks.openapi.harvest import Harvest
from sophia_cli.checks.openapi.judging import follow, judge_answer
from sophia_cli.checks.openapi.model import OpenApi, Operation, Place
from sophia_cli.checks.openapi.requests import fill, request_for
from sophia_cli.checks.openapi.samples import NoSample
from sophia_cli.checks.planned import CannotTell, Outcome, PlannedCheck, failed
from sophia_cli.core.checks import CheckKind, SkippedCheck

MOST_OPERATIONS = 300
_CHANGES = re.compile(
    r"(?<![a-z])(?:shutdown|shut_down|restart|reboot|terminate|kill|stop|delete|remove|destroy|drop|reset|purge|wipe"
    r"|logout|log_out|signout|unsubscribe|clear)(?![a-z])"
)


def is_dangerous(operation: Operation) -> bool:
    """Tell whether an operation's path or name says that it ends or empties something, whatever its method says."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", f"{operation.path} {operation.name}").lower()
    return _CHANGES.search(words.replace("-", "_").replace("_", " ")) is not None


def plan_reads(
    document: OpenApi, asking: Asking, harvest: Harvest, service: str
) -> tuple[list[PlannedCheck], tuple[SkippedCheck, ...]]:
    """Return a check for every GET, lists before what stands in them, and the GETs that are left out."""
    reads = [operation for operation in document.operations if operation.method == "GET"]
    reads.sort(key=lambda operation: len(operation.in_place(Place.PATH)))
    dangerous = [operation for operation in reads if is_dangerous(operation)]
    safe = [operation for operation in reads if operation not in dangerous]
    skipped = [SkippedCheck(service, str(one), "its name says that it changes something") for one in dangerous]
    skipped += [SkippedCheck(service, str(one), "the document has too many") for one in safe[MOST_OPERATIONS:]]

    def planned(operation: Operation) -> PlannedCheck:
        async def run() -> Outcome:
            return await _read(operation, document, asking, harvest)

        return PlannedCheck(str(operation), CheckKind.AUTOMATIC, run)

    return [planned(operation) for operation in safe[:MOST_OPERATIONS]], tuple(skipped)


async def _read(operation: Operation, document: OpenApi, asking: Asking, harvest: Harvest) -> Outcome:
    try:
        request = request_for(fill(operation, document, harvest), document)
    except NoSample as error:
        raise CannotTell(f"nothing is known to ask for: it needs {error}") from error
    answer, wrong = await follow(asking, request)
    if wrong is not None:
        return failed(wrong)
    if 200 <= answer.status < 300 and answer.is_json and "{" not in operation.path:
        # Whether it had to be JSON is judged below.
        with contextlib.suppress(NotJson):
            harvest.add_answer(operation.path, json_of(answer), created=False)
    return judge_answer(operation, answer, document)
