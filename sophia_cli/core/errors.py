"""Errors that a user can cause or meet, each with a reference, what to do next and an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; the table stands in docs/architecture.md."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    ROLLED_BACK = 3
    UNDO_INCOMPLETE = 4
    UNAVAILABLE = 69
    BUG = 70
    BUSY = 75
    INTERRUPTED = 130


class SophiaError(Exception):
    """Something a person can act on: what happened, where, and what to do next.

    `reference` is kebab-case and stable (`settings-invalid`); `message` is one sentence in the present tense;
    `hint` says what to do next; `location` is `path:line:column` or another place, when there is one.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(
        self,
        reference: str,
        message: str,
        *,
        hint: str | None = None,
        location: str | None = None,
        exit_code: ExitCode | None = None,
    ) -> None:
        super().__init__(message)
        self.reference = reference
        self.message = message
        self.hint = hint
        self.location = location
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(SophiaError):
    """The command line or the settings file asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class UnavailableError(SophiaError):
    """Something that is needed is missing on this machine."""

    exit_code = ExitCode.UNAVAILABLE


class BusyError(SophiaError):
    """Another run holds the project; the message names it."""

    exit_code = ExitCode.BUSY
