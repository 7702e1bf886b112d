"""Whether files outside of what is served can be read. The proof is a pattern; nothing that was read is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_cli.checks.asking import Asking
from sophia_cli.checks.http_client import ExchangeFailed, HttpRequest
from sophia_cli.checks.openapi.model import Operation, Place
from sophia_cli.checks.openapi.requests import Filled, request_for
from sophia_cli.checks.openapi.trials import Subject
from sophia_cli.checks.planned import CannotTell, Outcome, failed, passed

_CANARY = re.compile(rb"root:[^:\n]{0,200}:0:0:")
_UP = "../" * 12
NAMES = (
    "/etc/passwd",
    f"{_UP}etc/passwd",
    f"..%2f{'..%2f' * 11}etc/passwd",
    "file:///etc/passwd",
    f"....//{'....//' * 11}etc/passwd",
)
_FILE_WORDS = re.compile(
    r"(?:^|_)(?:file|files|filename|filepath|path|dir|directory|folder|document|doc|template|page|include|report"
    r"|attachment|asset|resource|source|location|uri|url|log|config|name|key)(?:$|_)"
)
_RAW_PATHS = (
    f"/{_UP}etc/passwd",
    f"/{'%2e%2e/' * 12}etc/passwd",
    f"/{'..%2f' * 12}etc/passwd",
    f"/static/{_UP}etc/passwd",
    f"/files/{'..%2f' * 12}etc/passwd",
    "//etc/passwd",
)


def is_file_like(name: str) -> bool:
    """Tell whether a name may be that of a file: `path`, `file_name`, `templatePath`."""
    return _FILE_WORDS.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")) is not None


def file_requests(filled: Filled, subject: Subject) -> Sequence[tuple[str, HttpRequest]]:
    """Return requests that ask for a file of the system, with the name of the parameter or field that carries it."""
    operation: Operation = filled.operation
    found: list[tuple[str, HttpRequest]] = []
    for parameter in operation.parameters:
        if not is_file_like(parameter.name):
            continue
        for name in NAMES:
            if parameter.place is Place.PATH:
                changed = filled.with_path(parameter.name, name)
            elif parameter.place is Place.QUERY:
                changed = filled.with_query(parameter.name, name)
            else:
                continue
            found.append((parameter.name, request_for(changed, subject.document)))
    if isinstance(filled.body, dict):
        for field, value in filled.body.items():
            if isinstance(value, str) and is_file_like(field):
                bodies = [filled.with_body({**filled.body, field: name}) for name in NAMES]
                found += [(field, request_for(body, subject.document)) for body in bodies]
    return found


async def run_file_requests(requests: Sequence[tuple[str, HttpRequest]], asking: Asking) -> Outcome:
    """Send them; fail when an answer holds a file of the system."""
    if not requests:
        raise CannotTell("nothing in it looks like the name of a file")
    for name, request in requests:
        answer = await asking.send(request)
        if holds_system_file(answer.body):
            return failed(f"`{name}` reads any file: `/etc/passwd` came back (root:[redacted]:0:0:)")
    return passed(f"{len(requests)} requests read nothing")


async def run_raw_paths(asking: Asking) -> Outcome:
    """Ask for a file of the system by the path of the URL alone."""
    for path in _RAW_PATHS:
        try:
            answer = await asking.get(path)
        except ExchangeFailed as error:
            if error.failure.is_of_connecting:
                raise
            continue
        if holds_system_file(answer.body):
            return failed(f"`{path[:40]}...` reads any file: `/etc/passwd` came back (root:[redacted]:0:0:)")
    return passed("paths out of the served folder read nothing")


def holds_system_file(body: bytes) -> bool:
    """Tell whether a body holds the list of a system's users."""
    return _CANARY.search(body) is not None
