"""Ports for services: what their files say, each once, and free ones where two say the same or none says anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.model import Doubt, Entry, Form, Listening, Proposal

_FIRST = 8000
# The web API of Sophia's own agent listens there.
_RESERVED = frozenset({8002})
# Where servers listen when nothing is said.
USUAL_PORTS: Mapping[str, int] = MappingProxyType(
    {
        "flask": 5000,
        "quart": 5000,
        "aiohttp": 8080,
        "bottle": 8080,
        "waitress": 8080,
        "nicegui": 8080,
        "gradio": 7860,
        "dash": 8050,
        "pywebio": 8080,
        "xmlrpc": 8000,
        "sanic": 8000,
        "uvicorn": 8000,
        "mcp": 8000,
    }
)
_PUBLIC = (Form.COMPOSE, Form.PROCFILE)


def with_ports(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the services with ports, in the same order; workers get none, nor do commands that are not switched on.

    A port of a compose file wins over one in the code; of two services that name one port, the first keeps it,
    and one whose code binds that port and no other is left out.
    """
    wanted = {proposal.name: _wanted(proposal) for proposal in proposals if proposal.doubt is None}
    taken: dict[int, str] = {}
    fixed = {proposal.name for proposal in proposals if proposal.listening is Listening.FIXED}
    # What is published first; then those that can have no other.
    for name, (port, _) in sorted(wanted.items(), key=lambda item: (not item[1][1], item[0] not in fixed)):
        if port is not None and port not in _RESERVED:
            taken.setdefault(port, name)
    chosen: list[Proposal] = []
    for proposal in proposals:
        port, _ = wanted.get(proposal.name, (None, False))
        if proposal.app is None and (proposal.doubt is not None or (port is None and not _is_server(proposal))):
            chosen.append(proposal)
        elif port is not None and taken.get(port) == proposal.name:
            chosen.append(_told(replace(proposal, port=port)))
        elif port is not None and proposal.name in fixed:
            chosen.append(replace(proposal, port=port, doubt=Doubt.PORT_TAKEN))
        else:
            free = _free(taken)
            taken[free] = proposal.name
            owner = "Sophia's agent" if port in _RESERVED else f"`{taken[port]}`" if port is not None else ""
            note = f"its files say {port}, which {owner} has" if port is not None else None
            chosen.append(_told(replace(proposal, port=free, port_note=note)))
    return chosen


def _wanted(proposal: Proposal) -> tuple[int | None, bool]:
    if proposal.listening is Listening.ITSELF or any(entry.form is Form.WORKER for entry in proposal.entries[:1]):
        return None, False
    is_fixed = proposal.listening is Listening.FIXED
    for entry in sorted(proposal.entries, key=_publicity, reverse=is_fixed):
        if entry.port is not None and (entry.port >= 1024 or entry.form is Form.COMPOSE):
            return entry.port, entry.form in _PUBLIC
    if is_fixed:
        return next(
            (USUAL_PORTS[entry.framework] for entry in proposal.entries if entry.framework in USUAL_PORTS), None
        ), False
    return None, False


def _told(proposal: Proposal) -> Proposal:
    """Return a service whose command names the port, where it is told that way."""
    if proposal.listening is not Listening.OPTION:
        return proposal
    option = "--server.port" if proposal.words[0] == "streamlit" else "--port"
    if option in proposal.words:
        return proposal
    return replace(proposal, words=(*proposal.words, option, str(proposal.port)))


def _publicity(entry: Entry) -> int:
    return _PUBLIC.index(entry.form) if entry.form in _PUBLIC else len(_PUBLIC)


def _is_server(proposal: Proposal) -> bool:
    return proposal.listening is not Listening.ITSELF and any(
        entry.form in (Form.SCRIPT, Form.APP, Form.FACTORY, Form.ATTRIBUTE) for entry in proposal.entries
    )


def _free(taken: dict[int, str]) -> int:
    port = _FIRST
    while port in taken or port in _RESERVED:
        port += 1
    return port
