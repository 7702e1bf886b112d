"""How a bench ended: its verdict and its exit code."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.errors import ExitCode
from sophia_cli.core.grades import Letter
from sophia_cli.core.measurement_comparison import Change
from sophia_cli.core.measurement_report import BenchRow, BenchVerdict, UnbenchedRow
from sophia_cli.core.measurement_slo import Kept

# The verdict of several services is the first of these that one of them has.
_GRAVEST_FIRST = (
    BenchVerdict.INCOMPLETE,
    BenchVerdict.BREACHED,
    BenchVerdict.WORSE,
    BenchVerdict.BELOW_MINIMUM,
    BenchVerdict.REFUSED,
)


def outcome_of(services: Sequence[BenchRow | UnbenchedRow], minimum: Letter | None) -> tuple[BenchVerdict, ExitCode]:
    """Return the gravest verdict of the services, and the exit code for all of them.

    A service that could not be measured makes a bench incomplete, whatever became of the others: exit code 69.
    """
    verdicts = {_verdict_of(row, minimum) for row in services}
    verdict = next((one for one in _GRAVEST_FIRST if one in verdicts), BenchVerdict.GRADED)
    match verdict:
        case BenchVerdict.INCOMPLETE:
            return verdict, ExitCode.UNAVAILABLE
        case BenchVerdict.BREACHED | BenchVerdict.WORSE | BenchVerdict.BELOW_MINIMUM:
            return verdict, ExitCode.FINDINGS
        case BenchVerdict.REFUSED:
            return verdict, ExitCode.DONE if minimum is None else ExitCode.FINDINGS
        case BenchVerdict.GRADED:
            return verdict, ExitCode.DONE


def _verdict_of(row: BenchRow | UnbenchedRow, minimum: Letter | None) -> BenchVerdict:
    if isinstance(row, UnbenchedRow):
        return BenchVerdict.INCOMPLETE
    is_breached = row.promise is not None and row.promise.kept is Kept.NOT
    if row.capacity is not None:
        is_breached = row.capacity.rate is None
    if is_breached:
        return BenchVerdict.BREACHED
    if row.comparison is not None and row.comparison.change is Change.WORSE:
        return BenchVerdict.WORSE
    if row.grade is None:
        return BenchVerdict.REFUSED
    if minimum is not None and row.grade.letter.rank > minimum.rank:
        return BenchVerdict.BELOW_MINIMUM
    return BenchVerdict.GRADED
