"""What the web API answers about real services: documents, metrics, and events as they happen."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from waiting import eventually
from web_project import Reply, WebProject

_SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+)')


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProject]:
    """A project whose worker runs and whose web API serves."""
    project = WebProject(tmp_path_factory.mktemp("web") / "shop")
    try:
        project.run("deploy")
        project.await_health()
        eventually(lambda: worker(project)["state"] == "running")
        yield project
    finally:
        project.close()


def worker(project: WebProject) -> dict[str, Any]:  # JSON of any shape
    """Return what is said of the worker."""
    found: dict[str, Any] = project.get("/api/v1/services/worker").json()["service"]
    return found


def crash_worker(project: WebProject) -> None:
    """Kill the worker and wait until it runs again."""
    before = worker(project)
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: worker(project)["restarts"] > before["restarts"] and worker(project)["state"] == "running")
    eventually(lambda: worker(project)["incidents"] == 0)


@dataclass(frozen=True, slots=True)
class Sent:
    """One server-sent event."""

    number: int
    kind: str
    data: dict[str, Any]  # JSON of any shape


@contextlib.contextmanager
def stream(project: WebProject, *fields: str, query: str = "") -> Iterator[Iterator[Sent]]:
    """Open a stream of events; yields those that come."""
    with project.connect() as connection:
        head = [f"GET /api/v1/events{query} HTTP/1.0", "Host: localhost", f"Authorization: Bearer {project.token}"]
        connection.sendall("\r\n".join([*head, *fields, "", ""]).encode())
        lines = connection.makefile("r", encoding="utf-8", newline="\n")
        assert lines.readline().startswith("HTTP/1.1 200 ")
        headers = "".join(iter(lines.readline, "\r\n"))
        assert "text/event-stream" in headers
        yield events_in(iter(lines.readline, ""))
        lines.close()


def events_in(lines: Iterator[str]) -> Iterator[Sent]:
    """Yield the events of a stream, read as a browser does."""
    fields: dict[str, str] = {}
    for line in lines:
        text = line.removesuffix("\n")
        if text:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            if "data" in fields:
                yield Sent(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def until(events: Iterator[Sent], kind: str) -> list[Sent]:
    """Return the events up to the first one of a kind."""
    found: list[Sent] = []
    for event in events:
        found.append(event)
        if event.kind == kind:
            return found
    raise AssertionError(f"the stream ended before {kind}")


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/health", "/health"),
        ("/api/v1/status", "/api/v1/status"),
        ("/api/v1/services", "/api/v1/services"),
        ("/api/v1/services/worker", "/api/v1/services/{name}"),
        ("/api/v1/services/nobody", "/api/v1/services/{name}"),
        ("/api/v1/incidents?limit=5&service=worker", "/api/v1/incidents"),
        ("/api/v1/incidents?limit=0", "/api/v1/incidents"),
    ],
)
def test_answers_are_what_the_openapi_document_says(deployed: WebProject, page: str, path: str) -> None:
    if "incidents" in page:
        crash_worker(deployed)
    document = deployed.get("/api/v1/openapi.json").json()
    reply = deployed.get(page)
    responses = document["paths"][path]["get"]["responses"]
    content = responses.get(str(reply.status), responses["default"])["content"]
    schema = content[reply.headers["content-type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(reply.json())


def test_the_openapi_document_names_every_page(deployed: WebProject) -> None:
    document = deployed.get("/api/v1/openapi.json").json()
    for path, page in document["paths"].items():
        if path == "/api/v1/events":
            continue
        reply = deployed.get(path.replace("{name}", "worker"))
        assert reply.status == 200
        assert reply.headers["content-type"].partition(";")[0] in page["get"]["responses"]["200"]["content"]


def test_the_status_is_that_of_the_command(deployed: WebProject) -> None:
    told = deployed.get("/api/v1/status").json()
    shown = deployed.run("status")
    assert told["agent"] == shown["agent"]
    assert told["summary"] == shown["summary"]
    for one, other in zip(told["services"], shown["services"], strict=True):
        assert (one["name"], one["pid"], one["release"]) == (other["name"], other["pid"], other["release"])
    assert told["agent"]["web"] == f"http://127.0.0.1:{deployed.port}"


def test_a_service_that_does_not_exist_is_a_problem(deployed: WebProject) -> None:
    reply = deployed.get("/api/v1/services/nobody")
    assert (reply.status, reply.reference) == (404, "service-unknown")
    assert deployed.get("/no-such-page").reference == "page-unknown"


def test_incidents_tell_from_detection_to_recovery(deployed: WebProject) -> None:
    crash_worker(deployed)
    latest = deployed.get("/api/v1/incidents?limit=1").json()["incidents"][0]
    assert (latest["service"], latest["cause"], latest["outcome"]) == ("worker", "exited", "recovered")
    assert latest["acts"][0]["recovery"] == "restart"
    assert latest["seconds"] >= 0
    assert deployed.get("/api/v1/incidents?service=nobody").json()["incidents"] == []


def samples(reply: Reply) -> dict[str, float]:
    """Return the samples of an exposition, which has to be in its format: families in one piece, described once."""
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    assert text.endswith("\n")
    found: dict[str, float] = {}
    described: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            described.append(line.split()[2])
            assert described.count(described[-1]) == 1
        elif line.startswith("# TYPE "):
            assert line.split()[2] == described[-1]
            assert (line.split()[3] == "counter") is described[-1].endswith("_total")
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None, line
            assert sample.group(1) == described[-1]
            key = line.rpartition(" ")[0]
            assert key not in found
            found[key] = float(sample.group(3))
    return found


def test_metrics_follow_the_services(deployed: WebProject) -> None:
    before = samples(deployed.get("/metrics"))
    assert before["sophia_agent_up"] == before['sophia_service_up{service="worker"}'] == 1
    assert before["sophia_health_score_ratio"] == 1
    assert before['sophia_service_memory_bytes{service="worker"}'] > 1_000_000
    assert before['sophia_service_uptime_seconds{service="worker"}'] > 0
    crash_worker(deployed)
    after = samples(deployed.get("/metrics"))
    for name in ('sophia_service_restarts_total{service="worker"}', "sophia_incidents_total"):
        assert after[name] == before[name] + 1
    assert after['sophia_service_incidents_open{service="worker"}'] == 0


def test_events_come_as_they_happen_and_go_on_where_a_reader_left(deployed: WebProject) -> None:
    with stream(deployed) as events:
        assert next(events).kind == "subscribed"
        crash_worker(deployed)
        seen = until(events, "incident-closed")
    assert [event.kind for event in seen] == ["incident-opened", "incident-acted", "incident-closed"]
    numbers = [event.number for event in seen]
    assert numbers == sorted(set(numbers))
    assert all(event.data["service"] == "worker" and event.data["number"] == event.number for event in seen)
    with stream(deployed, f"Last-Event-ID: {numbers[0]}") as events:
        assert next(events).number == numbers[0]
        assert until(events, "incident-closed") == seen[1:]
    with stream(deployed, query=f"?after={numbers[1]}") as events:
        assert until(events, "incident-closed")[1:] == seen[2:]


def test_a_reader_from_before_a_lost_state_gets_all_there_is(deployed: WebProject) -> None:
    with stream(deployed, f"Last-Event-ID: {2**62}") as events:
        first = next(events)
        assert (first.kind, first.number) == ("subscribed", 0)
        assert next(events).number >= 1


def all_places(project: WebProject) -> list[contextlib.ExitStack]:
    """Return what holds as many open streams as there may be, nothing while places are still taken."""
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {project.token}\r\n\r\n"
    with contextlib.ExitStack() as held:
        for _ in range(16):
            connection = held.enter_context(project.connect())
            connection.sendall(request.encode())
            if not connection.recv(64).startswith(b"HTTP/1.1 200 "):
                return []
        return [held.pop_all()]


def test_too_many_streams_are_refused_and_places_come_free(deployed: WebProject) -> None:
    for _ in range(2):
        # Streams that were closed just now, here or in another test, may still be about to end.
        (held,) = eventually(lambda: all_places(deployed))
        with held:
            reply = deployed.get("/api/v1/events")
            assert (reply.status, reply.reference) == (503, "too-many-streams")
            assert deployed.get("/api/v1/status").status == 200


def test_the_commands_of_the_guide_show_what_it_says(deployed: WebProject) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "web-api.md").read_text("utf-8")
    addresses = re.findall(r"http://127\.0\.0\.1:8002(/[^\s\"'`)]*)", guide) + re.findall(
        r"^\| `(/[^`]+)`", guide, re.M
    )
    assert len(addresses) >= 10
    for address in set(addresses) - {"/api/v1/events"}:
        known = address.replace("/services/api", "/services/worker").replace("{name}", "worker")
        assert deployed.get(known).status == 200, address
    for metric in re.findall(r"`(sophia_[a-z_]+)", guide):
        assert any(name.partition("{")[0] == metric for name in samples(deployed.get("/metrics"))), metric
