"""What can go wrong with a request, in the words of the report."""

from __future__ import annotations

from enum import Enum


class Failure(Enum):
    """Why a request has no valid answer."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    STATUS = "status"
    TLS = "tls"
    RPC_ERROR = "rpc-error"
    TOOL_ERROR = "tool-error"
    NO_RESULT = "no-result"
    UNEXPECTED = "unexpected"
    UNSENT = "unsent"
    CLIENT = "client"

    @property
    def meaning(self) -> str:
        """What it means, for a person."""
        return _MEANINGS[self]


_MEANINGS = {
    Failure.REFUSED: "the connection was refused",
    Failure.UNREACHABLE: "no connection could be made",
    Failure.RESET: "the connection ended before the answer was complete",
    Failure.TIMEOUT: "no complete answer within the timeout",
    Failure.MALFORMED: "the answer is not HTTP/1.1",
    Failure.TOO_LARGE: "the answer is larger than 64 MiB (4 MiB for a call of a tool)",
    Failure.STATUS: "the status is not 2xx",
    Failure.TLS: "TLS failed",
    Failure.RPC_ERROR: "the answer is a JSON-RPC error",
    Failure.TOOL_ERROR: "the tool says that it failed",
    Failure.UNEXPECTED: "the answer is not what the step expects",
    Failure.NO_RESULT: "the answer holds no result of the call",
    Failure.UNSENT: "no connection was free for it until the end",
    Failure.CLIENT: "this machine ran out of ports or descriptors",
}
