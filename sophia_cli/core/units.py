"""Durations and sizes as people write them: `250ms`, `5s`, `2m`, `1h`; `256MB`, `1GiB`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def parse_duration(text: str) -> float | None:
    """Return the seconds that a duration such as `250ms` stands for; None when it is none."""
    match = _NUMBER.fullmatch(text.strip())
    unit = _SECONDS.get(match.group(2)) if match else None
    return None if match is None or unit is None else float(match.group(1)) * unit


def parse_size(text: str) -> int | None:
    """Return the bytes that a size such as `256MB` (10^6) or `1GiB` (2^30) stands for; None when it is none."""
    match = _NUMBER.fullmatch(text.strip())
    unit = _BYTES.get(match.group(2).lower()) if match else None
    return None if match is None or unit is None else int(float(match.group(1)) * unit)


def format_duration(seconds: float) -> str:
    """Return a duration as the settings write it, in the largest unit that keeps it whole: `250ms`, `5s`, `2m`."""
    for unit, length in (("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{round(seconds * 1000, 3):g}ms" if seconds else "0s"


def format_size(size: int) -> str:
    """Return a size as the settings write it, in the largest unit that keeps it whole: `256MB`, `1GiB`, `17B`."""
    for unit in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
        length = _BYTES[unit.lower()]
        if size >= length and size % length == 0:
            return f"{size // length}{unit}"
    return f"{size}B"
