"""An OpenAPI 3 document as operations; schemas stay JSON values, with references into the document."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sophia_cli.core.values import dataclass, field

JSON = "application/json"
MULTIPART = "multipart/form-data"


class Place(Enum):
    """Where a parameter stands in a request."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `examples` are the values that the document gives for it, best first."""

    name: str
    place: Place
    required: bool
    schema: object
    examples: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request: its media type, its schema, and the values that the document gives for it.

    One that is not `declared` stands for what an operation may read although the document says nothing of it.
    """

    media_type: str
    schema: object
    required: bool
    examples: tuple[object, ...] = ()
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that is declared: `status` is a number, a class such as `2XX`, or `default`; `schema` is of JSON.

    `has_json` is whether a JSON body is declared, `has_other` whether one of another type is.
    """

    status: str
    has_json: bool
    has_other: bool
    schema: object


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    name: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: tuple[Response, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def in_place(self, place: Place) -> tuple[Parameter, ...]:
        """Return the parameters that stand somewhere."""
        return tuple(parameter for parameter in self.parameters if parameter.place is place)

    def response_to(self, status: int) -> Response | None:
        """Return what is declared for a status: the number itself, its class, the default; None for nothing."""
        for key in (str(status), f"{status // 100}XX", "default"):
            for response in self.responses:
                if response.status.upper() == key.upper():
                    return response
        return None


@dataclass(frozen=True, slots=True)
class OpenApi:
    """A document: its title, the path before all others (empty or `/v1`), its operations, and itself for references."""

    title: str
    prefix: str
    operations: tuple[Operation, ...]
    root: Mapping[str, object] = field(default_factory=dict)

    def resolved(self, schema: object) -> Mapping[str, object]:
        """Return what a schema refers to in the end, an empty one for what leads nowhere or in a circle."""
        for _ in range(50):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = self.lookup(reference)
        return {}

    def lookup(self, reference: str) -> object:
        """Return what a reference such as `#/components/schemas/Order` leads to in this document, None for nothing."""
        if not reference.startswith("#/"):
            return None
        value: object = self.root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, dict) else None
        return value
