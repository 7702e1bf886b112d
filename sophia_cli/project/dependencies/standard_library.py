"""The standard library's modules, of every Python 3, with the versions in which they came and went.

Sources: "What's New in Python" 3.3 to 3.14, PEP 594 (modules removed in 3.13), PEP 632 (distutils, removed in 3.12).
"""

from __future__ import annotations

import sys

Version = tuple[int, int]

_REMOVED: dict[Version, str] = {
    (3, 8): "macpath",
    (3, 9): "dummy_threading _dummy_thread",
    (3, 10): "formatter parser symbol",
    (3, 11): "binhex",
    (3, 12): "asynchat asyncore distutils imp smtpd",
    (
        3,
        13,
    ): "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr "
    "spwd sunau telnetlib uu xdrlib",
}
_ADDED: dict[Version, str] = {
    (3, 3): "faulthandler ipaddress lzma unittest.mock venv",
    (3, 4): "asyncio ensurepip enum pathlib selectors statistics tracemalloc",
    (3, 5): "typing zipapp",
    (3, 6): "secrets",
    (3, 7): "contextvars dataclasses importlib.resources",
    (3, 8): "importlib.metadata",
    (3, 9): "graphlib zoneinfo",
    (3, 11): "tomllib",
    (3, 14): "annotationlib compression concurrent.interpreters string.templatelib",
}
REMOVED_IN = {name: version for version, names in _REMOVED.items() for name in names.split()}
ADDED_IN = {name: version for version, names in _ADDED.items() for name in names.split()}

REPLACEMENTS = {
    "asynchat": "pyasynchat",
    "asyncore": "pyasyncore",
    "cgi": "legacy-cgi",
    "cgitb": "legacy-cgi",
    "crypt": "legacycrypt",
}
"""Distributions that bring a removed module back under its own name; `standard-NAME` does so for most of PEP 594's."""


def is_standard(module: str) -> bool:
    """Return whether the top of a dotted name is a module of the standard library of some Python 3."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top in REMOVED_IN or top in ADDED_IN


def removed_in(module: str, python: Version) -> Version | None:
    """Return the version that removed the module, None when `python` still has it."""
    gone = REMOVED_IN.get(module.partition(".")[0])
    return gone if gone is not None and python >= gone else None
