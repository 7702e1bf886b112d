"""Whether any version satisfies several version specifiers at once. Loads `packaging`, so import it late."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_NUMBER = re.compile(r"v?(\d+!)?(\d+(?:\.\d+)*)")


def are_satisfiable(specifiers: Iterable[str]) -> bool:
    """Return whether some version, released or not, satisfies all; true where one of them is no PEP 440 set.

    A set of half-open ranges is empty exactly when none of their bounds, nor a version just above or below one, lies in
    all of them, so only these are tried.
    """
    texts = [text for text in specifiers if text.strip()]
    try:
        wanted = SpecifierSet(",".join(texts), prereleases=True)
    except InvalidSpecifier:
        return True
    if any(clause.operator == "===" for clause in wanted):
        return True
    return any(wanted.contains(version, prereleases=True) for version in _candidates(wanted))


def admits(specifier: str, version: str) -> bool:
    """Return whether a specifier admits this version; false where one of the two cannot be read."""
    try:
        return SpecifierSet(specifier, prereleases=True).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _candidates(wanted: SpecifierSet) -> Iterator[Version]:
    yield Version("0")
    yield Version("999999")
    for clause in wanted:
        found = _NUMBER.match(clause.version)
        if found is None:
            continue
        epoch = found[1] or ""
        yield Version(clause.version.removesuffix(".*"))
        release = [int(part) for part in found[2].split(".")]
        for size in range(1, len(release) + 1):
            head = release[:size]
            above = ".".join(map(str, [*head[:-1], head[-1] + 1]))
            yield Version(f"{epoch}{above}")
            yield Version(f"{epoch}{above}.dev0")
            if head[-1]:
                below = ".".join(map(str, [*head[:-1], head[-1] - 1]))
                yield Version(f"{epoch}{below}")
                yield Version(f"{epoch}{below}.999999")
        whole = ".".join(map(str, release))
        for tail in (".0.1", ".1", ".999999", ".post1", "a0", ".dev0"):
            yield Version(f"{epoch}{whole}{tail}")
