"""The web API as an application: its addresses, and what each answers."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from sophia_cli.agent.web.contact import Contact
from sophia_cli.agent.web.dashboard import dashboard
from sophia_cli.agent.web.documents import (
    Health,
    IncidentsDocument,
    ServiceDocument,
    ServicesDocument,
    json_of,
    status_document,
)
from sophia_cli.agent.web.events import EventStreams
from sophia_cli.agent.web.guard import DASHBOARD, HEALTH, Guard
from sophia_cli.agent.web.metrics import CONTENT_TYPE, agent_down_text, metrics_text
from sophia_cli.agent.web.openapi import openapi_document
from sophia_cli.agent.web.problems import Problem, Refused, agent_missing, bad_parameter
from sophia_cli.agent.web.reader import AgentReader
from sophia_cli.agent.web.token import WebToken
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.report import SCHEMA_VERSION
from sophia_cli.core.values import dataclass

_MOST_INCIDENTS = 1_000
_USUAL_INCIDENTS = 100
_HIGHEST_EVENT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from."""

    reader: AgentReader
    contact: Contact
    streams: EventStreams


def build_app(sources: Sources, token: WebToken) -> ASGIApp:
    """Return the application."""
    pages = _Pages(sources)
    starlette = Starlette(
        routes=[
            Route(DASHBOARD, pages.dashboard),
            Route(HEALTH, pages.health),
            Route("/api/v1/status", pages.status),
            Route("/api/v1/services", pages.services),
            Route("/api/v1/services/{name}", pages.service),
            Route("/api/v1/incidents", pages.incidents),
            Route("/api/v1/events", pages.events),
            Route("/api/v1/openapi.json", pages.openapi),
            Route("/metrics", pages.metrics),
        ],
        exception_handlers={HTTPException: _unknown_page, Refused: _refused, SophiaError: _agent_missing, 500: _bug},
    )
    starlette.router.redirect_slashes = False
    return Guard(starlette, token)


class _Pages:
    """One method an address."""

    def __init__(self, sources: Sources) -> None:
        self._from = sources

    async def dashboard(self, request: Request) -> Response:
        """Answer with a page for a browser, which asks for the token itself."""
        return dashboard()

    async def health(self, request: Request) -> Response:
        """Answer without a token, and without asking the agent: it says no more than whether there is one."""
        if self._from.contact.is_there:
            return JSONResponse(json_of(Health("ok")))
        return JSONResponse(json_of(Health("agent-gone")), HTTPStatus.SERVICE_UNAVAILABLE)

    async def status(self, request: Request) -> Response:
        """Answer with the agent and all services."""
        return JSONResponse(json_of(status_document(await self._from.reader.status())))

    async def services(self, request: Request) -> Response:
        """Answer with all services."""
        status = await self._from.reader.status()
        return JSONResponse(json_of(ServicesDocument(SCHEMA_VERSION, status.services)))

    async def service(self, request: Request) -> Response:
        """Answer with one service."""
        status = await self._from.reader.status()
        for service in status.services:
            if service.name == request.path_params["name"]:
                return JSONResponse(json_of(ServiceDocument(SCHEMA_VERSION, service)))
        raise Refused(Problem(HTTPStatus.NOT_FOUND, "service-unknown", "no service has that name"))

    async def incidents(self, request: Request) -> Response:
        """Answer with the latest incidents."""
        limit = _integer(request.query_params.get("limit"), "limit", 1, _MOST_INCIDENTS)
        service = request.query_params.get("service")
        found = await self._from.reader.incidents(_USUAL_INCIDENTS if limit is None else limit, service)
        return JSONResponse(json_of(IncidentsDocument(SCHEMA_VERSION, found)))

    async def events(self, request: Request) -> Response:
        """Answer with events as they happen."""
        asked = request.headers.get("last-event-id") or request.query_params.get("after")
        after = _integer(asked, "Last-Event-ID", 0, _HIGHEST_EVENT)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return StreamingResponse(self._from.streams.begin(after), media_type="text/event-stream")

    async def openapi(self, request: Request) -> Response:
        """Answer with the description of this API."""
        return JSONResponse(openapi_document())

    async def metrics(self, request: Request) -> Response:
        """Answer with metrics; that the agent is gone is one of them."""
        try:
            status = await self._from.reader.status()
            latest = await self._from.reader.incidents(1, None)
        except SophiaError:
            text = agent_down_text()
        else:
            text = metrics_text(status, max((one.number for one in latest), default=0))
        return PlainTextResponse(text, headers={"Content-Type": CONTENT_TYPE})


def _integer(text: str | None, name: str, lowest: int, highest: int) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest):
        raise bad_parameter(f"`{name}` must be an integer from {lowest} to {highest}")
    return int(text)


async def _unknown_page(request: Request, error: Exception) -> Response:
    """Answer for an address that does not exist."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    return Problem(status, "page-unknown", "this API has no such address; see `/api/v1/openapi.json`").response()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.problem.response()


async def _agent_missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, SophiaError)
    return agent_missing(error).response()


async def _bug(request: Request, error: Exception) -> Response:
    detail = "the log `.sophia/logs/agent.web.log` tells more; please report it"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "bug-in-sophia", detail).response()
