"""Other load generators, started on a URL for some seconds; what they print tells how many requests they made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

_K6 = """
import http from 'k6/http';
export const options = { vus: %d, duration: '%gs', discardResponseBodies: true };
export default function () { http.get('%s'); }
"""
_LOCUST = """
from locust import FastHttpUser, task
class User(FastHttpUser):
    @task
    def get(self):
        self.client.get("/")
"""
_HTTPX = """
import asyncio, sys, time
import httpx
url, users, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
async def main():
    count = 0
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(limits=limits) as client:
        end = time.monotonic() + seconds
        async def user():
            nonlocal count
            while time.monotonic() < end:
                await client.get(url)
                count += 1
        await asyncio.gather(*(user() for _ in range(users)))
    print(count, "requests made")
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A load generator: its command, and the pattern whose group is the number of requests.

    One whose start takes long (`starts_slowly`) is measured by the difference of a longer and a shorter run.
    """

    name: str
    words: tuple[str, ...]
    count: str
    starts_slowly: bool = False


def peers(url: str, connections: int, seconds: float, environment: Path | None, scratch: Path) -> list[Peer]:
    """Return the load generators that are installed, and say which are not; scripts for them go to `scratch`."""
    many, span = str(connections), f"{seconds:g}s"
    k6, locust, python = (_program(name, environment) for name in ("k6", "locust", "python"))
    (scratch / "k6.js").write_text(_K6 % (connections, seconds, url))
    (scratch / "locustfile.py").write_text(_LOCUST)
    (scratch / "with_httpx.py").write_text(_HTTPX)
    script = str(scratch / "k6.js")
    locust_words = (locust, "-f", str(scratch / "locustfile.py"), "--headless", "--only-summary", "-H", url.rstrip("/"))
    known = [
        Peer("wrk", ("wrk", "-t1", f"-c{many}", f"-d{span}", url), r"(\d+) requests in"),
        Peer("hey", ("hey", "-c", many, "-z", span, url), r"\[200\]\s+(\d+) responses"),
        Peer(
            "ab",
            ("ab", "-q", "-k", "-c", many, "-t", f"{max(1, round(seconds))}", "-n", "9999999", url),
            r"Complete requests:\s+(\d+)",
        ),
        Peer("h2load", ("h2load", "--h1", "-t1", f"-c{many}", f"-D{seconds:g}", url), r"started, (\d+) done"),
        Peer("k6", (k6, "run", "--quiet", "--no-usage-report", script), r"http_reqs\S*\s+(\d+)", True),
        Peer("locust", (*locust_words, "-u", many, "-r", many, "-t", span), r"Aggregated\s+(\d+)", True),
        Peer(
            "httpx", (python, str(scratch / "with_httpx.py"), url, many, f"{seconds:g}"), r"(\d+) requests made", True
        ),
    ]
    found: list[Peer] = []
    for peer in known:
        if shutil.which(peer.words[0]) is None or (peer.name == "httpx" and environment is None):
            print(f"{peer.name} is not installed (sh benchmarks/load_peers.sh FOLDER, then --peers FOLDER): left out")
        else:
            found.append(peer)
    return found


def _program(name: str, environment: Path | None) -> str:
    inside = None if environment is None else environment / "bin" / name
    return str(inside) if inside is not None and inside.exists() else name
