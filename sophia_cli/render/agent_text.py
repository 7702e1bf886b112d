"""The agent of a project, as text and as JSON."""

from __future__ import annotations

from sophia_cli.core.report import SCHEMA_VERSION
from sophia_cli.core.service_status import AgentStatus
from sophia_cli.render.json import document
from sophia_cli.render.status_json import agent_fields
from sophia_cli.render.style import plural, visible


def agent_text(agent: AgentStatus | None, root: str) -> str:
    """Return the agent in one line, and in others what is not well with it."""
    if agent is None:
        return f"no agent runs for {visible(root)}; `sophia deploy` starts one, and so does `sophia agent start`\n"
    web = f", web API at {agent.web}" if agent.web else ""
    note = f"web API: {visible(agent.web_note)}\n" if agent.web_note else ""
    note += f"state: {visible(agent.state_note)}\n" if agent.state_note else ""
    busy = f"; changing services for {visible(agent.busy_with)}" if agent.busy_with else ""
    services = plural(len(agent.services), "service")
    return f"agent pid {agent.pid} {agent.state} since {agent.since}, {services}{web}{busy}\n{note}"


def stopped_text(running: int) -> str:
    """Return what `sophia agent stop` led to: `running` services have nobody who looks after them."""
    if not running:
        return "the agent has stopped; no service runs\n"
    return f"the agent has stopped; {plural(running, 'service')} unwatched: `sophia agent start` takes them over\n"


def agent_json(agent: AgentStatus | None, exit_code: int, duration_s: float) -> str:
    """Return the document of `sophia agent`; without an agent `pid` is null and `state` is `stopped`."""
    absent: dict[str, object] = {
        "pid": None,
        "version": None,
        "state": "stopped",
        "since": None,
        "busy_with": None,
        "web": None,
        "web_note": None,
        "state_note": None,
    }
    fields = absent if agent is None else agent_fields(agent)
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "command": "agent",
            "verdict": fields["state"],
            "exit_code": exit_code,
            "duration_s": round(duration_s, 3),
            "run_id": None,
            "summary": {"services": 0 if agent is None else len(agent.services)},
            **fields,
        }
    )
