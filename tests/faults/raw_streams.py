"""Requests to a faulty service whose answers are read byte by byte."""

from __future__ import annotations

import socket

from agent_project import FaultyServices
from waiting import LIMIT_S


def asked(shop: FaultyServices, request: str, connection: str = "close") -> socket.socket:
    """Return a connection on which something was asked."""
    stream = socket.create_connection(("127.0.0.1", shop.port), timeout=LIMIT_S)
    stream.sendall(f"{request}\r\nHost: shop\r\nConnection: {connection}\r\n\r\n".encode())
    return stream


def read_to_the_end(stream: socket.socket) -> bytes:
    """Return what comes until the other end closes."""
    told = b""
    try:
        while part := stream.recv(65536):
            told += part
    except ConnectionResetError:
        return told
    return told
