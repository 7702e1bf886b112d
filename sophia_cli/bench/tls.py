"""How connections to a target are secured."""

from __future__ import annotations

import ssl
from enum import Enum

from sophia_cli.bench.connection import Tls


class Trust(Enum):
    """How the server's certificate is checked; PLAIN is no TLS at all."""

    PLAIN = "plain"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"


def tls_of(trust: Trust, host: str) -> Tls | None:
    """Return how connections to a host are secured, None for plain HTTP; HTTP/1.1 is what is asked for."""
    if trust is Trust.PLAIN:
        return None
    context = ssl.create_default_context()
    if trust is Trust.UNVERIFIED:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return Tls(context, host)
