"""Services as JSON values: exact, and readable across versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.settings.check_model import Check, Command, Probe, ProbeKind, StatusRange
from sophia_cli.project.settings.service_codec import UnreadableValues, service_from_values, service_to_values
from sophia_cli.project.settings.service_model import (
    Limits,
    PortConflict,
    RestartPolicy,
    RestartWhen,
    Service,
    Slo,
    Strategy,
)

_finite = st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(max_size=8)
_names = st.lists(_texts, max_size=3).map(tuple)
_commands = st.builds(Command, words=_names, shell=st.booleans())
_ports = st.none() | st.integers(1, 65535)
_probes = st.builds(
    Probe,
    kind=st.sampled_from(ProbeKind),
    target=_texts,
    port=_ports,
    command=st.none() | _commands,
    interval_s=_finite,
    timeout_s=_finite,
    failures=st.integers(),
    start_period_s=_finite,
)
_checks = st.builds(
    Check,
    name=_texts,
    method=_texts,
    path=_texts,
    json_text=st.none() | _texts,
    statuses=st.lists(st.builds(StatusRange, st.integers(), st.integers()), max_size=2).map(tuple),
    gate=st.booleans(),
    max_ms=st.none() | _finite,
    retry_for_s=_finite,
)
_services = st.builds(
    Service,
    name=_texts,
    app=st.none() | _texts,
    command=st.none() | _commands,
    port=_ports,
    on_port_conflict=st.sampled_from(PortConflict),
    persist=_names,
    strategy=st.sampled_from(Strategy),
    replicas=st.integers(0, 9),
    env=st.lists(st.tuples(_texts, _texts), max_size=3).map(tuple),
    soak_s=_finite,
    restart=st.builds(RestartPolicy, when=st.sampled_from(RestartWhen), backoff_s=_finite),
    limits=st.builds(Limits, memory_bytes=st.none() | st.integers(0), cpus=st.none() | _finite),
    slo=st.builds(Slo, p95_ms=st.none() | _finite),
    readiness=st.none() | _probes,
    checks=st.lists(_checks, max_size=2).map(tuple),
)


def _written(service: Service) -> Any:
    return json.loads(json.dumps(service_to_values(service)))


@settings(deadline=None)
@given(_services)
def test_what_is_written_reads_back_equal(service: Service) -> None:
    assert service_from_values(_written(service)) == service


def test_a_field_that_a_record_lacks_has_its_default() -> None:
    values = _written(Service("api", replicas=3, limits=Limits(memory_bytes=5)))
    del values["replicas"], values["limits"]["memory_bytes"]
    assert service_from_values(values) == Service("api")


def test_a_field_that_nobody_knows_is_passed_over() -> None:
    values = _written(Service("api"))
    values["of_tomorrow"] = {"deep": [1]}
    values["limits"]["threads"] = 4
    assert service_from_values(values) == Service("api")


def test_a_whole_number_is_a_duration_too() -> None:
    found = service_from_values({**_written(Service("api")), "soak_s": 2}).soak_s
    assert (found, type(found)) == (2.0, float)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", "80"),
        ("port", True),
        ("strategy", "sideways"),
        ("env", [["A"]]),
        ("env", "A=1"),
        ("persist", [1]),
        ("limits", None),
        ("command", {"words": ["x"]}),
    ],
)
def test_a_value_of_another_kind_is_refused_and_its_field_named(field: str, value: object) -> None:
    values = {**_written(Service("api")), field: value}
    with pytest.raises(UnreadableValues, match=field):
        service_from_values(values)


@pytest.mark.parametrize("values", [None, [], {}, {"format": 2, "name": "api"}, {"format": 1}])
def test_what_is_no_record_of_this_format_is_refused(values: object) -> None:
    with pytest.raises(UnreadableValues):
        service_from_values(values)
