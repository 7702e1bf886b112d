"""What a worker process is told on its standard input: the load, then when to measure."""

from __future__ import annotations

import base64
import json

from sophia_cli.bench.connecting.target import Address, Request, Trust
from sophia_cli.bench.engine.pacing import Pace
from sophia_cli.bench.engine.run_state import Measure
from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One worker's share of a load; its connections are numbered from `first_number` on."""

    address: Address
    host: str
    trust: Trust
    request: Request
    first_number: int
    connections: int
    timeout_s: float
    pace: Pace | None
    most_requests: int | None


def spec_line(spec: WorkerSpec) -> bytes:
    """Return a spec as one line."""
    fields = {
        "address": [spec.address.family, spec.address.host, spec.address.port],
        "host": spec.host,
        "trust": spec.trust.value,
        "method": spec.request.method,
        "request": base64.b64encode(spec.request.data).decode(),
        "number_at": spec.request.number_at,
        "first_number": spec.first_number,
        "connections": spec.connections,
        "timeout_s": spec.timeout_s,
        "pace": None if spec.pace is None else [spec.pace.rate, spec.pace.first, spec.pace.step],
        "most_requests": spec.most_requests,
    }
    return json.dumps(fields).encode() + b"\n"


def spec_of(line: bytes) -> WorkerSpec:
    """Return the spec that a line stands for; ValueError, KeyError or TypeError when it is none."""
    fields = json.loads(line)
    pace = fields["pace"]
    return WorkerSpec(
        address=Address(*fields["address"]),
        host=fields["host"],
        trust=Trust(fields["trust"]),
        request=Request(fields["method"], base64.b64decode(fields["request"]), fields["number_at"]),
        first_number=int(fields["first_number"]),
        connections=int(fields["connections"]),
        timeout_s=float(fields["timeout_s"]),
        pace=None if pace is None else Pace(float(pace[0]), int(pace[1]), int(pace[2])),
        most_requests=fields["most_requests"],
    )


def measure_line(measure: Measure) -> bytes:
    """Return the command to measure as one line."""
    return f"{measure.start_ns} {measure.end_ns}\n".encode()


def measure_of(line: bytes) -> Measure:
    """Return the command that a line stands for; ValueError when it is none."""
    start, end = line.split()
    return Measure(int(start), int(end))
