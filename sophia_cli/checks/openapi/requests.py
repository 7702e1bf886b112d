"""From an operation and values to a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from sophia_cli.checks.answer import is_json_type
from sophia_cli.checks.http_client import HttpRequest
from sophia_cli.checks.openapi.harvest import Harvest
from sophia_cli.checks.openapi.model import MULTIPART, OpenApi, Operation, Place
from sophia_cli.checks.openapi.samples import merged, properties_of, sample_or_given
from sophia_cli.checks.openapi.samples import sample as sample_of
from sophia_cli.core.values import dataclass, replace

_FORM = "application/x-www-form-urlencoded"
_BOUNDARY = "sophia-verify-5d1c8a"


@dataclass(frozen=True, slots=True)
class Filled:
    """An operation with values: of its parameters by name, and of its body (None where it takes none)."""

    operation: Operation
    path: Mapping[str, object]
    query: Mapping[str, object]
    headers: Mapping[str, object]
    body: object = None

    def with_body(self, body: object) -> Filled:
        """Return the same with another body."""
        return replace(self, body=body)

    def with_path(self, name: str, value: object) -> Filled:
        """Return the same with another value of a path parameter."""
        return replace(self, path={**self.path, name: value})

    def with_query(self, name: str, value: object) -> Filled:
        """Return the same with another value of a query parameter."""
        return replace(self, query={**self.query, name: value})


def fill(operation: Operation, document: OpenApi, harvest: Harvest, variant: int = 0) -> Filled:
    """Return an operation with values for all that is required; NoSample when there is none for something.

    Another variant than 0 has clearly different values everywhere but in the path, optional query parameters too.
    """
    values: dict[Place, dict[str, object]] = {place: {} for place in Place}
    for parameter in operation.parameters:
        if parameter.place is Place.PATH:
            found = harvest.value(operation.path, parameter.name) if not parameter.examples else None
            if found is None:
                found = sample_or_given(parameter.schema, parameter.examples, document)  # type: ignore[assignment]  # any JSON value
            values[Place.PATH][parameter.name] = found
        elif parameter.required:
            values[parameter.place][parameter.name] = sample_or_given(
                parameter.schema, parameter.examples, document, variant
            )
    body = None
    if operation.body is not None:
        given = operation.body.examples if variant == 0 else ()
        body = given[0] if given else sample_of(operation.body.schema, document, variant)
    return Filled(operation, values[Place.PATH], values[Place.QUERY], values[Place.HEADER], body)


def request_for(filled: Filled, document: OpenApi) -> HttpRequest:
    """Return the request with these values."""
    operation = filled.operation
    body, content_type = b"", None
    if operation.body is not None:
        content_type, body = _encoded(operation.body.media_type, filled.body, operation.body.schema, document)
    return raw_request(filled, document, body, content_type)


def raw_request(filled: Filled, document: OpenApi, body: bytes, content_type: str | None) -> HttpRequest:
    """Return the request with these values and a body of one's own."""
    headers = tuple((name, _plain(value)) for name, value in filled.headers.items())
    if content_type is not None:
        headers += (("Content-Type", content_type),)
    return HttpRequest(filled.operation.method, path_of(filled, document), headers, body)


def path_of(filled: Filled, document: OpenApi) -> str:
    """Return the path with its parameters and the query."""
    path = filled.operation.path
    for name, value in filled.path.items():
        path = path.replace("{" + name + "}", quote(_plain(value), safe=""))
    pairs = [(name, _plain(one)) for name, value in filled.query.items() for one in _several(value)]
    joint = "&" if "?" in path else "?"
    return document.prefix + path + (joint + urlencode(pairs) if pairs else "")


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _encoded(media_type: str, value: object, schema: object, document: OpenApi) -> tuple[str, bytes]:
    if media_type == MULTIPART and isinstance(value, dict):
        return f"{MULTIPART}; boundary={_BOUNDARY}", _multipart(value, schema, document)
    if media_type == _FORM and isinstance(value, dict):
        pairs = [(name, _plain(one)) for name, inner in value.items() for one in _several(inner)]
        return _FORM, urlencode(pairs).encode()
    if is_json_type(media_type):
        return media_type, json.dumps(value, ensure_ascii=False).encode()
    return media_type, (_plain(value) if value is not None else "").encode()


def _multipart(values: Mapping[str, object], schema: object, document: OpenApi) -> bytes:
    properties = properties_of(merged(schema, document))
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{_file(properties.get(name), document)}'
        f"\r\n\r\n{_plain(one)}\r\n"
        for name, value in values.items()
        for one in _several(value)
    ]
    return ("".join(parts) + f"--{_BOUNDARY}--\r\n").encode()


def _file(schema: object, document: OpenApi) -> str:
    found = merged(schema, document)
    items = merged(found.get("items", {}), document)
    is_file = any("contentMediaType" in one or one.get("format") == "binary" for one in (found, items))
    return '; filename="sophia.txt"\r\nContent-Type: text/plain' if is_file else ""
