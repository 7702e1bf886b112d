"""What the resolver must be told about modules that are not the project's."""

from __future__ import annotations

import sys
from typing import Protocol

REMOVED_STANDARD = frozenset(
    {
        "asynchat",
        "asyncore",
        "binhex",
        "distutils",
        "formatter",
        "imp",
        "parser",
        "smtpd",
        "symbol",
        "macpath",
        "dummy_threading",
    }
    | {
        "aifc",
        "audioop",
        "cgi",
        "cgitb",
        "chunk",
        "crypt",
        "imghdr",
        "mailcap",
        "msilib",
        "nis",
        "nntplib",
        "ossaudiodev",
    }
    | {"pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib", "lib2to3", "_dummy_thread"}
)
"""Modules of older standard libraries, whatever Python runs Sophia."""


class Distributions(Protocol):
    """Tells which modules come from distributions: installed, declared, or known by their import names."""

    def provides(self, module: str, /) -> bool:
        """Whether a distribution is known to offer the top of this dotted module."""
        ...

    def declares(self, module: str, /) -> bool:
        """Whether the project declares a distribution that offers the top of this dotted module."""
        ...

    def is_own(self, top: str, /) -> bool:
        """Whether the project itself is distributed under this import name."""
        ...

    def is_name_only(self, top: str, /) -> bool:
        """Whether nothing but a declaration of this very name speaks for a distribution that offers it."""
        ...

    def may_offer(self, module: str, path: str, /) -> bool:
        """Whether a distribution may offer this module to a file, also where that is only likely."""
        ...


class NoDistributions:
    """Nothing is known about distributions."""

    def provides(self, module: str, /) -> bool:
        """Whether a distribution offers the module: never."""
        return False

    def declares(self, module: str, /) -> bool:
        """Whether the project declares it: never."""
        return False

    def is_own(self, top: str, /) -> bool:
        """Whether it is the project's own name: never."""
        return False

    def is_name_only(self, top: str, /) -> bool:
        """Whether only a declaration speaks for it: never."""
        return False

    def may_offer(self, module: str, path: str, /) -> bool:
        """Whether a distribution may offer the module: never."""
        return False


def standard_modules() -> frozenset[str]:
    """Return the top-level names of the standard library, of any Python 3."""
    return frozenset(sys.stdlib_module_names) | REMOVED_STANDARD | {"__main__"}
