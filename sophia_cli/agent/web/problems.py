"""Errors of the web API as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass, field

PROBLEM_TYPE = "urn:sophia:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: `reference` is stable, `detail` for people; `headers` go with the answer."""

    status: HTTPStatus
    reference: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(
            {
                "type": f"{PROBLEM_TYPE}{self.reference}",
                "title": self.status.phrase,
                "status": self.status.value,
                "detail": self.detail,
            },
            status_code=self.status.value,
            headers=self.headers,
            media_type="application/problem+json",
        )


class Refused(Exception):
    """A request cannot be answered; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reference)
        self.problem = problem


def bad_parameter(detail: str) -> Refused:
    """Return the refusal of a query parameter or header field."""
    return Refused(Problem(HTTPStatus.BAD_REQUEST, "parameter-invalid", detail))


def agent_missing(error: SophiaError) -> Problem:
    """Return the problem of an agent that does not answer."""
    headers = {"Retry-After": "2"}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.reference, error.message, headers)
