"""Durations and sizes."""

from __future__ import annotations

import pytest

from sophia_cli.core.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("5s", 5.0), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("0s", 0.0), (" 5 s ", 5.0)],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("256MB", 256_000_000), ("1GiB", 2**30), ("1.5kB", 1500), ("7b", 7), ("2 KiB", 2048)]
)
def test_a_size_is_read_as_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 days", "5M", "1e3s", "5ss"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize("text", ["", "5", "MB", "-5MB", "5 miles", "256M"])
def test_what_is_no_size_is_refused(text: str) -> None:
    assert parse_size(text) is None


@pytest.mark.parametrize("text", ["250ms", "5s", "2m", "1h", "90s", "0s", "1500ms"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    seconds = parse_duration(text)
    assert seconds is not None
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["256MB", "1GiB", "17B", "1kB", "3MiB", "2GB"])
def test_a_size_is_written_as_it_is_read(text: str) -> None:
    size = parse_size(text)
    assert size is not None
    assert format_size(size) == text
