"""Names and values that look like secrets: what is kept from sight, and never written where others read it."""

from __future__ import annotations

import re

from sophia_cli.project.secrets.model import REDACTED

_NAME = re.compile(r"secret|token|passw|pwd|credential|api_?key|private_?key|auth|dsn|_key\b", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name probably holds a secret."""
    return _NAME.search(name) is not None


def has_password(text: str) -> bool:
    """Whether a text holds a URL with a password in it."""
    return _URL_PASSWORD.search(text) is not None


def without_passwords(text: str) -> str:
    """Return a text with the passwords of its URLs blanked."""
    return _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
