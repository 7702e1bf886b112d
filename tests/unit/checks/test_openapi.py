"""OpenAPI documents: read tolerantly, samples that fit, schemas of 3.0 in the words of 3.1."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.checks.openapi.model import OpenApi, Operation, Parameter, Place
from sophia_cli.checks.openapi.reading import UnreadableDocument, read_open_api
from sophia_cli.checks.openapi.reads import is_dangerous
from sophia_cli.checks.openapi.samples import NoSample, sample
from sophia_cli.checks.openapi.traversal import is_file_like
from sophia_cli.checks.schemas import BadSchema, schema_mistake, violation

BARE = OpenApi("", "", ())


def document(**parts: object) -> bytes:
    return json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}, **parts}).encode()


SCHEMAS = [
    {"type": "integer", "minimum": 5, "maximum": 9},
    {"type": "integer", "exclusiveMinimum": 5, "multipleOf": 5},
    {"type": "number", "maximum": -3},
    {"type": "string", "minLength": 200},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d{3}$"},
    {"type": ["null", "boolean"]},
    {"type": "array", "minItems": 3, "items": {"type": "string"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"const": 4}, "b": {"type": "string"}}},
    {"allOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}}, {"required": ["b"]}], "type": "object"},
    {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"enum": ["x", "y", "z"]},
    {"type": "string", "default": "given"},
    {},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
@pytest.mark.parametrize("variant", [0, 1, 2])
def test_a_sample_fits_its_schema(schema: dict[str, object], variant: int) -> None:
    assert violation(sample(schema, BARE, variant), schema) is None


def test_variants_differ_where_the_schema_lets_them() -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string", "example": "x"}, "n": {"type": "integer"}}}
    assert len({json.dumps(sample(schema, BARE, variant)) for variant in range(3)}) == 3


def test_a_schema_that_needs_itself_has_no_sample() -> None:
    node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    found = read_open_api(document(components={"schemas": {"Node": node}}))
    with pytest.raises(NoSample):
        sample({"$ref": "#/components/schemas/Node"}, found)


def test_a_pattern_that_nothing_plain_matches_has_no_sample() -> None:
    for pattern in ("^qq{7}$", "("):
        with pytest.raises(NoSample):
            sample({"type": "string", "pattern": pattern}, BARE)


def test_nullable_and_strict_bounds_of_3_0_are_understood() -> None:
    number = {"type": "integer", "nullable": True, "minimum": 0, "exclusiveMinimum": True}
    item = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Number"}]}
    text = json.dumps(
        {"openapi": "3.0.1", "paths": {}, "components": {"schemas": {"Number": number, "Item": item}}}
    ).encode()
    found = read_open_api(text)
    schema = {"$ref": "#/components/schemas/Item"}
    assert violation(None, schema, found.root) is None
    assert violation(1, schema, found.root) is None
    assert violation(0, schema, found.root) is not None


def test_parameters_of_a_path_are_those_of_its_operations_too() -> None:
    shared = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    own = {"name": "id", "in": "path", "schema": {"type": "integer"}}
    paths = {"/x/{id}": {"parameters": [shared], "get": {"parameters": [own]}, "post": {}}, "/y": {"$ref": "#/nowhere"}}
    found = read_open_api(document(paths=paths, servers=[{"url": "/v1/"}]))
    assert found.prefix == "/v1"
    assert [str(operation) for operation in found.operations] == ["GET /x/{id}", "POST /x/{id}"]
    assert found.operations[0].parameters == (Parameter("id", Place.PATH, True, {"type": "integer"}),)
    assert found.operations[1].parameters == (Parameter("id", Place.PATH, True, {"type": "string"}),)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"3", b'{"swagger": "2.0", "paths": {}}', b'{"openapi": 3}', b"[" * 50_000, b"\xff\xfe"]
)
def test_what_is_no_document_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        read_open_api(text)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["get", "query", "#/paths", "object", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "get",
                    "post",
                    "parameters",
                    "$ref",
                    "schema",
                    "name",
                    "in",
                    "responses",
                    "200",
                    "content",
                    "requestBody",
                    "application/json",
                    "type",
                    "properties",
                    "allOf",
                    "anyOf",
                    "enum",
                    "required",
                    "items",
                    "examples",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["/a", "/b/{id}", "x"]), ANY, max_size=3), ANY)
def test_a_document_of_any_shape_is_read_without_a_crash(paths: object, schemas: object) -> None:
    for version in ("3.0.0", "3.1.0"):
        found = read_open_api(document(openapi=version, paths=paths, components={"schemas": schemas}))
        for operation in found.operations:
            for one in (*operation.parameters, *((operation.body,) if operation.body else ())):
                try:
                    sample(one.schema, found)
                except NoSample:
                    continue


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"$ref": "#/nowhere"}, {"$ref": "https://example.invalid/x"}, {"pattern": "("}, 3]
)
def test_a_schema_that_cannot_be_used_is_said_to_be_bad(schema: object) -> None:
    with pytest.raises(BadSchema):
        violation("x", schema, {})


def test_the_mistake_of_a_schema_is_told() -> None:
    assert schema_mistake({"type": "object"}) is None
    assert schema_mistake({"type": "objekt"})
    assert schema_mistake([])


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("/admin/shutdown", "", True),
        ("/x", "deleteEverything", True),
        ("/cache/clear", "", True),
        ("/deleted-items", "", False),
        ("/bus-stops", "", False),
        ("/orders", "list_orders", False),
    ],
)
def test_a_get_that_says_that_it_ends_something_is_left_alone(path: str, name: str, expected: bool) -> None:
    assert is_dangerous(Operation("GET", path, name, (), None, ())) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("path", True),
        ("fileName", True),
        ("template_path", True),
        ("file-path", True),
        ("profile", False),
        ("id", False),
    ],
)
def test_names_of_files_are_recognised(name: str, expected: bool) -> None:
    assert is_file_like(name) is expected
