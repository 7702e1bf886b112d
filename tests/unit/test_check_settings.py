"""What the settings file may say about checks and probes, and where it is told that it says too much."""

from __future__ import annotations

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.settings.check_model import (
    Capture,
    Check,
    Expectation,
    McpCall,
    Operator,
    SchemaSource,
    StatusRange,
)
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.project.settings.service_codec import service_from_values, service_to_values

HEAD = '[services.a]\ncommand = "x"\nport = 1\n[[services.a.checks]]\n'


def check(text: str) -> Check:
    return parse_settings(HEAD + text, "sophia.toml").services[0].checks[0]


def mistake(text: str, head: str = HEAD) -> UsageError:
    with pytest.raises(UsageError) as raised:
        parse_settings(head + text, "sophia.toml")
    return raised.value


def test_a_full_check_is_read_and_survives_a_record() -> None:
    text = """name = "n"
request = "PUT /x"
json = [1]
status = ["2xx", 404]
headers = { A = "b" }
expect_headers = { C = "d" }
expect = { "$.x" = 1, "$.y" = { type = "string", matches = "^a" } }
schema = { type = "object" }
max_ms = 5
capture = { id = "$.id" }
retry_for = "2s"
gate = true
"""
    found = check(text)
    assert found == Check(
        name="n",
        method="PUT",
        path="/x",
        json_text="[1]",
        statuses=(StatusRange(200, 299), StatusRange(404, 404)),
        gate=True,
        headers=(("A", "b"),),
        expect_headers=(Expectation("C", Operator.EQUALS, '"d"'),),
        expect=(
            Expectation("$.x", Operator.EQUALS, "1"),
            Expectation("$.y", Operator.TYPE, '"string"'),
            Expectation("$.y", Operator.MATCHES, '"^a"'),
        ),
        schema=SchemaSource(None, '{"type": "object"}'),
        max_ms=5.0,
        captures=(Capture("id", "$.id"),),
        retry_for_s=2.0,
    )
    service = parse_settings(HEAD + text, "sophia.toml").services[0]
    assert service_from_values(service_to_values(service)) == service


def test_what_only_reads_is_a_gate() -> None:
    assert check('name = "n"\nrequest = "GET /"').gate
    assert not check('name = "n"\nrequest = "POST /"').gate
    assert check('name = "n"\nmcp = "/mcp"').gate
    called = check('name = "n"\nmcp = "/mcp"\ntool = "t"\narguments = { a = 1 }')
    assert not called.gate
    assert called.mcp == McpCall("t", '{"a": 1}')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name = "n"', 4),
        ('request = "GET /"', 4),
        ('name = "n"\nrequest = "GET /"\nmcp = "/mcp"', 7),
        ('name = "n"\nrequest = "GET /"\ntool = "t"', 7),
        ('name = "n"\nmcp = "/mcp"\nstatus = 200', 7),
        ('name = "n"\nmcp = "/mcp"\nexpect = { "$.a" = 1 }', 7),
        ('name = "n"\nmcp = "mcp"', 6),
        ('name = "n"\nrequest = "get /"', 6),
        ('name = "n"\nrequest = "POST /"\njson = 1\nbody = "x"', 8),
        ('name = "n"\nrequest = "GET /"\nstatus = 99', 7),
        ('name = "n"\nrequest = "GET /"\nstatus = "6xx"', 7),
        ('name = "n"\nrequest = "GET /"\nstatus = []', 7),
        ('name = "n"\nrequest = "GET /"\nstatus = [200, true]', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "a" = 1 }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = {} }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { type = "text" } }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { matches = "(" } }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { min = "1" } }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { length = -1 } }', 7),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { exists = 1 } }', 7),
        ('name = "n"\nrequest = "GET /"\nheaders = { "a b" = "c" }', 7),
        ('name = "n"\nrequest = "GET /"\nheaders = { a = "b\\nc" }', 7),
        ('name = "n"\nrequest = "GET /"\nschema = "../x.json"', 7),
        ('name = "n"\nrequest = "GET /"\nschema = 3', 7),
        ('name = "n"\nrequest = "GET /"\nmax_ms = 0', 7),
        ('name = "n"\nrequest = "GET /"\ncapture = { "a-b" = "$.a" }', 7),
        ('name = "n"\nrequest = "GET /"\ncapture = { a = "a" }', 7),
        ('name = "n"\nrequest = "GET /"\nretry_for = 3', 7),
    ],
)
def test_a_mistake_in_a_check_is_told_with_its_line(text: str, line: int) -> None:
    error = mistake(text)
    assert error.reference == "settings-wrong-value"
    assert error.location is not None
    assert error.location.startswith(f"sophia.toml:{line}:")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ('name = "n"\nrequest = "GET /"\nexpects = 1', "expect"),
        ('name = "n"\nrequest = "GET /"\nexpect = { "$.a" = { match = "x" } }', "matches"),
    ],
)
def test_an_unknown_key_leads_to_the_nearest(text: str, near: str) -> None:
    error = mistake(text)
    assert error.reference == "settings-unknown-key"
    assert f"`{near}`" in (error.hint or "")
    assert (error.location or "").startswith("sophia.toml:7:")


PROBE = '[services.a]\ncommand = "x"\nport = 1\n'


def test_a_probe_has_thresholds_and_a_start_period() -> None:
    text = (
        'readiness = { tcp = 1, successes = 2, failures = 4, start_period = "3s", interval = "500ms", timeout = "1s" }'
    )
    probe = parse_settings(PROBE + text, "sophia.toml").services[0].readiness
    assert probe is not None
    assert (probe.successes, probe.failures, probe.start_period_s) == (2, 4, 3.0)
    assert (probe.timeout_s, probe.interval_s) == (1.0, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        'readiness = { http = "/", successes = 0 }',
        'readiness = { http = "/", start_period = 3 }',
        'readiness = { http = "/", interval = "0s" }',
        'readiness = { http = "/", timeout = "0ms" }',
        'readiness = { http = "http:///x" }',
        'readiness = { http = "http://h:99999/" }',
        'openapi = "../x.json"',
    ],
)
def test_a_probe_that_cannot_work_is_a_mistake(text: str) -> None:
    assert mistake(text, PROBE).reference == "settings-wrong-value"
