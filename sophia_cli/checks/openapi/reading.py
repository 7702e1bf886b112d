"""From the text of an OpenAPI document to operations. What a document does not say well is left out, not guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from sophia_cli.checks.answer import is_json_type, media_type_of
from sophia_cli.checks.openapi.model import JSON, Body, OpenApi, Operation, Parameter, Place, Response

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


class UnreadableDocument(Exception):
    """A text is no OpenAPI 3 document; the text of this says why."""


def read_open_api(data: bytes) -> OpenApi:
    """Return the operations of a document; UnreadableDocument when it is none that can be read."""
    try:
        root = json.loads(data)
        if not isinstance(root, dict) or not isinstance(root.get("paths", {}), dict):
            raise UnreadableDocument("it is no object with `paths`")
        version = root.get("openapi")
        if not isinstance(version, str):
            says = "Swagger 2.0 is not read" if "swagger" in root else "it has no `openapi` version"
            raise UnreadableDocument(says)
        return _read(_upgraded(root) if version.startswith("3.0") else root)
    except RecursionError as error:
        raise UnreadableDocument("it is nested too deep") from error
    except ValueError as error:
        raise UnreadableDocument("it is no JSON") from error


def _read(root: object) -> OpenApi:
    assert isinstance(root, dict)  # the caller looked
    bare = OpenApi("", "", (), root)
    paths = root.get("paths", {})
    operations = tuple(
        _operation(bare, method, path, item, item[method])
        for path, raw in paths.items()
        if isinstance(path, str) and path.startswith("/")
        for item in (bare.resolved(raw),)
        for method in _METHODS
        if isinstance(item.get(method), dict)
    )
    info = root.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    return OpenApi(title if isinstance(title, str) else "", _prefix(root.get("servers")), operations, root)


def _operation(document: OpenApi, method: str, path: str, item: Mapping[str, object], raw: object) -> Operation:
    assert isinstance(raw, dict)  # the caller looked
    found = {(parameter.name, parameter.place): parameter for parameter in _parameters(document, item)}
    found |= {(parameter.name, parameter.place): parameter for parameter in _parameters(document, raw)}
    responses = raw.get("responses")
    return Operation(
        method=method.upper(),
        path=path,
        name=str(raw.get("operationId", "")),
        parameters=tuple(found.values()),
        body=_body(document, raw.get("requestBody")),
        responses=tuple(
            _response(document, str(status), answer)
            for status, answer in (responses.items() if isinstance(responses, dict) else ())
        ),
    )


def _parameters(document: OpenApi, owner: Mapping[str, object]) -> Iterator[Parameter]:
    listed = owner.get("parameters")
    for raw in listed if isinstance(listed, list) else ():
        parameter = document.resolved(raw)
        name, place = parameter.get("name"), parameter.get("in")
        if not isinstance(name, str) or place not in [member.value for member in Place]:
            continue
        schema = parameter.get("schema")
        if schema is None:
            schema = next((inner.get("schema") for _, inner in _contents(parameter)), {})
        required = parameter.get("required") is True or place == Place.PATH.value
        yield Parameter(name, Place(place), required, schema, _examples(document, parameter))


def _body(document: OpenApi, raw: object) -> Body | None:
    body = document.resolved(raw)
    contents = sorted(_contents(body), key=lambda content: not is_json_type(content[0]))
    if not contents:
        return None
    media_type, content = contents[0]
    required = body.get("required") is True
    return Body(media_type, content.get("schema", {}), required, _examples(document, content))


def _response(document: OpenApi, status: str, raw: object) -> Response:
    contents = list(_contents(document.resolved(raw)))
    of_json = [content for media_type, content in contents if is_json_type(media_type)]
    return Response(
        status,
        has_json=bool(of_json),
        has_other=len(of_json) < len(contents),
        schema=of_json[0].get("schema", True) if of_json else True,
    )


def _contents(owner: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    content = owner.get("content")
    for name, inner in content.items() if isinstance(content, dict) else ():
        if isinstance(inner, dict):
            media_type = media_type_of(name)
            yield JSON if media_type == "*/*" else media_type, inner


def _examples(document: OpenApi, owner: Mapping[str, object]) -> tuple[object, ...]:
    found = [owner["example"]] if "example" in owner else []
    named = owner.get("examples")
    if isinstance(named, dict):
        found += [inner["value"] for raw in named.values() if "value" in (inner := document.resolved(raw))]
    return tuple(found)


def _prefix(servers: object) -> str:
    """Return the path of the first server, where that one is this machine or is given without a host."""
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    if not isinstance(url, str) or "{" in url:
        return ""
    parts = urlsplit(url)
    if parts.hostname is not None and parts.hostname not in _LOOPBACK:
        return ""
    path = parts.path.rstrip("/")
    return path if path.startswith("/") else ""


def _upgraded(value: object) -> object:
    """Return a document of OpenAPI 3.0 with its schemas in the words of 3.1, which are those of JSON Schema 2020-12."""
    if isinstance(value, list):
        return [_upgraded(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, object] = {key: _upgraded(inner) for key, inner in value.items()}
    for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(strict), bool):
            is_strict = found.pop(strict)
            if is_strict and bound in found:
                found[strict] = found.pop(bound)
    if found.get("nullable") is not True:
        return found
    del found["nullable"]
    kind = found.get("type")
    if isinstance(kind, str):
        found["type"] = [kind, "null"]
        if isinstance(found.get("enum"), list):
            found["enum"] = [*found["enum"], None]  # type: ignore[misc]  # mypy does not narrow a subscript of object
        return found
    return {"anyOf": [found, {"type": "null"}]}
