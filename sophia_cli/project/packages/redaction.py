"""Texts of tools without what they may give away: an index URL can hold a password, or a token in its path."""

from __future__ import annotations

import re

_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/@'\"<>]*@)?([^\s/'\"<>)?#]*)([^\s'\"<>)]*)")


def without_secrets(text: str) -> str:
    """Return the text with every URL cut down to its scheme and host."""
    return _URL.sub(_host_only, text)


def _host_only(match: re.Match[str]) -> str:
    scheme, host, rest = match.groups()
    if scheme.lower() == "file://":
        return match.group()
    return f"{scheme}{host.rpartition('@')[2]}{'/...' if len(rest) > 1 else ''}"
