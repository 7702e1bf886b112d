"""Where a probe or a check connects to, and which host it names there."""

from __future__ import annotations

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP address or a Unix socket, and the Host field of requests to it.

    `socket_path` is set for a Unix socket, `host` and `port` then only name it. `server_name` is what a certificate is
    checked for; None is no TLS.
    """

    host: str
    port: int
    authority: str
    socket_path: str | None = None
    server_name: str | None = None
    trusts_any_certificate: bool = False

    def __str__(self) -> str:
        if self.socket_path is not None:
            return self.socket_path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def tcp_endpoint(host: str, port: int, authority: str | None = None) -> Endpoint:
    """Return the endpoint of an address; `authority` is the Host field where it is to be another one."""
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(host, port, authority or f"{shown}:{port}")


def unix_endpoint(path: str, authority: str) -> Endpoint:
    """Return the endpoint of a Unix socket."""
    return Endpoint("", 0, authority, socket_path=path)
