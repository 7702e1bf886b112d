"""Operations on services: the agent is reached, its slot taken, what happens shown, and the outcome read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from sophia_cli.commands.command_line.output import say
from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError, UsageError
from sophia_cli.core.nearest import did_you_mean
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.client import AgentLink, connect_agent
from sophia_cli.deploy.link.messages import Event, Fields, Json
from sophia_cli.deploy.link.starting import Reaching, first_answer, reach_agent
from sophia_cli.project.root import find_root
from sophia_cli.project.state_folder import StateFolder

if TYPE_CHECKING:
    from sophia_cli.core.deploy_report import DeployReport, DeployVerdict, ServiceReport
    from sophia_cli.project.settings.service_codec import UnreadableValues

# A first deployment gets as far as starting the agent with what is imported above, and imports the rest meanwhile.
Found = TypeVar("Found")
# A step may take as long as a service takes to start and to drain; the agent bounds each of them itself.
_SILENCE_S = 3600.0
_USUAL_COLUMNS = 80
_ERASE = "\r\x1b[K"
# What may take long after a step that came through.
_WAITS_AFTER = {
    "start-candidate": "be ready",
    "start-serving": "be ready",
    "attach": "answer",
    "verify": "finish its old requests",
    "drain-old": "stay well",
}


@dataclass(frozen=True, slots=True)
class Operated:
    """What the agent did: the id of the operation in its records, and the services in the order of the plan."""

    run_id: str | None
    services: tuple[ServiceReport, ...]


def state_of(path: Path) -> StateFolder:
    """Return the state folder of the project that a path is in; UsageError when the path does not exist."""
    if not os.path.lexists(path):
        raise UsageError("path-missing", f"`{path}` does not exist", hint="check the spelling of the path")
    return StateFolder(find_root(path))


def running_agent(state: StateFolder) -> AgentLink:
    """Return a connection to the agent; UnavailableError (`agent-not-running`) when there is none."""
    link = connect_agent(state.path) if state.exists() else None
    if link is None:
        raise UnavailableError(
            "agent-not-running",
            "no agent runs in this project",
            hint="`sophia deploy` starts it, and so does `sophia agent start`",
            location=str(state.root),
        )
    return link


class Early(Generic[Found]):
    """Work that may begin before the slot is held, while the agent starts.

    What it found counts only when nobody else had the slot in the meantime; else, and when no agent had to be started,
    the work is done once the slot is held.
    """

    def __init__(self, work: Callable[[], Found]) -> None:
        self._work = work
        self._found: list[Found] = []

    def begin(self) -> None:
        """Do the work now."""
        self._found = [self._work()]

    def forget(self) -> None:
        """Have it done again."""
        self._found = []

    def result(self) -> Found:
        """Return what the work found."""
        return self._found[0] if self._found else self._work()


@contextlib.contextmanager
def operation(
    state: StateFolder,
    command: str,
    wait_s: float,
    *,
    starts: bool,
    reaching: Reaching | None = None,
    early: Early[Found] | None = None,
) -> Iterator[AgentLink]:
    """Hold the agent's one slot for the length of the `with` block; `command` is what others are told.

    Raises BusyError (`agent-busy`) after `wait_s` seconds. With `starts`, the agent is started when none runs, unless
    it is on its way already (`reaching`); `early` is done while it starts.
    """
    on_its_way = [reaching] if reaching is not None else []

    def reach() -> AgentLink:
        if on_its_way:
            return _while_starting(on_its_way.pop(), early)
        return reach_agent(state) if starts else running_agent(state)

    def waiting(event: Event) -> None:
        if event.kind == "queued":
            if early is not None:
                early.forget()
            say(f"waiting for {event.data.get('holder')}")

    def hold(link: AgentLink) -> Fields:
        params: Fields = {"pid": os.getpid(), "command": command, "wait_s": wait_s}
        return link.ask("hold", params, timeout_s=wait_s + 30.0, seen=waiting)

    link, _ = first_answer(reach, hold)
    with link:
        yield link


def _while_starting(reaching: Reaching, early: Early[Found] | None) -> AgentLink:
    if early is not None and reaching.is_starting:
        try:
            early.begin()
        except BaseException:
            reaching.leave()
            raise
    return reaching.link()


def perform(link: AgentLink, method: str, params: Fields, progress: StepLines) -> Operated:
    """Return what an operation of the agent led to; every step goes to `progress`.

    SophiaError (`interrupted`) after Ctrl-C: by then what was under way is taken back.
    """
    from sophia_cli.core.deploy_report import ServiceReport
    from sophia_cli.project.settings.service_codec import UnreadableValues, record_from

    try:
        answer = link.ask(method, params, timeout_s=_SILENCE_S, seen=progress)
    except KeyboardInterrupt as stop:
        raise SophiaError(
            "interrupted",
            "stopped by Ctrl-C; what was under way is taken back, what came through before stays",
            hint="`sophia status` shows what serves",
            exit_code=ExitCode.INTERRUPTED,
        ) from stop
    finally:
        progress.clear()
    services = answer.get("services")
    run_id = answer.get("run_id")
    try:
        reports = (
            tuple(record_from(ServiceReport, values) for values in services if services)
            if isinstance(services, list)
            else ()
        )
    except UnreadableValues as error:
        raise _other_version(error) from error
    return Operated(run_id if isinstance(run_id, str) else None, reports)


def _other_version(error: UnreadableValues) -> UnavailableError:
    return UnavailableError(
        "agent-of-other-version",
        f"the agent answers in another form than this Sophia reads: {error}",
        hint="`sophia agent stop`, then run the command again; the services go on meanwhile",
    )


class StepLines:
    """Tells on standard error what the agent does, a line a step; on a terminal also what is waited for, below them."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._waits: dict[str, str] = {}
        self._draws = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self._quiet or event.kind != "step":
            return
        data = event.data
        service, step = str(data.get("service")), str(data.get("name"))
        instance, took, detail = data.get("instance"), data.get("duration_s"), data.get("detail")
        which = f" #{instance}" if instance else ""
        mark = "" if data.get("passed") else " failed"
        told = f": {detail}" if detail else ""
        timing = f" ({took:.2f} s)" if isinstance(took, int | float) else ""
        self.clear()
        say(f"{service}: {step}{which}{mark}{told}{timing}")
        self._waits.pop(service, None)
        if data.get("passed") and step in _WAITS_AFTER:
            self._waits[service] = _WAITS_AFTER[step]
        self._draw()

    def clear(self) -> None:
        """Take away what is waited for; the last call leaves a clean line."""
        if self._draws and self._waits:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def _draw(self) -> None:
        if not self._draws or not self._waits:
            return
        text = "waiting for " + ", ".join(f"{name} to {what}" for name, what in self._waits.items())
        width = (os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS) - 1
        sys.stderr.write(text if len(text) <= width else f"{text[: max(0, width - 3)]}...")
        sys.stderr.flush()


def known_services(link: AgentLink, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the services that the agent knows and that are wanted, all that have a release when none is named.

    UsageError (`service-unknown`) for a name that it does not know.
    """
    from sophia_cli.commands.operating.status import agent_status

    services = agent_status(link).services
    known = [service.name for service in services]
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known, f"deployed: {', '.join(known) or 'none'}")
            raise UsageError("service-unknown", f"no service `{name}` is deployed", hint=hint)
    return tuple(wanted) or tuple(service.name for service in services if service.release is not None)


def outcome_of(
    services: Sequence[ServiceReport], done: DeployVerdict, *, is_rollback: bool = False
) -> tuple[DeployVerdict, ExitCode]:
    """Return what an operation came to as a whole; `done` is the verdict when all went well.

    A rollback that did not come through is incomplete: somebody wanted to be back and is not.
    """
    from sophia_cli.core.deploy_report import DeployVerdict, ServiceAction

    actions = {service.action for service in services}
    if ServiceAction.INCOMPLETE in actions:
        return DeployVerdict.INCOMPLETE, ExitCode.UNDO_INCOMPLETE
    failed = ServiceAction.FAILED in actions
    if is_rollback:
        is_there = not failed and ServiceAction.KEPT not in actions
        return (done, ExitCode.DONE) if is_there else (DeployVerdict.INCOMPLETE, ExitCode.UNDO_INCOMPLETE)
    if failed:
        return DeployVerdict.FAILED, ExitCode.ROLLED_BACK
    if ServiceAction.ROLLED_BACK in actions:
        return DeployVerdict.ROLLED_BACK, ExitCode.ROLLED_BACK
    return done, ExitCode.DONE


def write_report(report: DeployReport, as_json: bool, quiet: bool, verbose: bool, output: Path | None) -> int:
    """Write a report in the form that was asked for; returns its exit code."""
    from sophia_cli.commands.command_line.output import has_colours, write_result

    if as_json:
        from sophia_cli.render.deploy_json import deploy_json

        text = deploy_json(report)
    else:
        from sophia_cli.render.deploy_text import deploy_summary, deploy_text
        from sophia_cli.render.style import Style

        style = Style(output is None and has_colours(sys.stdout, os.environ), verbose)
        text = deploy_summary(report) + "\n" if quiet else deploy_text(report, style)
    write_result(text, output)
    return int(report.exit_code)


def names(services: Sequence[str] | None) -> list[Json]:
    """Return names of services as they are sent."""
    return list(services or ())
