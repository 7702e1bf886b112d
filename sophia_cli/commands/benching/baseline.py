"""Runs of the past: the one to compare with, what became of it, and the keeping of this one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from sophia_cli.bench.history import BenchHistory, Conditions, KeptRun, without_query
from sophia_cli.bench.judging.comparison import compare, usual_shift
from sophia_cli.commands.command_line.output import say
from sophia_cli.core.errors import SophiaError, UsageError
from sophia_cli.core.measurement_comparison import Change, Comparison
from sophia_cli.core.measurement_report import BenchRow
from sophia_cli.core.values import replace
from sophia_cli.project.clock import Clock
from sophia_cli.render.bench.json import bench_row

LAST = "last"


def kept_run(history: BenchHistory, name: str, service: str | None) -> KeptRun | None:
    """Return the run of a name, before minutes are spent on a load; None for `last`, which depends on the load."""
    if name == LAST:
        return None
    kept = history.named(name, service)
    if kept is None:
        raise UsageError(
            "baseline-unknown",
            f"no run is kept under the name `{name}` in this project",
            hint=f"keep one with `--save-as {name}`, or compare with `--baseline last`",
        )
    return kept


def compared(history: BenchHistory, kept: KeptRun | None, row: BenchRow, now: Conditions) -> Comparison:
    """Return how a run compares with a kept one (None: there is none), window by window."""
    if kept is None:
        return Comparison(LAST, Change.UNKNOWN, "there is no earlier run of this URL with this load on this machine")
    label = f"run {kept.id}" + (f" ({kept.name})" if kept.name else "") + f" of {kept.started[:19].replace('T', ' ')}"
    differing: dict[str, Callable[[Conditions], str]] = {
        "URL": lambda conditions: conditions.url_hash,
        "load": lambda conditions: conditions.settings,
        "machine": lambda conditions: conditions.machine,
    }
    others = [name for name, of in differing.items() if of(kept.conditions) != of(now)]
    if others:
        return Comparison(label, Change.UNKNOWN, f"that run had another {' and another '.join(others)}")
    refused = kept.refused or row.refused
    if refused is not None:
        return Comparison(label, Change.UNKNOWN, f"{'this' if row.refused else 'that'} run was refused: {refused}")
    windows = [second.p50 for second in row.loaded.seconds if second.p50]
    return compare(label, kept.medians_ms, windows, usual_shift(history.medians_like(kept)))


def keep(history: BenchHistory, save_as: str | None, row: BenchRow, conditions: Conditions, clock: Clock) -> str | None:
    """Keep a run and return its id; None when it cannot be kept, which is an error where it is to have a name."""
    run_id = os.urandom(4).hex()
    try:
        figures = json.dumps(bench_row(replace(row, url=without_query(row.url))))
        history.keep(run_id, save_as, row, conditions, figures, clock.now())
    except SophiaError as error:
        if save_as is not None:
            raise
        say(f"warning: this run is not kept: {error.message}")
        return None
    return run_id
