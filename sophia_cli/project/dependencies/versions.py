"""Poetry's and Conda's ways to say which versions, written out as PEP 440 sets."""

from __future__ import annotations

import re
from collections.abc import Callable

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")
_WILDCARD = re.compile(r"v?(\d+(?:\.\d+)*)\.\*")


def from_poetry(text: str) -> str | None:
    """Return the PEP 440 set for a Poetry constraint (`^1.2`, `~1.2`, `1.*`, `>=1,<2`), None where none says the same.

    Poetry's documentation, "Version constraints", gives the forms.
    """
    text = text.strip()
    if text in ("", "*"):
        return ""
    if "||" in text or "|" in text:
        return None
    clauses = [_poetry_clause(part) for part in re.split(r"\s*,\s*|(?<=[\w*])\s+(?=[<>=!~^])", text) if part]
    found = [clause for clause in clauses if clause is not None]
    return ",".join(found) if len(found) == len(clauses) else None


def _poetry_clause(clause: str) -> str | None:
    clause = clause.strip()
    if clause.startswith("^"):
        return _range(clause[1:], _caret_limit)
    if clause.startswith(("~=", "==", "!=", ">=", "<=")):
        return clause[:2] + clause[2:].strip()
    if clause.startswith("~"):
        return _range(clause[1:], _tilde_limit)
    if clause.startswith((">", "<")):
        return clause[:1] + clause[1:].strip()
    clause = clause.removeprefix("=").strip()
    if clause == "*":
        return ""
    if _WILDCARD.fullmatch(clause) or _RELEASE.match(clause):
        return f"=={clause}"
    return None


def _range(text: str, limit: Callable[[list[int]], list[int]]) -> str | None:
    text = text.strip()
    found = _RELEASE.match(text)
    if found is None:
        return None
    numbers = [int(number) for number in found[1].split(".")]
    upper = ".".join(str(number) for number in limit(numbers))
    return f">={text.removesuffix('.*')},<{upper}"


def _caret_limit(numbers: list[int]) -> list[int]:
    """Return the next release that changes the leftmost number that is not zero."""
    for place, number in enumerate(numbers):
        if number or place == len(numbers) - 1:
            return [*numbers[:place], number + 1]
    return [1]


def _tilde_limit(numbers: list[int]) -> list[int]:
    """Return the next minor release, or the next major one where only that is named."""
    return [numbers[0] + 1] if len(numbers) == 1 else [numbers[0], numbers[1] + 1]


def from_conda(text: str) -> str | None:
    """Return the PEP 440 set for Conda's versions (`=1.2`, `1.2.*`, `>=1,<2`, `1.2=build`), None where none says it."""
    text = text.strip()
    if not text or text == "*":
        return ""
    if "|" in text:
        return None
    clauses: list[str] = []
    for part in text.split(","):
        part = part.strip()
        if part.startswith(("!=", ">=", "<=", "~=", ">", "<")):
            clauses.append(part)
            continue
        version = part.lstrip("=").split("=")[0].strip()
        if not _RELEASE.match(version):
            return None
        fuzzy = part.startswith("=") and not part.startswith("==") and not version.endswith("*")
        clauses.append(f"=={version}.*" if fuzzy else f"=={version}")
    return ",".join(clauses)
