"""A deployment from the reached agent to its report: prepared, brought in, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sophia_cli.commands.operating.operation import Early, Operated, StepLines, operation, perform
from sophia_cli.core.values import dataclass

if TYPE_CHECKING:
    from sophia_cli.commands.command_line.progress import ProgressLine
    from sophia_cli.commands.deploying.asked import Asked
    from sophia_cli.commands.deploying.workshop import Prepared, Workshop
    from sophia_cli.core.deploy_report import DeployReport
    from sophia_cli.core.service_status import ServiceStatus
    from sophia_cli.deploy.link.client import AgentLink
    from sophia_cli.deploy.link.messages import Fields, Json
    from sophia_cli.deploy.link.starting import Reaching
    from sophia_cli.deploy.plan import DeploymentPlan
    from sophia_cli.deploy.releases.model import Release
    from sophia_cli.project.clock import Clock
    from sophia_cli.project.state_folder import StateFolder

# A first deployment waits for what is imported before its first service is started, so each part imports its own.


@dataclass(frozen=True, slots=True)
class Performed:
    """What was done: the plan, what the agent says of it, the services as they are afterwards, notes for a person."""

    workshop: Workshop
    plan: DeploymentPlan
    done: Operated
    running: tuple[ServiceStatus, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployer:
    """Carries out what was asked for, with an agent that is on its way; `started` is when the command began."""

    asked: Asked
    state: StateFolder
    reaching: Reaching
    progress: ProgressLine
    clock: Clock
    started: float

    def deploy(self, wait_s: float, quiet: bool) -> DeployReport:
        """Deploy, and return the report; what failed is rolled back by then.

        Raises BusyError (`agent-busy`) after `wait_s` seconds, what `Asked.workshop` and writing releases raise, and
        SophiaError (`interrupted`) after Ctrl-C.
        """
        # Reading the project takes about as long as the agent takes to start, so neither waits for the other.
        early = Early(self._prepare)
        with operation(
            self.state, self.asked.command, wait_s, starts=True, reaching=self.reaching, early=early
        ) as link:
            performed = self._perform(link, early.result(), StepLines(quiet))
        performed.workshop.project.keep()
        return self._report(performed)

    def _prepare(self) -> Prepared:
        from sophia_cli.commands.deploying.workshop import Prepared, prepared

        workshop, wanted = self.asked.workshop(self.progress.say), self.asked.wanted
        if self.reaching.is_starting:
            return prepared(workshop, wanted, self.clock, self.progress.say)
        return Prepared(workshop, wanted)

    def _perform(self, link: AgentLink, ready: Prepared, lines: StepLines) -> Performed:
        from sophia_cli.commands.deploying.workshop import conditions, prune_releases
        from sophia_cli.commands.operating.status import agent_settled, agent_status

        workshop = ready.workshop
        plan, made = ready.followed(agent_status(link).services, self.clock, self.progress.say)
        notes = [*(note.sentence for note in plan.notes), *conditions(workshop)]
        notes += agent_settled(link, workshop.project.settings.agent)
        self.progress.clear()
        done = _bring_in(link, workshop, plan, made, lines)

        from sophia_cli.commands.deploying.notes import files_left_behind, not_well

        running = agent_status(link).services
        notes += [f"{service.name}: {note}" for service in running for note in service.notes]
        notes += files_left_behind(self.state, plan, done.services)
        notes += not_well(done.services, {service.name: service for service in running})
        notes += prune_releases(workshop, running, self.clock)
        return Performed(workshop, plan, done, running, tuple(notes))

    def _report(self, performed: Performed) -> DeployReport:
        from sophia_cli.commands.deploying.report import done_report
        from sophia_cli.commands.operating.hints import with_hints

        folders = {service.name: service.cwd for service in performed.workshop.services}
        report = done_report(
            performed.plan,
            performed.done,
            performed.running,
            performed.notes,
            environment=self.asked.environment or "",
            duration_s=self.clock.monotonic() - self.started,
        )
        return with_hints(report, self.state.root, folders)


def _bring_in(
    link: AgentLink, workshop: Workshop, plan: DeploymentPlan, made: list[Release], lines: StepLines
) -> Operated:
    """Have the agent roll the releases out, then remove services that are no longer declared; not after a failure."""
    from sophia_cli.commands.deploying.workshop import secrets_for

    done = Operated(None, ())
    if made:
        releases: list[Json] = [{"service": release.name, "release": release.number} for release in made]
        params: Fields = {"releases": releases, "secrets": secrets_for(workshop, made)}
        done = perform(link, "rollout", params, lines)
    if plan.to_remove and not any(report.trouble for report in done.services):
        names: list[Json] = [service.name for service in plan.to_remove]
        removed = perform(link, "remove", {"services": names}, lines)
        done = Operated(done.run_id or removed.run_id, (*done.services, *removed.services))
    return done
