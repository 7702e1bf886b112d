"""Who may ask what: the checks that every request passes before anything looks at it.

The API is for programs on this machine and for a person's own browser tab. A page of another site must not read it
through that browser (foreign Host: DNS rebinding; Origin, Sec-Fetch-Site: cross-site), and nobody without the token.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sophia_cli.agent.web.problems import Problem
from sophia_cli.agent.web.token import WebToken

HEALTH = "/health"
DASHBOARD = "/"
_OPEN = frozenset({HEALTH, DASHBOARD})
LARGEST_BODY = 16_384
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_SAME_SITE = frozenset({"same-origin", "none"})
_READING = frozenset({"GET", "HEAD"})
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what must not be answered, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, token: WebToken) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        problem = (
            _host_problem(headers)
            or _site_problem(headers)
            or _method_problem(scope["method"])
            or _body_problem(headers)
            or self._token_problem(scope["path"], headers)
        )
        answer = self._app if problem is None else problem.response()
        await answer(scope, receive, guarded)

    def _token_problem(self, path: str, headers: Headers) -> Problem | None:
        if path in _OPEN:
            return None
        given = headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() == "bearer" and self._token.is_right(token.strip().encode("utf-8", "replace")):
            return None
        challenge = 'Bearer realm="sophia", error="invalid_token"' if given else 'Bearer realm="sophia"'
        detail = "send `Authorization: Bearer TOKEN` with the token in `.sophia/web.token`"
        return Problem(HTTPStatus.UNAUTHORIZED, "token-wrong", detail, {"WWW-Authenticate": challenge})


def _host_problem(headers: Headers) -> Problem | None:
    hosts = headers.getlist("host")
    if len(hosts) == 1 and _HOST.fullmatch(hosts[0]):
        return None
    detail = "this API answers to `127.0.0.1` and `localhost` only"
    return Problem(HTTPStatus.MISDIRECTED_REQUEST, "host-refused", detail)


def _site_problem(headers: Headers) -> Problem | None:
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    own = f"http://{headers['host'].lower()}"
    if all(site in _SAME_SITE for site in sites) and all(origin.lower() == own for origin in origins):
        return None
    return Problem(HTTPStatus.FORBIDDEN, "cross-site", "pages of other sites may not use this API")


def _method_problem(method: str) -> Problem | None:
    if method in _READING:
        return None
    detail = "this API is for reading; the commands of `sophia` change services"
    return Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-refused", detail, {"Allow": "GET, HEAD"})


def _body_problem(headers: Headers) -> Problem | None:
    if "transfer-encoding" in headers:
        detail = "a request needs no body, and none of unknown length is read"
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    if int(headers.get("content-length", "0")) > LARGEST_BODY:
        detail = f"a request needs no body, and none above {LARGEST_BODY} bytes is read"
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    return None
