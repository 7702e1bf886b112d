"""Bodies that lack something: a field, their end, everything."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sophia_cli.checks.answer import is_json_type
from sophia_cli.checks.openapi.model import MULTIPART, Body, Place
from sophia_cli.checks.openapi.requests import Filled, raw_request, request_for
from sophia_cli.checks.openapi.samples import merged, properties_of, required_of, type_of
from sophia_cli.checks.openapi.trials import Subject, Trial
from sophia_cli.core.values import replace

_MOST_FIELDS = 12


def without_fields(filled: Filled, body: Body | None, subject: Subject) -> Sequence[Trial]:
    """Return trials without each field and query parameter in turn.

    A required one must be refused, another must do no harm.
    """
    document = subject.document
    trials = []
    for parameter in filled.operation.in_place(Place.QUERY):
        if parameter.name in filled.query:
            rest = {name: value for name, value in filled.query.items() if name != parameter.name}
            request = request_for(replace(filled, query=rest), document)
            # A required parameter of a declared check is only one that was there.
            is_declared = bool(filled.operation.responses)
            trials.append(Trial(f"without `{parameter.name}`", request, must_refuse=is_declared and parameter.required))
    if body is None or not isinstance(filled.body, dict):
        return trials
    required = required_of(merged(body.schema, document))
    for name in list(filled.body)[:_MOST_FIELDS]:
        fields = {key: value for key, value in filled.body.items() if key != name}
        request = request_for(filled.with_body(fields), document)
        trials.append(Trial(f"without `{name}`", request, must_refuse=name in required))
    return trials


def malformed(filled: Filled, body: Body | None, subject: Subject) -> Sequence[Trial]:
    """Return trials with JSON that ends too early, or is none; where a body is declared, both must be refused."""
    if body is None or not is_json_type(body.media_type):
        return ()
    texts = (("JSON that breaks off", b'{"sophia": '), ("text that is no JSON", b"sophia <&> \x01"))
    return [
        Trial(words, raw_request(filled, subject.document, data, body.media_type), must_refuse=body.declared)
        for words, data in texts
    ]


def empty(filled: Filled, body: Body | None, subject: Subject) -> Sequence[Trial]:
    """Return trials without any content, in several senses; they must do no harm."""
    document = subject.document
    trials = [
        Trial(f"an empty `{name}`", request_for(filled.with_query(name, ""), document), must_refuse=False)
        for name, value in filled.query.items()
        if isinstance(value, str)
    ]
    if body is None:
        return trials
    if is_json_type(body.media_type):
        kinds = (("an empty body", b""), ("an empty object", b"{}"), ("an empty list", b"[]"), ("null", b"null"))
        trials += [
            Trial(words, raw_request(filled, document, data, body.media_type), must_refuse=False)
            for words, data in kinds
        ]
    elif body.media_type != MULTIPART:
        trials.append(Trial("an empty body", raw_request(filled, document, b"", body.media_type), must_refuse=False))
    if isinstance(filled.body, dict | str):
        emptied = _emptied(filled.body)
        if json.dumps(emptied) != json.dumps(filled.body):
            request = request_for(filled.with_body(emptied), document)
            trials.append(Trial("empty texts and lists", request, must_refuse=False))
    return trials


def with_wrong_type(filled: Filled, body: Body | None, subject: Subject) -> Sequence[Trial]:
    """Return trials with a value of another type in each field; they must do no harm."""
    if body is None or not isinstance(filled.body, dict) or not is_json_type(body.media_type):
        return ()
    properties = properties_of(merged(body.schema, subject.document))
    trials = []
    for name in list(filled.body)[:_MOST_FIELDS]:
        kind = type_of(merged(properties.get(name, {}), subject.document))
        wrong: object = ["sophia"] if kind in ("string", "integer", "number", "boolean") else "sophia"
        request = request_for(filled.with_body({**filled.body, name: wrong}), subject.document)
        trials.append(Trial(f"another type in `{name}`", request, must_refuse=False))
    return trials


def _emptied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _emptied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return []
    return "" if isinstance(value, str) else value
