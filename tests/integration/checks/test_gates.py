"""Gates: the checks that decide about a candidate, at its own address; and addresses of every kind."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from raw_servers import OK, answering, raw_server
from verified import Verify

from benchmarks.ports import free_port
from sophia_cli.checks.endpoint import Endpoint, tcp_endpoint
from sophia_cli.checks.gates import run_gates
from sophia_cli.core.checks import CheckResult
from sophia_cli.project.settings.check_model import Check
from sophia_cli.project.settings.parser import parse_settings

SETTINGS = """
[services.shop]
command = "x"
port = 1

[[services.shop.checks]]
name = "reads"
request = "GET /"

[[services.shop.checks]]
name = "writes"
request = "POST /"

[[services.shop.checks]]
name = "writes at the gate"
request = "POST /"
headers = { Authorization = "{SHOP_TOKEN}" }
status = 201
gate = true
"""


def checks() -> tuple[Check, ...]:
    return parse_settings(SETTINGS, "sophia.toml").services[0].checks


def gates(endpoint: Endpoint) -> tuple[CheckResult, ...]:
    return asyncio.run(run_gates("shop", checks(), endpoint, Path(), 1.0, {"SHOP_TOKEN": "dragonfly"}))


def test_only_gates_run_against_a_candidate() -> None:
    with raw_server(answering(OK)) as server:
        results = gates(tcp_endpoint("127.0.0.1", server.port, "shop.example"))
    assert [(result.name, result.passed) for result in results] == [("reads", True), ("writes at the gate", False)]
    assert all(b"\r\nHost: shop.example\r\n" in request for request in server.requests)
    assert b"\r\nAuthorization: dragonfly\r\n" in server.requests[-1]


def test_a_candidate_that_is_gone_fails_its_gates() -> None:
    assert [result.passed for result in gates(tcp_endpoint("127.0.0.1", free_port()))] == [False, False]


def test_gates_load_nothing_heavy() -> None:
    code = "import sophia_cli.checks.gates, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    heavy = {"httpx", "typer", "pydantic", "http.client", "email", "jsonschema", "tomllib", "urllib.request"}
    assert set(done.stdout.split()).isdisjoint(heavy)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_certificate_of_nobody_is_an_error_unless_any_will_do(verify: Verify, certificate: ssl.SSLContext) -> None:
    with raw_server(answering(OK), context=certificate) as server:
        url = f"https://127.0.0.1:{server.port}"
        error = verify(url).document["error"]
        trusting = verify(url, "--insecure")
    assert isinstance(error, dict)
    assert error["reference"] == "service-unreachable"
    assert "an unknown path answers 404" in trusting.messages


SPEAKING_TLS = """
import sys
from sophia_cli.checks.tls import without_tls
with without_tls():
    import asyncio
assert "ssl" not in sys.modules
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.checks.http_client import HttpClient, HttpRequest
endpoint = Endpoint("127.0.0.1", int(sys.argv[1]), "localhost", "localhost", trusts_any_certificate=True)
for _ in range(2):
    print(asyncio.run(HttpClient(endpoint, "test").send(HttpRequest("GET", "/"), 60.0)).status)
"""


def test_an_agent_that_loaded_no_tls_speaks_it_once_it_is_needed(certificate: ssl.SSLContext) -> None:
    with raw_server(answering(OK), context=certificate) as server:
        words = [sys.executable, "-c", SPEAKING_TLS, str(server.port)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["200", "200"], done.stderr


def test_a_service_of_ipv6_is_verified(verify: Verify) -> None:
    try:
        with raw_server(answering(OK), host="::1") as server:
            done = verify(f"http://[::1]:{server.port}/")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert "an unknown path answers 404" in done.failed
    assert b"\r\nHost: [::1]:" in server.requests[0]
