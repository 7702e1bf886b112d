"""Versions compared as PEP 440 does; texts that are no such version are equal only when they are the same."""

from __future__ import annotations


def is_same_version(one: str, other: str) -> bool:
    """Tell whether two texts name the same version (`1.0` and `1.0.0` do)."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def is_newer(one: str, other: str) -> bool:
    """Tell whether `one` is newer than `other`; what is no version counts as older than anything."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) > Version(other)
    except InvalidVersion:
        return True
