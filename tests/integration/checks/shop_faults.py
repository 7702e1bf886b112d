"""The faults that a shop server can be given, by name; and what is common to its two forms."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """One thing that real services get wrong."""

    MISSING_FIELD_CRASHES = "500 for a missing field"
    UNKNOWN_ID_IS_FOUND = "200 for an unknown id"
    ANY_STATE = "invalid states accepted"
    CONSTANT_SCORE = "constant score"
    NO_MCP = "no MCP behind an MCP name"
    EMPTY_DOCUMENT_CRASHES = "crash on an empty document"
    ANY_FILE = "any file readable"
    ANY_ORIGIN = "any origin with credentials"


STATES = ("open", "paid", "sent")
PAGES = {"terms.txt": "Be kind.", "help.txt": "Ask."}


def score_of(text: str) -> float:
    """Return how pleasant a text is, from 0 to 1."""
    words = text.lower().split()
    pleasant = sum(len(word) % 3 == 0 for word in words)
    return round(pleasant / len(words), 4) if words else 0.0
