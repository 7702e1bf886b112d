"""Where requests go: a URL, taken apart and resolved."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, quote, urlsplit

from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.core.values import dataclass

_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/%:@!$&'()*+,;=~-._?[]"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a host: family and what `connect` takes."""

    family: int
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether a connection to it stays on this machine."""
        address = ipaddress.ip_address(self.host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return bool(mapped.is_loopback or mapped.is_unspecified)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and the address that answers for it. `path` is the request target, `authority` the Host header."""

    url: str
    is_tls: bool
    host: str
    authority: str
    path: str
    address: Address


def parse_target(url: str, *, allow_remote: bool) -> tuple[Target, ...]:
    """Return the target of a URL once for every address of its host, in the order that the system gives them.

    UsageError for a URL that is none (`url-invalid`) and for a host outside loopback without `allow_remote`
    (`target-not-loopback`), UnavailableError for a host that has no address (`target-unresolved`).
    """
    parts = _split(url)
    host = parts.hostname or ""
    try:
        port = parts.port
    except ValueError as error:
        raise _invalid(url, "its port is no number from 1 to 65535") from error
    if port == 0:
        raise _invalid(url, "port 0 is none to connect to")
    addresses = _resolve(url, host, port or _PORTS[parts.scheme])
    if not allow_remote and not all(address.is_loopback for address in addresses):
        raise UsageError(
            "target-not-loopback",
            f"`{url}` is not on this machine: `{host}` is {addresses[0].host}",
            hint="requests hurt whoever is not prepared for them; where you may, add `--allow-remote`",
        )
    path = quote(parts.path or "/", safe=_PATH_SAFE) + (
        f"?{quote(parts.query, safe=_PATH_SAFE)}" if parts.query else ""
    )
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"
    return tuple(
        Target(
            url,
            parts.scheme == "https",
            host,
            authority.encode("idna" if ":" not in host else "ascii").decode(),
            path,
            a,
        )
        for a in addresses
    )


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise _invalid(url, "it holds a space or a control character")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _invalid(url, str(error).lower()) from error
    if parts.scheme not in _PORTS:
        reason = f"`{parts.scheme}` is not a scheme that it knows" if "://" in url else "it has no scheme"
        raise _invalid(url, reason)
    if not parts.hostname:
        raise _invalid(url, "it names no host")
    if parts.username is not None or parts.password is not None:
        raise _invalid("URL", "it holds a user name or a password, which would stand in every report")
    return parts


def _resolve(url: str, host: str, port: int) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        raise UnavailableError(
            "target-unresolved",
            f"`{host}` of `{url}` has no address: {reason}",
            hint="check the spelling of the host",
        ) from error
    kept = (entry for entry in found if entry[0] in (socket.AF_INET, socket.AF_INET6))
    addresses = (Address(int(family), str(place[0]), int(place[1])) for family, _, _, _, place in kept)
    return tuple(dict.fromkeys(addresses))


def _invalid(url: str, reason: str) -> UsageError:
    return UsageError(
        "url-invalid",
        f"`{url}` cannot be asked: {reason}",
        hint="write it like `http://127.0.0.1:8000/health`",
    )
