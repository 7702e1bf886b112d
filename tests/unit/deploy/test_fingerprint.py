"""Fingerprints: equal exactly for what runs the same, and differences that can be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.deploy.fingerprint import (
    Change,
    Difference,
    Fingerprint,
    Part,
    differences,
    fingerprint_of,
    settings_for_running,
)
from sophia_cli.project.settings.check_model import Check, Probe, ProbeKind
from sophia_cli.project.settings.service_model import Limits, RestartPolicy, Service, Slo


def _fingerprint(service: Service | None = None, **parts: Any) -> Fingerprint:
    given: dict[str, Any] = {"code": {}, "data": {}, "secrets": {}, "packages": {}, "python": "3.11.4", **parts}
    return fingerprint_of(service or Service("api", app="a:b"), **given)


_pairs = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)
_fingerprints = st.builds(
    _fingerprint,
    st.sampled_from([Service("api"), Service("api", port=1), Service("api", env=(("A", "1"),))]),
    code=_pairs,
    data=_pairs,
    secrets=_pairs,
    packages=_pairs,
    python=st.sampled_from(["3.11.4", "3.12.0"]),
    environment=st.sampled_from(["", "staging"]),
)


@settings(deadline=None)
@given(_fingerprints, _fingerprints)
def test_digests_are_equal_exactly_where_nothing_differs(one: Fingerprint, other: Fingerprint) -> None:
    assert (one.digest == other.digest) == (one == other) == (not differences(one, other))


@settings(deadline=None)
@given(_fingerprints, _fingerprints)
def test_differences_turn_around(one: Fingerprint, other: Fingerprint) -> None:
    turned = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED, Change.CHANGED: Change.CHANGED}
    there = [(found.part, found.name, turned[found.change]) for found in differences(one, other)]
    assert there == [(found.part, found.name, found.change) for found in differences(other, one)]


def test_the_order_in_which_files_are_given_does_not_matter() -> None:
    assert _fingerprint(code={"a": "1", "b": "2"}) == _fingerprint(code={"b": "2", "a": "1"})


@pytest.mark.parametrize(
    "changed",
    [
        Service("api", app="a:b", slo=Slo(p95_ms=3)),
        Service("api", app="a:b", soak_s=9),
        Service("api", app="a:b", open_api="/openapi.json"),
        Service("api", app="a:b", checks=(Check("c", "GET", "/", None, (), gate=True),)),
    ],
)
def test_what_is_asked_of_a_service_is_no_part_of_what_runs(changed: Service) -> None:
    assert _fingerprint(changed) == _fingerprint()


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        (Service("api", app="a:c"), ["app"]),
        (Service("api", app="a:b", env=(("LOG_LEVEL", "debug"),)), ["env.LOG_LEVEL"]),
        (Service("api", app="a:b", limits=Limits(memory_bytes=5)), ["limits.memory"]),
        (Service("api", app="a:b", stop_timeout_s=3), ["stop_timeout"]),
        (Service("api", app="a:b", restart=RestartPolicy(backoff_s=3)), ["restart.backoff"]),
        (Service("api", app="a:b", env=(("wait_s", "1"),)), ["env.wait_s"]),
    ],
)
def test_a_setting_is_told_by_its_key(changed: Service, keys: list[str]) -> None:
    found = differences(_fingerprint(), _fingerprint(changed))
    assert [difference.name for difference in found] == keys
    assert {difference.part for difference in found} == {Part.SETTINGS}


def test_values_of_settings_and_secrets_are_never_in_a_difference() -> None:
    before = _fingerprint(Service("api", env=(("TOKEN", "hush-1"),)), secrets={"KEY": "hash-1"})
    after = _fingerprint(Service("api", env=(("TOKEN", "hush-2"),)), secrets={"KEY": "hash-2"})
    assert differences(before, after) == (
        Difference(Part.SETTINGS, "env.TOKEN", Change.CHANGED),
        Difference(Part.SECRETS, "KEY", Change.CHANGED),
    )


def test_a_probe_that_comes_or_changes_is_a_setting() -> None:
    probe = Probe(ProbeKind.HTTP, "/ready", None, None, 1.0, 1.0, 3)
    service = Service("api", app="a:b", readiness=probe)
    assert _fingerprint(service) != _fingerprint()
    keys = [found.name for found in differences(_fingerprint(service), _fingerprint(replace(service, readiness=None)))]
    assert all(key.startswith("readiness") for key in keys)


def test_a_default_that_is_written_out_changes_nothing() -> None:
    assert settings_for_running(Service("api", replicas=1)) == ()


def test_the_address_of_a_dependency_counts_and_that_of_others_does_not() -> None:
    service = Service("api", depends_on=("memory",))
    plain = _fingerprint(service, addresses={"memory": "127.0.0.1:1", "other": "127.0.0.1:2"})
    assert plain == _fingerprint(service, addresses={"memory": "127.0.0.1:1", "other": "127.0.0.1:3"})
    moved = _fingerprint(service, addresses={"memory": "127.0.0.1:9"})
    assert [found.name for found in differences(plain, moved)] == ["address of memory"]


def test_versions_are_told_on_both_sides() -> None:
    found = differences(_fingerprint(packages={"a": "1"}), _fingerprint(packages={"a": "2", "b": "1"}))
    assert found == (
        Difference(Part.PACKAGES, "a", Change.CHANGED, "1", "2"),
        Difference(Part.PACKAGES, "b", Change.ADDED, "", "1"),
    )
