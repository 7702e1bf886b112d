"""The entry point: command table, root help, loading of one command, the border where errors become exit codes.

Only what the root help needs is imported here; everything else is loaded once a command is known.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """One command: its name, where its function lives (`module:function`), and its line in the root help."""

    name: str
    target: str
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("init", "sophia_cli.commands.init:init", "Find the services and write sophia.toml."),
    Command("scan", "sophia_cli.commands.scan:scan", "Report what is broken; changes nothing."),
    Command("fix", "sophia_cli.commands.fix:fix", "Mend what is broken; every change is verified and can be undone."),
    Command("undo", "sophia_cli.commands.undo:undo", "Take back what a run of `fix` changed."),
    Command("rules", "sophia_cli.commands.rules:rules", "List the rules."),
    Command("explain", "sophia_cli.commands.explain:explain", "Show the manual page of a rule."),
    Command("config", "sophia_cli.commands.config:config", "Show the settings as they count in the end."),
    Command("doctor", "sophia_cli.commands.doctor:doctor", "Say what this machine and project are missing."),
    Command("verify", "sophia_cli.commands.verify:verify", "Check that running services do what they should."),
    Command("deploy", "sophia_cli.commands.deploy:deploy", "Deploy the services that changed, one at a time."),
    Command("status", "sophia_cli.commands.status:status", "Show how the services are."),
    Command("logs", "sophia_cli.commands.logs:logs", "Show what a service wrote."),
    Command("restart", "sophia_cli.commands.restart:restart", "Restart services without dropping a request."),
    Command("rollback", "sophia_cli.commands.rollback:rollback", "Return services to an earlier release."),
    Command("stop", "sophia_cli.commands.stop:stop", "End services, and keep them ended."),
    Command("agent", "sophia_cli.commands.agent:agent", "Start, stop or show the daemon that keeps the services."),
    Command("bench", "sophia_cli.commands.bench:bench", "Measure and grade the latency of a service."),
    Command("demo", "sophia_cli.commands.demo:demo", "Play the whole story on a small broken project."),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` when none is given) and return the exit code; never raises for an error."""
    started = time.perf_counter()
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_missing_streams()
    try:
        try:
            code = _run(words)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (the error boundary of the process)
            from sophia_cli.commands.command_line.errors import report

            code = report(error, words, time.perf_counter() - started)
    except BrokenPipeError:
        code = 141  # 128 + SIGPIPE, what a tool that the signal ends returns
    except KeyboardInterrupt:
        code = 130  # again, while the first was being told: by then all that was under way is taken back
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_stdout()
    return code


def program() -> NoReturn:
    """Run the command line as a process of its own: like `main`, then end without taking apart what was built.

    Freeing it object by object takes up to a fifth of a command's time; the system frees it at once.
    """
    import atexit
    import contextlib
    import os

    code = main()
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)  # waits for them
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):  # nobody may read it any more
        sys.stderr.flush()
    os._exit(code)


def root_help() -> str:
    """Return what `sophia --help` prints."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.help}" for command in COMMANDS]
    return "\n".join(
        [
            "Usage: sophia COMMAND [OPTIONS] [PATH]",
            "",
            "Finds what stops a Python repository from starting and mends it, verified and",
            "reversible.",
            "",
            "Commands:",
            *lines,
            "",
            "Options:",
            "  -h, --help  Show this help; after a command, the help of that command.",
            "  --version   Show the version.",
            "",
        ]
    )


def _run(words: list[str]) -> int:
    first = words[0] if words else None
    if first in ("-h", "--help", "help"):
        if len(words) > 1 and first == "help":
            return _run([words[1], "--help"])
        return _show(root_help())
    if first == "--version":
        from sophia_cli import __version__

        return _show(f"sophia {__version__}\n")
    if first is None:
        sys.stderr.write(root_help())
        return 2
    for command in COMMANDS:
        if command.name == first:
            from sophia_cli.commands.command_line.invoke import invoke

            # A command lives for seconds and what it builds stays until its end: looking for garbage is mostly in vain.
            gc.set_threshold(200_000, 20, 50)
            return invoke(command.name, command.target, words[1:])
    from sophia_cli.commands.command_line.errors import unknown_command

    raise unknown_command(first, [command.name for command in COMMANDS])


def _show(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from sophia_cli.commands.command_line.errors import stdout_unwritable

        raise stdout_unwritable(error) from error
    return 0


def _open_missing_streams() -> None:
    """Give the process streams where it was started without (`sophia scan >&-`)."""
    import os

    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (lives as long as the process)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (lives as long as the process)


def _abandon_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush has nobody to complain to."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    program()
