"""Requests that should be refused: what is made of an operation, and what is left alone to raise no false alarm."""

from __future__ import annotations

import pytest

from sophia_cli.checks.answer import Answer
from sophia_cli.checks.asking import Service, ask
from sophia_cli.checks.endpoint import tcp_endpoint
from sophia_cli.checks.openapi.bodies import empty, malformed, without_fields
from sophia_cli.checks.openapi.harvest import Harvest, is_identifier
from sophia_cli.checks.openapi.model import JSON, Body, OpenApi, Operation, Parameter, Place, Response
from sophia_cli.checks.openapi.strangers import invalid_values, refuses_stranger, unknown_ids
from sophia_cli.checks.openapi.trials import Subject, Trial

STATUS = {"type": "string"}


def operation(method: str, path: str, *parameters: Parameter, body: object = None) -> Operation:
    found = None if body is None else Body(JSON, body, required=True)
    return Operation(method, path, "", parameters, found, (Response("200", False, False, True),))


def subject() -> Subject:
    asking = ask(Service("x", tcp_endpoint("127.0.0.1", 1), "", 1.0), "0")
    return Subject(OpenApi("", "", ()), asking, Harvest())


def values_of(one: Operation) -> list[str]:
    whole = subject()
    return [trial.words for trial in invalid_values(whole.filled(one), whole)]


def object_of(**properties: object) -> object:
    return {"type": "object", "properties": properties}


def test_a_state_without_limits_is_tried_where_something_is_changed() -> None:
    assert len(values_of(operation("PATCH", "/x", body=object_of(status=STATUS)))) == 1
    assert len(values_of(operation("POST", "/x", Parameter("order_state", Place.QUERY, True, STATUS)))) == 1
    assert len(values_of(operation("PUT", "/x/{status}", Parameter("status", Place.PATH, True, STATUS)))) == 1


def test_a_filter_may_know_no_state() -> None:
    assert values_of(operation("GET", "/x", Parameter("status", Place.QUERY, True, STATUS))) == []


def test_the_state_of_an_address_may_be_anything() -> None:
    assert values_of(operation("POST", "/x", body=object_of(state=STATUS, city=STATUS, zip_code=STATUS))) == []


def test_what_the_document_excludes_is_tried_everywhere() -> None:
    limits = [{"enum": ["a", "b"]}, {"type": "integer", "minimum": 1}]
    for schema in limits:
        assert len(values_of(operation("GET", "/x", Parameter("by", Place.QUERY, False, schema)))) == 1
        assert len(values_of(operation("POST", "/x", body=object_of(by=schema)))) == 1
    assert values_of(operation("POST", "/x", body=object_of(by={"type": "integer"}, name={"type": "string"}))) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("id", True), ("order_id", True), ("orderId", True), ("uuid", True), ("query", False), ("valid", False)],
)
def test_identifiers_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_identifier(name) is expected


def test_what_names_nothing_has_no_unknown_id() -> None:
    whole = subject()
    echo = operation("GET", "/echo/{text}", Parameter("text", Place.PATH, True, STATUS))
    assert unknown_ids(whole.filled(echo), whole) == []


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "is_right"),
    [
        ("GET", "/x/{id}", 200, b"{}", False),
        ("GET", "/x/{id}", 404, b"", True),
        ("GET", "/x/{id}", 200, b"[]", False),
        ("GET", "/x/{id}/parts", 200, b"[]", True),
        ("GET", "/x/{id}/parts", 200, b'{"parts": [], "total": 0}', True),
        ("GET", "/x/{id}/parts", 200, b'[{"id": 1}]', False),
        ("PUT", "/x/{id}", 201, b"{}", True),
        ("DELETE", "/x/{id}", 204, b"", True),
        ("DELETE", "/x/{id}", 200, b'{"deleted": true}', False),
        ("PATCH", "/x/{id}", 200, b"{}", False),
    ],
)
def test_success_for_an_unknown_id_is_a_fault_where_it_means_one(
    method: str, path: str, status: int, body: bytes, is_right: bool
) -> None:
    assert refuses_stranger(operation(method, path), Answer(status, (), body, 0.0)) is is_right


def words_of(trials: object) -> dict[str, bool]:
    assert isinstance(trials, list)
    assert all(isinstance(trial, Trial) for trial in trials)
    return {trial.words: trial.must_refuse for trial in trials}


def test_fields_are_left_out_one_by_one() -> None:
    whole = subject()
    schema = {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": {"const": 1}}}
    one = operation("POST", "/x", Parameter("q", Place.QUERY, True, STATUS), body=schema)
    filled = whole.filled(one)
    assert words_of(without_fields(filled, one.body, whole)) == {
        "without `q`": True,
        "without `a`": True,
        "without `b`": True,
    }
    assert set(words_of(malformed(filled, one.body, whole)).values()) == {True}
    assert set(words_of(empty(filled, one.body, whole)).values()) == {False}
    assert {"an empty `q`", "an empty body", "empty texts and lists"} <= set(words_of(empty(filled, one.body, whole)))


def test_identifiers_come_from_lists_and_from_what_was_created() -> None:
    harvest = Harvest()
    harvest.add_answer("/orders", {"total": 1, "items": [{"order_id": "a1", "id": 9}]}, created=False)
    assert harvest.value("/orders/{order_id}", "order_id") == "a1"
    assert harvest.value("/orders/{orderId}/parts", "orderId") == "a1"
    assert harvest.value("/others/{id}", "id") is None
    harvest.add_answer("/orders/", {"order": {"id": 7}}, created=True)
    assert harvest.value("/orders/{id}", "id") == 7
    harvest.add_answer("/names", ["x"], created=False)
    assert harvest.value("/names/{name}", "name") == "x"
