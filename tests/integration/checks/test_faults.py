"""Each fault of real services is caught, by what looks for it and nothing else; a right service sets nothing off."""

from __future__ import annotations

import json

import pytest
from app_server import serving_app
from careless_mock import careless_mock
from fastapi_shop import shop
from plain_shop import plain_shop
from shop_faults import Fault

from sophia_cli.main import main

CAUGHT_BY = {
    Fault.UNKNOWN_ID_IS_FOUND: {
        "GET /orders/{order_id} refuses an unknown id",
        "PATCH /orders/{order_id} refuses an unknown id",
    },
    Fault.ANY_STATE: {"PATCH /orders/{order_id} refuses invalid values"},
    Fault.CONSTANT_SCORE: {"POST /pleasantness computes its figures"},
    Fault.NO_MCP: {"MCP is spoken where it is claimed"},
    Fault.EMPTY_DOCUMENT_CRASHES: {"POST /words survives an empty document"},
    Fault.ANY_ORIGIN: {"no foreign origin may use credentials"},
}
PLAIN = {
    **CAUGHT_BY,
    Fault.MISSING_FIELD_CRASHES: {
        "POST /orders refuses what lacks a field",
        "POST /orders survives an empty document",
    },
    Fault.ANY_FILE: {"GET /page reads no other file"},
}
FASTAPI = {
    **CAUGHT_BY,
    Fault.MISSING_FIELD_CRASHES: {"POST /orders refuses what lacks a field", "POST /orders survives an empty document"},
    Fault.ANY_FILE: {"GET /pages/{page_name} reads no other file"},
}
SAFE = {Fault.NO_MCP, Fault.ANY_ORIGIN}


def verified(capsys: pytest.CaptureFixture[str], url: str, *words: str) -> tuple[int, dict[str, str]]:
    """Run `sophia verify` on a URL; return the exit code and the messages of the checks that failed."""
    capsys.readouterr()
    code = main(["verify", "--json", url, *words])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert len(checks) > 5
    return code, {check["name"]: check["message"] for check in checks if not check["passed"]}


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_a_fault_of_a_plain_service_is_caught(fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    with plain_shop(fault) as url:
        code, failed = verified(capsys, url, "--writes")
    assert code == 1
    assert set(failed) == PLAIN[fault]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_a_fault_of_a_fastapi_service_is_caught(fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_app(shop(fault)) as url:
        code, failed = verified(capsys, url, "--writes")
    assert code == 1
    assert set(failed) == FASTAPI[fault]


def test_nothing_fires_on_a_right_plain_service(capsys: pytest.CaptureFixture[str]) -> None:
    with plain_shop() as url:
        assert verified(capsys, url, "--writes") == (0, {})


def test_nothing_fires_on_a_right_fastapi_service(capsys: pytest.CaptureFixture[str]) -> None:
    with serving_app(shop(None)) as url:
        assert verified(capsys, url, "--writes") == (0, {})


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_without_being_asked_only_what_changes_nothing_runs(fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    with plain_shop(fault) as url:
        code, failed = verified(capsys, url)
    assert (code, bool(failed)) == ((1, True) if fault in SAFE else (0, False))


def test_no_byte_of_a_file_that_was_read_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with plain_shop(Fault.ANY_FILE) as url:
        assert main(["verify", "-v", url, "--writes"]) == 1
    shown = capfd.readouterr().out
    assert "[redacted]" in shown
    assert "/bin/" not in shown


def test_a_mock_whose_document_says_little_is_seen_through(capsys: pytest.CaptureFixture[str]) -> None:
    with serving_app(careless_mock()) as url:
        _, failed = verified(capsys, url, "--writes")
    assert set(failed) == {
        "POST /analyze with valid values",
        "POST /analyze refuses malformed JSON",
        "POST /analyze survives an empty document",
        "POST /analyze computes its figures",
        "POST /rate computes its figures",
        "POST /workflow refuses invalid values",
        "POST /upload survives an empty document",
        "GET /read reads no other file",
        "GET /items/{item_id} refuses an unknown id",
    }
