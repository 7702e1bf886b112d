"""Where a probe or a check connects to, and which host it names there."""

from __future__ import annotations

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and the Host field of requests to it. A certificate is checked for `server_name`; None is no TLS."""

    host: str
    port: int
    authority: str
    server_name: str | None = None
    trusts_any_certificate: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def tcp_endpoint(host: str, port: int, authority: str | None = None) -> Endpoint:
    """Return the endpoint of an address; `authority` is the Host field where it is to be another one."""
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(host, port, authority or f"{shown}:{port}")
