"""Whether an answer is what the document promises for its status."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Asking, NotJson, described, json_of
from sophia_cli.checks.http_client import HttpRequest
from sophia_cli.checks.openapi.model import OpenApi, Operation
from sophia_cli.checks.planned import Outcome, failed, passed
from sophia_cli.checks.schemas import BadSchema, violation

_MOST_REDIRECTS = 10


async def follow(asking: Asking, request: HttpRequest) -> tuple[Answer, str | None]:
    """Return the answer to a GET behind all redirects within the service, and what is wrong with those, if anything."""
    base = asking.service.base_path
    path = request.path
    seen = {path}
    while True:
        answer = await asking.send(HttpRequest(request.method, path, request.headers, request.body))
        location = answer.header("location")
        if not 300 <= answer.status < 400 or not location or request.method != "GET":
            return answer, None
        parts = urlsplit(urljoin(f"//{asking.service.endpoint.authority}{base}{path}", location))
        if parts.netloc != asking.service.endpoint.authority or not parts.path.startswith(base):
            return answer, None
        path = parts.path.removeprefix(base) + (f"?{parts.query}" if parts.query else "")
        if path in seen:
            return answer, f"redirected in a circle: `{path}` leads to itself again"
        if len(seen) > _MOST_REDIRECTS:
            return answer, f"redirected more than {_MOST_REDIRECTS} times"
        seen.add(path)


def judge_answer(operation: Operation, answer: Answer, document: OpenApi) -> Outcome:
    """Return a failure for a 5xx status and for a JSON answer that does not fit what is declared for its status."""
    seen = described(answer)
    if answer.status >= 500:
        return failed(seen)
    response = operation.response_to(answer.status)
    if response is None or not response.has_json or answer.is_event_stream:
        return passed(seen)
    if not answer.is_json and (response.has_other or answer.status >= 300):
        return passed(seen)
    if operation.method == "HEAD":
        return passed(seen)
    try:
        wrong = violation(json_of(answer), response.schema, document.root)
    except NotJson as error:
        return failed(f"{seen}, where JSON is declared: {error}")
    except BadSchema as error:
        return failed(f"the schema of status {answer.status} in the document cannot be used: {error}")
    return passed(seen) if wrong is None else failed(f"{seen}, but the answer does not fit its schema: {wrong}")
