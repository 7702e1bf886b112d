"""Errors as a person and as a program read them: text on standard error, a JSON document on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError, UsageError
from sophia_cli.core.nearest import nearest
from sophia_cli.render.style import visible


def unknown_command(name: str, known: Sequence[str]) -> UsageError:
    """Return the error for a command that does not exist, with the nearest one that does."""
    if name.startswith("-"):
        return UsageError("usage", f"unknown option `{name}`", hint="see `sophia --help`")
    near = nearest(name, known, likeness=0.5)
    hint = "see `sophia --help`" if near is None else f"did you mean `sophia {near}`? All commands: `sophia --help`"
    return UsageError("unknown-command", f"there is no command `{name}`", hint=hint)


def stdout_unwritable(error: OSError) -> UnavailableError:
    """Return the error for a standard output that takes no more (a full disk); a closed pipe is none of these."""
    reason = error.strerror or type(error).__name__
    hint = "make room, or name another place with `--output FILE`"
    return UnavailableError("output-unwritable", f"standard output cannot be written: {reason}", hint=hint)


def report(error: BaseException, words: Sequence[str], duration_s: float) -> int:
    """Print an error, as JSON too where the command line asked for JSON, and return the exit code.

    BrokenPipeError when nobody reads standard output any more; when it takes no more for another reason, the text on
    standard error has to do.
    """
    known = _translate(error, words)
    sys.stderr.write(error_text(known))
    if wants_json(words):
        command = words[0] if words and not words[0].startswith("-") else None
        document = json.dumps(error_document(known, command, duration_s), indent=2) + "\n"
        try:
            sys.stdout.write(document)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as unwritable:
            sys.stderr.write(error_text(stdout_unwritable(unwritable)))
    return int(known.exit_code)


def wants_json(words: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON: `--json`, `--format json` or `--format=json`."""
    before = list(words[: words.index("--")]) if "--" in words else list(words)
    if "--json" in before or "--format=json" in before:
        return True
    return any(pair == ("--format", "json") for pair in pairwise(before))


def error_text(error: SophiaError) -> str:
    """Return the lines for a person: reference, what happened and where, what to do next."""
    is_named = error.location is None or f"`{error.location}`" in error.message
    where = "" if is_named else f"{error.location}: "
    lines = [f"error: {error.reference}", *f"  {where}{error.message}".split("\n")]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    # Names of files may hold what a terminal obeys.
    return "\n".join(map(visible, lines)) + "\n"


def error_document(error: SophiaError, command: str | None, duration_s: float) -> dict[str, object]:
    """Return the JSON document of a command that ended in an error."""
    return {
        "schema_version": 1,
        "command": command,
        "verdict": "error",
        "exit_code": int(error.exit_code),
        "duration_s": round(duration_s, 3),
        "run_id": None,
        "summary": {},
        "error": {
            "reference": error.reference,
            "message": error.message,
            "hint": error.hint,
            "location": error.location,
        },
    }


def _translate(error: BaseException, words: Sequence[str]) -> SophiaError:
    if isinstance(error, SophiaError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return SophiaError("interrupted", "stopped", exit_code=ExitCode.INTERRUPTED)
    if _is_usage(error):
        usage = _usage_message(error)
        return UsageError("usage", usage, hint=f"see `sophia {words[0]} --help`")
    if _is_abort(error):
        return SophiaError("interrupted", "stopped at a question", exit_code=ExitCode.INTERRUPTED)
    if isinstance(error, FileNotFoundError) and _current_folder_is_gone():
        return UsageError(
            "folder-gone",
            "the current folder does not exist any more",
            hint="go to a folder that does, or to the new one of the same name with `cd .`",
        )
    from sophia_cli.commands.command_line.crash import write_crash_file

    place = write_crash_file(error, words)
    return SophiaError(
        "bug-in-sophia",
        f"{type(error).__name__} where none was expected; this is a mistake in Sophia, not in your project",
        hint=f"the details are in {place}; please report it with that file" if place else "please report it",
        exit_code=ExitCode.BUG,
    )


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _is_usage(error: BaseException) -> bool:
    # Asking for typer here would load it for errors that never came near it.
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.TyperException)


def _is_abort(error: BaseException) -> bool:
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.Abort)


def _usage_message(error: BaseException) -> str:
    text = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    # What Typer says of a word that it cannot convert begins with the name of the exception.
    line = " ".join(text.split()).replace(": Value error, ", ": ")
    return line[:1].lower() + line[1:].rstrip(".") if line else "the command line cannot be read"
