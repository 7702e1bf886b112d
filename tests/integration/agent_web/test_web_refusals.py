"""What the web API refuses, asked of the real process as an attacker on this machine or in a browser would."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import time

import pytest
from web_project import WebProject, read_all

PAGES = (
    "/api/v1/status",
    "/api/v1/services",
    "/api/v1/services/worker",
    "/api/v1/incidents",
    "/api/v1/events",
    "/api/v1/openapi.json",
    "/metrics",
)
ALWAYS = ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy", "cache-control")


@pytest.mark.parametrize("page", [*PAGES, "//", "/no-such-page"])
def test_nothing_but_health_is_told_without_the_token(served: WebProject, page: str) -> None:
    reply = served.get(page, token=None)
    assert (reply.status, reply.reference) == (401, "token-wrong")
    assert reply.headers["www-authenticate"] == 'Bearer realm="sophia"'
    assert served.get("/health", token=None).status == 200


def test_a_wrong_token_is_refused(served: WebProject) -> None:
    right = served.token
    for wrong in (right[:-1], right + "x", right[:-1] + ("a" if right[-1] != "a" else "b"), "x", "é"):
        reply = served.get("/api/v1/status", headers={"Authorization": f"Bearer {wrong}"}, token=None)
        assert (reply.status, reply.reference) == (401, "token-wrong")
        assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    for header in (f"Basic {right}", right, f"Bearer{right}", "Bearer", ""):
        assert served.get("/api/v1/status", headers={"Authorization": header}, token=None).status == 401
    twice = f"Authorization: Bearer {right}\r\n".encode() * 2
    answer = served.say(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + twice + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_the_token_is_taken_in_the_header_only(served: WebProject) -> None:
    for path in (f"/api/v1/status?token={served.token}", f"/api/v1/status?access_token={served.token}"):
        assert served.get(path, token=None).status == 401
    assert served.get("/api/v1/status", token=None, headers={"Cookie": f"token={served.token}"}).status == 401


@pytest.mark.parametrize(
    "host",
    ["shop.example", "shop.example:80", "127.0.0.1.shop.example", "localhost.shop.example", "127.0.0.1@shop.example",
     "10.0.0.1", "0.0.0.0", "[::2]", "localhost:80:80", ""],
)  # fmt: skip
def test_a_name_that_leads_here_from_another_site_is_refused(served: WebProject, host: str) -> None:
    for page in ("/health", "/api/v1/status"):
        reply = served.get(page, headers={"Host": host})
        assert (reply.status, reply.reference) == (421, "host-refused")


def test_a_request_that_names_no_host_or_two_is_refused(served: WebProject) -> None:
    token = f"Authorization: Bearer {served.token}\r\n\r\n".encode()
    assert served.say(b"GET /health HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert served.say(b"GET /health HTTP/1.0\r\n" + token).startswith(b"HTTP/1.1 421 ")
    both = b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: shop.example\r\n" + token
    assert served.say(both).startswith(b"HTTP/1.1 400 ")
    absolute = b"GET http://shop.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + token
    assert served.say(absolute).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1", "[::1]:80"])
def test_names_of_this_machine_are_answered(served: WebProject, host: str) -> None:
    assert served.get("/api/v1/status", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://shop.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"},
    ],
)
def test_pages_of_other_sites_are_refused(served: WebProject, headers: dict[str, str]) -> None:
    for page in ("/health", "/api/v1/status", "/api/v1/events"):
        reply = served.get(page, headers=headers)
        assert (reply.status, reply.reference) == (403, "cross-site")
        assert "access-control-allow-origin" not in reply.headers


def test_a_page_of_its_own_and_a_person_are_answered(served: WebProject) -> None:
    own = {"Origin": f"http://127.0.0.1:{served.port}", "Sec-Fetch-Site": "same-origin"}
    assert served.get("/api/v1/status", headers=own).status == 200
    assert served.get("/api/v1/status", headers={"Sec-Fetch-Site": "none"}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_methods_that_do_not_read_are_refused(served: WebProject, method: str) -> None:
    for page in ("/health", "/api/v1/status", "/no-such-page"):
        request = f"{method} {page} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n"
        answer = served.say(request.encode() + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"allow: GET, HEAD\r\n" in answer


def test_a_body_that_is_too_large_is_refused_without_being_read(served: WebProject) -> None:
    assert served.get("/api/v1/status", body=b"x" * 16_384).status == 200
    reply = served.get("/api/v1/status", body=b"x" * 16_385)
    assert (reply.status, reply.reference) == (413, "body-too-large")
    head = f"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n".encode()
    with served.connect() as connection:
        connection.sendall(head + b"Content-Length: 99999999999\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")
    with served.connect() as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_sender_without_end_is_cut_off(served: WebProject) -> None:
    head = f"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n".encode()
    with served.connect() as connection:
        connection.sendall(head + b"Content-Length: 99999999999\r\n\r\n")
        with pytest.raises(OSError):
            connection.sendall(b"x" * 65_536_000)


def test_a_head_that_is_too_large_is_refused(served: WebProject) -> None:
    answer = served.say(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000)
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_tells_its_head_alone(served: WebProject, page: str) -> None:
    reply = served.get(page, method="HEAD")
    assert (reply.status, reply.body) == (200 if "worker" not in page else 404, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/api/v1/services/../../../.sophia/web.token",
        "/api/v1/services/..%2f..%2f.sophia%2fweb.token",
        "/api/v1/services/%2e%2e/%2e%2e/web.token",
        "/api/v1/services/..",
        "/api/v1/services/web.token%00",
        "//etc/passwd",
        "/api/v1/status/",
        "/%c0%ae%c0%ae/etc/passwd",
        "/.sophia/web.token",
    ],
)
def test_paths_lead_to_no_file(served: WebProject, path: str) -> None:
    reply = served.get(path)
    assert reply.status == 404
    assert served.token.encode() not in reply.body


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=", "limit=١", "limit=1e2"])
def test_parameters_that_cannot_be_are_refused(served: WebProject, query: str) -> None:
    reply = served.get("/api/v1/incidents?" + query.replace("١", "%D9%A1"))
    assert (reply.status, reply.reference) == (400, "parameter-invalid")


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 40])
def test_an_event_number_that_cannot_be_is_refused(served: WebProject, number: str) -> None:
    reply = served.get("/api/v1/events", headers={"Last-Event-ID": number})
    assert (reply.status, reply.reference) == (400, "parameter-invalid")


def test_every_answer_has_the_security_headers_and_names_no_server(served: WebProject) -> None:
    replies = [served.get("/health"), served.get("/metrics"), served.get("/no-such-page"), served.get("/health", None)]
    replies += [served.get("/metrics", token=None), served.get("/health", headers={"Host": "shop.example"})]
    for reply in replies:
        assert all(name in reply.headers for name in ALWAYS)
        assert "server" not in reply.headers


def test_the_dashboard_holds_no_data_and_runs_nothing_from_elsewhere(served: WebProject) -> None:
    reply = served.get("/", token=None, headers={"Sec-Fetch-Site": "none"})
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    for kind in ("style", "script"):
        (code,) = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.search(r"https?:|src=|href=|innerHTML|Storage|cookie| on[a-z]+=", page)
    assert "worker" not in page
    assert served.get("/", token=None, headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_an_upgrade_to_a_websocket_is_no_way_around_the_token(served: WebProject) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert served.get("/api/v1/status", token=None, headers=upgrade).status == 401


def test_many_idle_connections_keep_nobody_out(served: WebProject) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(served.connect()).sendall(b"GET /health HTTP/1.1\r\nHost: loc")
        for _ in range(5):
            assert served.get("/api/v1/status").status == 200


@pytest.mark.slow
def test_requests_that_never_get_complete_are_cut_off(served: WebProject) -> None:
    started = time.monotonic()
    complete = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n".encode()
    with served.connect() as silent, served.connect() as slow, served.connect() as second, served.connect() as body:
        second.sendall(complete + b"\r\n")
        assert second.recv(64).startswith(b"HTTP/1.1 200 ")
        second.sendall(b"GET /metrics HTTP/1.1\r\n")
        body.sendall(complete + b"Content-Length: 100\r\n\r\nx")
        ends = [silent, slow, second, body]
        while time.monotonic() < started + 9.0:
            # A little every half second: no read timeout of a single read would ever notice.
            for one in (slow, body):
                one.sendall(b"x")
            assert not _is_over(slow)
            time.sleep(0.5)
        for one in ends:
            one.settimeout(5.0)
            read_all(one)
    assert time.monotonic() - started < 14.0


def _is_over(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(5.0)


def test_the_token_is_private_and_never_written_to_a_log(served: WebProject) -> None:
    token = served.token
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert (served.state / "web.token").stat().st_mode & 0o777 == 0o600
    served.get(f"/api/v1/status?token={token}")
    served.get(f"/{token}")
    served.say(f"GET /{token} nonsense {token}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    for path in served.state.rglob("*"):
        if path.is_file() and path.name != "web.token":
            # What the agent keeps beside its state while it writes may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                assert token.encode() not in path.read_bytes(), path


def test_a_token_that_was_deleted_or_laid_open_is_replaced(served: WebProject) -> None:
    path = served.state / "web.token"
    old = served.token
    path.unlink()
    assert served.get("/api/v1/status", token=old).status == 401
    fresh = served.token
    assert fresh != old
    assert served.get("/api/v1/status", token=fresh).status == 200
    path.chmod(0o644)
    path.write_text(fresh)
    assert served.get("/api/v1/status", token=fresh).status == 401
    assert served.token != fresh
    assert path.stat().st_mode & 0o777 == 0o600
    assert served.get("/api/v1/status").status == 200
