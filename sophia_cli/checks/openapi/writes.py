"""Checks that may write, one for every operation and every way in which a request can be wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Asking, NotJson, json_of
from sophia_cli.checks.openapi.bodies import empty, malformed, with_wrong_type, without_fields
from sophia_cli.checks.openapi.judging import judge_answer
from sophia_cli.checks.openapi.model import JSON, Body, Operation, Place
from sophia_cli.checks.openapi.reads import MOST_OPERATIONS, is_dangerous
from sophia_cli.checks.openapi.requests import Filled, request_for
from sophia_cli.checks.openapi.scores import run_scores, takes_input
from sophia_cli.checks.openapi.strangers import identifiers_of, invalid_values, refuses_stranger, unknown_ids
from sophia_cli.checks.openapi.traversal import file_requests, is_file_like, run_file_requests, run_raw_paths
from sophia_cli.checks.openapi.trials import Subject, Trial, run_trials
from sophia_cli.checks.planned import Outcome, PlannedCheck
from sophia_cli.core.checks import CheckKind, SkippedCheck
from sophia_cli.core.values import replace

_READING = ("GET", "HEAD", "OPTIONS")
_WITH_BODY = ("POST", "PUT", "PATCH")
_UNDECLARED = Body(JSON, {"type": "object"}, required=False, declared=False)
OfRequest = Callable[[Filled, Body | None, Subject], Sequence[Trial]]


def plan_writes(subject: Subject, service: str) -> tuple[list[PlannedCheck], tuple[SkippedCheck, ...]]:
    """Return the checks of a document's operations, those that create things first, and what is left out."""
    operations = subject.document.operations
    # A name that says "delete" is what the method DELETE is for; what has it beside another method is left out.
    dangerous = [one for one in operations if one.method != "DELETE" and is_dangerous(one)]
    kept = [one for one in operations if one not in dangerous][:MOST_OPERATIONS]
    kept.sort(key=lambda one: (one.method != "POST", len(one.in_place(Place.PATH))))
    skipped = tuple(
        SkippedCheck(service, str(one), "its name says that it ends or empties something") for one in dangerous
    )
    asking = subject.asking
    plan = [_planned("no file is read through the path of a URL", lambda: run_raw_paths(asking))]
    for operation in kept:
        plan += _plan_operation(operation, subject)
    return plan, tuple(one for one in skipped if not one.name.startswith("GET "))


def _plan_operation(operation: Operation, subject: Subject) -> Iterator[PlannedCheck]:
    asking = subject.asking
    writes = operation.method not in _READING
    body = operation.body if writes else None
    # Many operations read their body by themselves, and no document tells.
    tried = replace(operation, body=_UNDECLARED) if body is None and operation.method in _WITH_BODY else operation
    if writes and operation.method != "DELETE":
        yield _planned(f"{operation} with valid values", lambda: _valid(operation, subject))
    has_query = bool(operation.in_place(Place.QUERY))
    kinds: tuple[tuple[str, OfRequest, bool], ...] = (
        ("refuses what lacks a field", without_fields, has_query),
        ("refuses malformed JSON", malformed, False),
        ("survives an empty document", empty, has_query),
        ("survives values of another type", with_wrong_type, False),
    )
    for words, make, also_without_body in kinds:
        if (tried.body is not None and writes) or also_without_body:
            yield _planned(f"{operation} {words}", _of_request(tried, make, subject))
    if identifiers_of(operation):
        yield _planned(f"{operation} refuses an unknown id", lambda: _unknown_id(operation, subject))
    if body is not None or operation.parameters:
        yield _planned(f"{operation} refuses invalid values", lambda: _invalid_values(operation, subject))
    fields = [parameter.name for parameter in operation.parameters]
    if body is not None or any(is_file_like(name) for name in fields):

        async def read_files() -> Outcome:
            return await run_file_requests(file_requests(subject.filled(operation), subject), asking)

        yield _planned(f"{operation} reads no other file", read_files)
    if operation.method in ("GET", "POST") and takes_input(tried):
        yield _planned(f"{operation} computes its figures", lambda: run_scores(tried, subject, asking))


def _planned(name: str, run: Callable[[], Awaitable[Outcome]]) -> PlannedCheck:
    return PlannedCheck(name, CheckKind.WRITES, run)


def _of_request(operation: Operation, make: OfRequest, subject: Subject) -> Callable[[], Awaitable[Outcome]]:
    async def run() -> Outcome:
        return await run_trials(make(subject.filled(operation), operation.body, subject), subject.asking)

    return run


async def _valid(operation: Operation, subject: Subject) -> Outcome:
    asking: Asking = subject.asking
    answer = await asking.send(request_for(subject.filled(operation), subject.document))
    if operation.method == "POST" and 200 <= answer.status < 300:
        with contextlib.suppress(NotJson):
            subject.harvest.add_answer(operation.path, json_of(answer), created=True)
    return judge_answer(operation, answer, subject.document)


async def _unknown_id(operation: Operation, subject: Subject) -> Outcome:
    def refuses(answer: Answer) -> bool:
        return refuses_stranger(operation, answer)

    return await run_trials(unknown_ids(subject.filled(operation), subject), subject.asking, refuses)


async def _invalid_values(operation: Operation, subject: Subject) -> Outcome:
    return await run_trials(invalid_values(subject.filled(operation), subject), subject.asking)
