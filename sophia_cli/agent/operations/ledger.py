"""What operations tell: each state written down before its step, and what becomes of a service at the end."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.agent.dependents import Dependents
from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.service_logs import ServiceLogs
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.operations.operation import Incoming
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.roster import Roster
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.rollout import Rollout


@dataclass(frozen=True, slots=True)
class ProjectLedger:
    """The ledger of one project: see `operation.Ledger`."""

    roster: Roster
    keeper: Keeper
    listeners: Listeners
    proxy: Proxy
    logs: ServiceLogs
    dependents: Dependents

    def write(self, run_id: str, rollouts: Sequence[Rollout]) -> None:
        """Bring the state of an operation to the disk."""
        self.keeper.save_rollouts(run_id, rollouts)

    def finished(self, run_id: str) -> None:
        """Forget an operation that is over."""
        self.keeper.operation_over(run_id)

    def came_through(self, incoming: Incoming) -> None:
        """The new release serves now, or the service was stopped as somebody wanted."""
        runtime = self.roster.runtime(incoming.work.service)
        self.proxy.changed()
        if incoming.keeps_stopped:
            runtime.is_stopped = True
            self.listeners.close(runtime.name)
            self.keeper.event(runtime.name, "stopped", f"release {incoming.release.number}")
        else:
            runtime.settle(incoming.release)
            self.listeners.settle(runtime.name, incoming.release.service.port)
            self.keeper.event(runtime.name, "released", f"release {incoming.release.number} serves")
        self.keeper.save_service(runtime)
        self.dependents.tell(runtime.name)

    def taken_back(self, incoming: Incoming, cause: str | None) -> None:
        """What served before serves again; without it nobody is to wait for an answer."""
        runtime = self.roster.runtime(incoming.work.service)
        if incoming.previous is None:
            self.listeners.close(runtime.name)
            runtime.failure = cause
        else:
            own = incoming.previous.service.port
            self.listeners.settle(runtime.name, own, is_back=True)
            runtime.listens_on(self.listeners.port(runtime.name), own)
        self.proxy.changed()
        self.keeper.event(runtime.name, "taken-back", f"release {incoming.release.number} did not come through")
        if runtime.release is None and cause is None:
            # It is as if nobody had tried.
            self.keeper.drop_service(runtime.name)
        else:
            self.keeper.save_service(runtime)

    def left_behind(self, name: str) -> None:
        """Have nothing return to the release that a person has just taken back."""
        runtime = self.roster.runtime(name)
        if runtime.release is not None and runtime.previous is not None:
            runtime.good = tuple(number for number in runtime.good if number <= runtime.release.number)
            self.keeper.save_service(runtime)

    def log_lines(self, instance: Instance) -> tuple[str, ...]:
        """Return the last lines that an instance wrote, none where it never came to run."""
        return self.logs.lines_of(instance)
