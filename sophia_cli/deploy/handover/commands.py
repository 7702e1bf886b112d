"""A command of the settings as words, without the shell where none is needed."""

from __future__ import annotations

import shlex

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.check_model import Command

_ASSIGNMENT = late_pattern(r"[A-Za-z_][A-Za-z0-9_]*=")
# What a shell would act upon: operators, expansions, globs, comments, several lines.
_SHELL_MARKS = frozenset("|&;<>()$`*?[]{}#~!\n")
_BUILTINS = frozenset(
    {"cd", "export", "source", ".", "eval", "set", "unset", "if", "for", "while", "trap", "ulimit", "umask"}
)
# They only choose an environment; the project's own is chosen already.
_RUNNERS = frozenset({"uv", "poetry", "pipenv", "pdm", "rye"})


@dataclass(frozen=True, slots=True)
class Line:
    """A command: variables that are set for it, and its words. With `shell` there is one word, a text for the shell."""

    assignments: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    shell: bool


def command_line(command: Command) -> Line:
    """Return the words of a command. A text stays one for the shell unless it is plainly one simple command."""
    if not command.shell:
        return Line((), _without_runner(command.words), False)
    text = " ".join(command.words)
    for_shell = Line((), (text,), True)
    if _SHELL_MARKS & set(text):
        return for_shell
    try:
        words = shlex.split(text)
    except ValueError:
        return for_shell
    assignments: list[tuple[str, str]] = []
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        assignments.append((name, value))
    if words and words[0] == "exec":
        words.pop(0)
    if not words or words[0] in _BUILTINS:
        return for_shell
    return Line(tuple(assignments), _without_runner(tuple(words)), False)


def _without_runner(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) > 2 and words[0] in _RUNNERS and words[1] == "run" and not words[2].startswith("-"):
        return words[2:]
    return words
