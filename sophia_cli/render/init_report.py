"""What `sophia init` found, as text and as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.project.discovery.model import Entry, Proposal
from sophia_cli.render.json import document
from sophia_cli.render.style import plural, visible

Json = Mapping[str, object]


def init_json(head: Json, proposals: Sequence[Proposal], file: str | None) -> str:
    """Return the document: a row for everything that was found, and the services that come of it."""
    rows = [(entry, proposal) for proposal in proposals for entry in proposal.entries]
    rows.sort(key=lambda row: (row[0].path, row[0].line, row[0].name))
    ready = sum(proposal.doubt is None for proposal in proposals)
    return document(
        {
            **head,
            "summary": {"found": len(rows), "services": ready, "left_out": len(proposals) - ready},
            "file": file,
            "services": [_entry_fields(entry, proposal) for entry, proposal in rows],
            "settings": [_proposal_fields(proposal) for proposal in proposals],
        }
    )


def init_text(proposals: Sequence[Proposal], file: str) -> str:
    """Return a line for every service, then what was left out and why, then what was written."""
    ready = [proposal for proposal in proposals if proposal.doubt is None]
    aside = [proposal for proposal in proposals if proposal.doubt is not None]
    width = max((len(proposal.name) for proposal in proposals), default=0)
    lines = []
    for proposal in ready:
        port = f"port {proposal.port}" if proposal.port is not None else "no port"
        first = proposal.entries[0]
        lines.append(f"{proposal.name:<{width}}  {port:<10}  {visible(first.path)}:{first.line}  {first.kind}")
    if aside:
        lines.append("")
    for proposal in aside:
        first = proposal.entries[0]
        reason = proposal.doubt.value if proposal.doubt is not None else ""
        lines.append(f"{proposal.name:<{width}}  left out    {visible(first.path)}:{first.line}  {reason}")
    lines += [""] if lines else []
    return "\n".join(lines) + ("\n" if lines else "") + init_summary(proposals, file)


def init_summary(proposals: Sequence[Proposal], file: str) -> str:
    """Return what was written in one line, and what to do next."""
    ready = sum(proposal.doubt is None for proposal in proposals)
    aside = len(proposals) - ready
    left_out = f", {aside} left out with the reason" if aside else ""
    if not ready:
        return f"nothing that can be started was found{left_out}; {file} waits for a `[services.NAME]`\n"
    return f"{plural(ready, 'service')} written to {file}{left_out}. Next: sophia deploy --plan\n"


def _entry_fields(entry: Entry, proposal: Proposal) -> Json:
    return {
        "name": proposal.name,
        "path": entry.path,
        "line": entry.line,
        "kind": entry.kind,
        "evidence": entry.text,
        "port": entry.port,
        "enabled": proposal.doubt is None,
        "reason": entry.doubt.value if entry.doubt is not None else None,
    }


def _proposal_fields(proposal: Proposal) -> Json:
    return {
        "name": proposal.name,
        "app": proposal.app,
        "command": list(proposal.words) or None,
        "cwd": proposal.cwd or ".",
        "port": proposal.port,
        "depends_on": list(proposal.depends_on),
        "readiness": proposal.probe if proposal.port is not None else None,
        "env": dict(proposal.env),
        "secrets": list(proposal.secrets),
        "unset": list(proposal.unset),
        "enabled": proposal.doubt is None,
        "reason": proposal.doubt.value if proposal.doubt is not None else proposal.port_note,
        "evidence": [f"{entry.path}:{entry.line}" for entry in proposal.entries],
    }
