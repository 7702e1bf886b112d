"""`sophia demo`: the whole story on a small broken project in a scratch folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, say, write_result
from sophia_cli.commands.command_line.parameters import option
from sophia_cli.commands.demonstrating.story import Story, play
from sophia_cli.core.errors import ExitCode
from sophia_cli.project.clock import SystemClock

_NOT_BUILT = (
    "services_deployed",
    "services_healthy",
    "grades",
    "load",
    "recovery_s",
    "failed_during_recovery",
    "failed_during_bad_release",
)


def demo(
    keep: Annotated[bool, option("--keep", help="Leave the scratch folder, broken again, to play in.")] = False,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Play the whole story on a small broken project: found, mended, verified, undone.

    Nothing is prepared: the commands that a user would type run in a scratch folder. Exits with 1 when anything is
    not as it should be.
    """
    clock = SystemClock()
    started = clock.monotonic()
    chosen = chosen_format(format_, json)
    lines: list[str] = []
    live = chosen is Format.TEXT and output is None

    def tell(line: str) -> None:
        if live and not quiet:
            write_result(line + "\n", None)
        lines.append(line)

    folder = Path(tempfile.mkdtemp(prefix="sophia-demo-"))
    try:
        story = play(folder, tell)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    tell("\n" + last_words(story))
    for complaint in story.complaints:
        say(f"not as it should be: {complaint}")
    if keep:
        say(f"the project is in {folder}")
    code = ExitCode.FINDINGS if story.complaints else ExitCode.DONE
    if chosen is Format.JSON:
        from sophia_cli.render.json import document

        head = read_only_head("demo", "failed" if story.complaints else "passed", code, clock.monotonic() - started)
        write_result(document({**head, "summary": summary(story), "complaints": list(story.complaints)}), output)
    elif quiet:
        write_result(last_words(story) + "\n", output)
    elif output is not None:
        write_result("\n".join(lines) + "\n", output)
    return int(code)


def last_words(story: Story) -> str:
    """Return the story in one line."""
    return (
        f"{story.found} found, {story.fixed} mended ({story.fixed_safely} of them without --unsafe), "
        f"{story.mended} of {story.broken} broken files compile, grade {story.grade_before} -> {story.grade_after}, "
        f"{'all undone to the byte' if story.restored else 'NOT undone'}"
    )


def summary(story: Story) -> dict[str, object]:
    """Return the figures of the story; `not_in_this_build` names those that later parts of Sophia will add."""
    return {
        "issues_found": story.found,
        "issues_fixed": story.fixed,
        "issues_fixed_safely": story.fixed_safely,
        "files": story.files,
        "files_broken": story.broken,
        "files_mended": story.mended,
        "grade_before": story.grade_before,
        "grade_after": story.grade_after,
        "used_history": story.from_history,
        "undone_to_the_byte": story.restored,
        "not_in_this_build": list(_NOT_BUILT),
    }
