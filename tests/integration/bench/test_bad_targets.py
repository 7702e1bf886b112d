"""Whatever listens at the other end: a clear error or an honest count, no hang, no descriptor and no process left."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import socket
import ssl
import struct
import subprocess

import pytest
from servers import OK, Answer, answering, serving

from benchmarks.ports import free_port
from sophia_cli.bench.connecting.connection import failure_of
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.main import main

FEW = ("--requests", "20", "--duration", "300ms", "--connections", "3")
QUICK = ("--timeout", "60s", *FEW)
HASTY = ("--timeout", "400ms", *FEW)


def error_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    """Run the command and return its exit code and the error of its document."""
    code = main(["bench", "--json", *words])
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "error"
    return code, document["error"]


def reset(sock: socket.socket, number: int) -> bytes | None:
    """Answer half, then reset the connection."""
    sock.sendall(OK[:-1])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return None


def endless(piece: bytes) -> Answer:
    """Return an answer that never ends: the piece over and over, until nobody takes it any more."""

    def send(sock: socket.socket, number: int) -> bytes | None:
        sock.settimeout(5)
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(piece)
        return None

    return send


def once_then(then: Answer) -> Answer:
    """Return an answer that is right for the very first request of all, and then another one."""
    asked = iter(range(1, 1 << 60))
    return lambda sock, number: OK if next(asked) == 1 else then(sock, number)


CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD: dict[str, tuple[Answer, Failure]] = {
    "zero bytes": (lambda sock, number: None, Failure.RESET),
    "reset in mid-answer": (reset, Failure.RESET),
    "silence": (answering(b""), Failure.TIMEOUT),
    "a header that never ends": (endless(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000), Failure.MALFORMED),
    "a line that never ends": (endless(b"HTTP/1.1 200 OK" + b"x" * 5000), Failure.MALFORMED),
    "a content-length too long": (answering(OK.replace(b": 2", b": 3")), Failure.TIMEOUT),
    "a content-length too short": (answering(OK.replace(b": 2", b": 1")), Failure.MALFORMED),
    "no HTTP": (answering(b"220 mail.example ESMTP\r\n"), Failure.MALFORMED),
    "a gigabyte announced": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"), Failure.TOO_LARGE),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_benched_is_said_before_any_load(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer, failure = BAD[name]
    with serving(answer) as server:
        code, error = error_of(capsys, server.url, *(HASTY if failure is Failure.TIMEOUT else QUICK))
        assert server.connections == 1
    assert code == 69
    assert error["reference"] == "target-unusable"
    assert failure.meaning in error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    "name",
    [
        "zero bytes",
        "reset in mid-answer",
        "silence",
        "a header that never ends",
        "a content-length too long",
        "a content-length too short",
        "a gigabyte announced",
    ],
)
def test_what_goes_wrong_under_load_is_counted_by_its_kind(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer, failure = BAD[name]
    with serving(once_then(answer)) as server:
        assert main(["bench", "--json", server.url, *(HASTY if failure is Failure.TIMEOUT else QUICK)]) == 0
    row = json.loads(capsys.readouterr().out)["services"][0]
    assert set(row["errors_by_kind"]) == {failure.value}
    assert row["errors"] == row["requests"] > 0
    assert row["grade"] in ("F", None)
    assert row["latency_ms"]["p50"] is None


def test_an_endless_body_ends_at_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"

    def answer(sock: socket.socket, number: int) -> bytes | None:
        sock.sendall(CHUNKS)
        return endless(chunk)(sock, number)

    with serving(answer) as server:
        _, error = error_of(capsys, server.url, "--timeout", "120s")
    assert Failure.TOO_LARGE.meaning in error["message"]


def test_a_server_that_dies_under_load_is_an_f_not_a_crash(capsys: pytest.CaptureFixture[str]) -> None:
    asked = iter(range(1, 1 << 60))
    with serving(lambda sock, number: OK if next(asked) < 5 else None) as server:
        assert main(["bench", "--json", server.url, *QUICK]) == 0
    row = json.loads(capsys.readouterr().out)["services"][0]
    assert row["errors"] > 0
    assert row["grade"] in ("F", None)


def test_a_redirect_is_not_followed(capsys: pytest.CaptureFixture[str]) -> None:
    loop = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(loop)) as server:
        code, error = error_of(capsys, server.url)
        assert server.requests == 1
    assert code == 2
    assert error["reference"] == "target-redirects"


@pytest.mark.parametrize(
    ("words", "reference"),
    [
        (["127.0.0.1:8000/health"], "url-invalid"),
        (["localhost"], "url-invalid"),
        (["ftp://127.0.0.1/"], "url-invalid"),
        (["http://"], "url-invalid"),
        (["http://127.0.0.1:0/"], "url-invalid"),
        (["http://127.0.0.1:70000/"], "url-invalid"),
        (["http://[::1/"], "url-invalid"),
        (["http://127.0.0.1:8000/a b"], "url-invalid"),
        (["http://user:secret@127.0.0.1:8000/"], "url-invalid"),
        (["http://192.0.2.1/"], "target-not-loopback"),
        (["http://[2001:db8::1]/"], "target-not-loopback"),
        (["http://127.0.0.1:1/", "--rate", "0"], "usage"),
        (["http://127.0.0.1:1/", "--rate=-5"], "usage"),
        (["http://127.0.0.1:1/", "--rate", "nan"], "usage"),
        (["http://127.0.0.1:1/", "--rate", "inf"], "usage"),
        (["http://127.0.0.1:1/", "--connections", "0"], "usage"),
        (["http://127.0.0.1:1/", "--connections", "many"], "usage"),
        (["http://127.0.0.1:1/", "--duration", "0s"], "usage"),
        (["http://127.0.0.1:1/", "--duration", "9h"], "usage"),
        (["http://127.0.0.1:1/", "--requests", "-1"], "usage"),
        (["http://127.0.0.1:1/", "--timeout", "0s"], "usage"),
        (["http://127.0.0.1:1/", "--min-grade", "G"], "usage"),
        (["http://127.0.0.1:1/", "--slo", "p42=1ms"], "usage"),
        (["http://127.0.0.1:1/", "--slo", "p99"], "usage"),
        (["http://127.0.0.1:1/", "--capacity"], "usage"),
        (["http://127.0.0.1:1/", "--capacity", "--slo", "p99=5ms", "--rate", "5"], "usage"),
        (["http://127.0.0.1:1/", "--save-as", "last"], "usage"),
        (["http://127.0.0.1:1/", "--baseline", "no-such-run"], "baseline-unknown"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    words: list[str], reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = error_of(capsys, *words)
    assert (code, error["reference"]) == (2, reference)
    assert "secret" not in error["message"]


def test_a_host_that_cannot_be_reached_is_not_refused_but_unreachable() -> None:
    assert failure_of(OSError(errno.ENETUNREACH, "")) is Failure.UNREACHABLE
    assert failure_of(OSError(errno.EHOSTUNREACH, "")) is Failure.UNREACHABLE
    assert failure_of(OSError(errno.EADDRNOTAVAIL, "")) is Failure.CLIENT


def test_an_address_without_a_way_to_it_is_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    # To the broadcast address the kernel itself refuses a connection.
    code, error = error_of(capsys, "http://255.255.255.255/", "--allow-remote", *QUICK)
    assert (code, error["reference"]) == (69, "target-unusable")
    assert Failure.UNREACHABLE.meaning in error["message"]


def test_a_host_without_an_address_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    # A label may have 63 characters, so no name server is asked.
    code, error = error_of(capsys, f"http://{'x' * 64}/", "--allow-remote")
    assert (code, error["reference"]) == (69, "target-unresolved")


def test_nobody_listening_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    code, error = error_of(capsys, f"http://localhost:{free_port()}/")
    assert code == 69
    assert Failure.REFUSED.meaning in error["message"]


def test_a_worker_gives_back_the_descriptors_of_closed_connections(capsys: pytest.CaptureFixture[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    closing = OK.replace(b"Content", b"Connection: close\r\nContent")
    open_ones = len(os.listdir("/proc/self/fd"))
    with serving(lambda sock, number: closing if number == 1 else None) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_ones + 90, hard))
        try:
            assert (
                main(["bench", "--json", server.url, "--requests", "500", "--connections", "3", "--duration", "90s"])
                == 0
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert server.connections > 500
    row = json.loads(capsys.readouterr().out)["services"][0]
    assert (row["errors"], row["requests"]) == (0, 500)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_certificate_of_nobody_is_an_error_unless_any_will_do(
    certificate: ssl.SSLContext, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(answering(OK), certificate) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        code, error = error_of(capsys, url, *QUICK)
        assert code == 69
        assert Failure.TLS.meaning in error["message"]
        assert main(["bench", "--json", "--insecure", url, *QUICK]) == 0
    row = json.loads(capsys.readouterr().out)["services"][0]
    assert row["errors"] == 0
    assert row["requests"] > 0


def test_tls_to_a_plain_server_is_a_tls_error(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(answering(OK)) as server:
        _, error = error_of(capsys, server.url.replace("http:", "https:"), *QUICK)
    assert Failure.TLS.meaning in error["message"]


def test_a_large_answer_over_tls_is_read_whole(certificate: ssl.SSLContext, capsys: pytest.CaptureFixture[str]) -> None:
    body = b"x" * 300_000
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with serving(answering(large), certificate) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        assert main(["bench", "--json", "--insecure", url, *QUICK]) == 0
    row = json.loads(capsys.readouterr().out)["services"][0]
    assert row["errors"] == 0
    assert row["requests"] > 0
