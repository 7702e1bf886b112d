"""Fix by fix on a terminal: show what one fix does and ask whether to make it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from sophia_cli.commands.command_line.output import has_colours, say
from sophia_cli.core.errors import UsageError
from sophia_cli.core.plan import ChangedFile
from sophia_cli.fixers.mending.choosing import Answer, Turn, Unit
from sophia_cli.fixers.mending.rounds import Ask
from sophia_cli.render.diff import unified
from sophia_cli.render.style import Style, Tone, visible

_HELP = """y  make this fix
n  leave it out
a  make this fix and all that follow
q  leave it out with all that follow, and go on with those accepted
?  show this help"""
_ANSWERS = {"y": Answer.YES, "n": Answer.NO, "a": Answer.ALL, "q": Answer.QUIT}


def require_terminal() -> None:
    """UsageError (`no-terminal`) when there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "no-terminal",
            "`--interactive` asks questions and needs a terminal",
            hint="leave it out, or choose fixes with `--select` and look at them with `--diff`",
        )


def asker(before_asking: Callable[[], None]) -> Ask:
    """Return a function that shows one fix with its diff on standard error and reads the answer from the terminal.

    `before_asking` is called first, to take a progress line away. The end of input counts as `q`.
    """
    style = Style(colours=has_colours(sys.stderr, os.environ))

    def ask(unit: Unit, changes: tuple[ChangedFile, ...], turn: Turn) -> Answer:
        before_asking()
        say(_shown(unit, changes, style))
        while True:
            sys.stderr.write(f"fix {turn.number} of {turn.count}: make it [y/n/a/q/?] ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                say("")
                return Answer.QUIT
            answer = _ANSWERS.get(line.strip().lower())
            if answer is not None:
                return answer
            say(_HELP)

    return ask


def _shown(unit: Unit, changes: tuple[ChangedFile, ...], style: Style) -> str:
    lines = [""]
    for finding in unit.findings:
        fix = finding.fix
        if fix is None:
            continue
        place = style.paint(f"{visible(finding.path)}:{finding.region.line}", Tone.STRONG)
        lines.append(f"{place}  {finding.rule} {finding.name}  {visible(finding.message)}")
        lines.append(f"  {visible(fix.title)} ({fix.safety.value}, {fix.confidence:.0%} sure)")
        lines += [f"  evidence: {visible(text)}" for text in fix.evidence]
    lines.append(unified(changes, style).rstrip("\n"))
    return "\n".join(lines)
