"""`verify --fuzz`: requests that are made up find what nobody thought of."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from plain_shop import plain_shop
from shop_faults import Fault
from verified import Verify

NAME = "no generated request breaks it"


@pytest.mark.skipif(find_spec("schemathesis") is not None, reason="the extra is installed")
def test_without_the_extra_it_says_what_to_install(verify: Verify) -> None:
    with plain_shop() as url:
        done = verify(url, "--fuzz")
    error = done.document["error"]
    assert isinstance(error, dict)
    assert (done.code, error["reference"]) == (69, "fuzzer-missing")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="the extra is not installed")
def test_a_crash_is_found_and_a_right_service_stands(verify: Verify) -> None:
    with plain_shop(Fault.EMPTY_DOCUMENT_CRASHES) as url:
        done = verify(url, "--fuzz")
    assert list(done.failed) == [NAME]
    assert "POST /words" in done.failed[NAME]
    with plain_shop() as url:
        assert NAME in verify(url, "--fuzz").messages


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="the extra is not installed")
def test_without_a_document_there_is_nothing_to_make_up(verify: Verify) -> None:
    with plain_shop(documented=False) as url:
        skipped = verify(url, "--fuzz").document["skipped"]
    assert isinstance(skipped, list)
    assert NAME in [one["name"] for one in skipped]
