"""The flow that `sophia bench --flow` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sophia_cli.bench.flows.flow import Flow, read_flow
from sophia_cli.commands.benching.options import BenchWords
from sophia_cli.commands.benching.request import RequestWords
from sophia_cli.core.errors import UsageError

_LARGEST = 2**20


def flow_of(file: Path, words: BenchWords, asked: RequestWords, environment: Mapping[str, str]) -> Flow:
    """Return the flow in a file; UsageError when it cannot be read, and for options that a flow does not take."""
    if not asked.is_plain:
        raise UsageError("usage", "a flow has requests of its own; `--flow` takes no other options for requests")
    is_url = words.baseline is not None and "://" in words.baseline
    for name, given in (
        ("--rate", words.rate),
        ("--requests", words.requests),
        ("--processes", words.processes),
        ("--capacity", words.capacity),
        ("--baseline URL", is_url),
    ):
        if given:
            raise UsageError("usage", f"`--flow` is gone through by users one after the other; it takes no `{name}`")
    try:
        with file.open("rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError("usage", f"`--flow {file}` cannot be read: {reason}") from error
    return read_flow(text, str(file), environment)
