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


def satisfies(version: str | None, requirement: str, python: tuple[int, int, int]) -> bool:
    """Tell whether a version answers a requirement (PEP 508); one whose marker rules this Python out asks for nothing.

    A requirement that cannot be read is taken as answered: others say that it is wrong.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        asked = Requirement(requirement)
    except InvalidRequirement:
        return True
    here = {
        "python_version": f"{python[0]}.{python[1]}",
        "python_full_version": ".".join(map(str, python)),
        "extra": "",
    }
    if asked.marker is not None and not asked.marker.evaluate(here):
        return True
    return version is not None and asked.specifier.contains(version, prereleases=True)
