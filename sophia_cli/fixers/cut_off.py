"""Whether history was not read to its end for a file: said in its evidence key, so that cached reports tell it too."""

from __future__ import annotations

from collections.abc import Iterable

_MARK = "cut off: "
_REMEDIES = (
    ("shallow clone", "git fetch --unshallow"),
    ("partial clone", "git fetch --refetch --no-filter"),
    ("reftable", "git refs migrate --ref-format=files"),
)


def cut_off_key(key: str, reason: str) -> str:
    """Return an evidence key that says that history was not read to the end, and why."""
    return f"{key} {_MARK}{reason}"


def cut_off_reason(keys: Iterable[str]) -> str | None:
    """Return why history was not read to the end for any of these evidence keys, None when it was for all."""
    return next((key.partition(_MARK)[2] for key in keys if _MARK in key), None)


def cut_off_line(reason: str) -> str:
    """Return what a person is told."""
    remedy = next((f"; `{command}` helps" for known, command in _REMEDIES if known == reason), "")
    return f"git history was not read to the end ({reason}): more could be known of some broken files{remedy}"
