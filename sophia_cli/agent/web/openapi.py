"""The OpenAPI document of the web API, made from the types of its answers."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum

from sophia_cli import __version__
from sophia_cli.agent.web.documents import (
    Health,
    IncidentsDocument,
    ServiceDocument,
    ServicesDocument,
    StatusDocument,
)
from sophia_cli.agent.web.problems import PROBLEM_TYPE
from sophia_cli.deploy.link.messages import Fields, Json

_PLAIN: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_JSON = "application/json"
_PROBLEM = "application/problem+json"


def openapi_document() -> Fields:
    """Return the document, OpenAPI 3.1."""
    schemas: Fields = {"Problem": _problem_schema()}
    limit = _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "how many")
    service = _parameter("service", {"type": "string"}, "only those of this service")
    after = _parameter("after", {"type": "integer", "minimum": 0}, "begin after the event of this number")
    last = {
        **_parameter("Last-Event-ID", {"type": "integer", "minimum": 0}, "as `after`, and before it"),
        "in": "header",
    }
    name = {**_parameter("name", {"type": "string"}, "the name of a service"), "in": "path", "required": True}
    paths: Fields = {
        "/health": _page("Whether the agent is there; needs no token", _json(Health, schemas), is_open=True),
        "/api/v1/status": _page("The agent and all services", _json(StatusDocument, schemas)),
        "/api/v1/services": _page("All services", _json(ServicesDocument, schemas)),
        "/api/v1/services/{name}": _page("One service", _json(ServiceDocument, schemas), [name]),
        "/api/v1/incidents": _page("Failures and recoveries", _json(IncidentsDocument, schemas), [limit, service]),
        "/api/v1/events": _page("Events as they happen", _text("text/event-stream"), [last, after]),
        "/metrics": _page("Metrics for Prometheus", _text("text/plain")),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sophia agent", "version": __version__, "description": "Read-only, on this machine only."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def schema_of(kind: object, schemas: Fields) -> Json:
    """Return the JSON schema of a type; those of records go to `schemas`, by name."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [schema_of(choice, schemas) for choice in typing.get_args(kind)]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(typing.get_args(kind)[0], schemas)}
    if kind is type(None):
        return {"type": "null"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [str(member.value) for member in kind]}
    if isinstance(kind, type) and is_dataclass(kind):
        if kind.__name__ not in schemas:
            schemas[kind.__name__] = {}
            schemas[kind.__name__] = _record_schema(kind, schemas)
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"type": _PLAIN[kind]}


def _record_schema(kind: type, schemas: Fields) -> Json:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {name: schema_of(hints[name], schemas) for name in names},
        "required": [*names],
        "additionalProperties": False,
    }


def _problem_schema() -> Json:
    return {
        "type": "object",
        "description": "Problem details as in RFC 9457.",
        "properties": {
            "type": {"type": "string", "pattern": f"^{PROBLEM_TYPE}[a-z0-9-]+$"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    }


def _json(kind: type, schemas: Fields) -> Json:
    return {_JSON: {"schema": schema_of(kind, schemas)}}


def _text(media_type: str) -> Json:
    return {media_type: {"schema": {"type": "string"}}}


def _page(summary: str, content: Json, parameters: list[Json] | None = None, *, is_open: bool = False) -> Json:
    problem: Json = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "get": {
            "summary": summary,
            "parameters": parameters or [],
            "security": [] if is_open else [{"token": []}],
            "responses": {
                "200": {"description": "the answer", "content": content},
                "default": {"description": "why there is none", "content": problem},
            },
        }
    }


def _parameter(name: str, schema: Json, description: str) -> Fields:
    return {"name": name, "in": "query", "description": description, "schema": schema}
