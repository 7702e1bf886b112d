"""Ports for services: what their files say, each once, and free ones where two say the same or none says anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sophia_cli.project.discovery.model import Entry, Form, Proposal

_FIRST = 8000
# The web API of Sophia's own agent listens there.
_RESERVED = frozenset({8002})
_PUBLIC = (Form.COMPOSE, Form.PROCFILE)


def with_ports(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the services with ports, in the same order; workers get none, nor do commands that are not switched on.

    A port of a compose file wins over one in the code; of two services that name one port, the first keeps it.
    """
    wanted = {proposal.name: _wanted(proposal) for proposal in proposals if proposal.doubt is None}
    taken: dict[int, str] = {}
    for is_public in (True, False):
        for name, (port, from_compose) in wanted.items():
            if port is not None and from_compose is is_public and port not in _RESERVED:
                taken.setdefault(port, name)
    chosen: list[Proposal] = []
    for proposal in proposals:
        port, _ = wanted.get(proposal.name, (None, False))
        if proposal.app is None and (proposal.doubt is not None or (port is None and not _is_server(proposal))):
            chosen.append(proposal)
        elif port is not None and taken.get(port) == proposal.name:
            chosen.append(replace(proposal, port=port))
        else:
            free = _free(taken)
            taken[free] = proposal.name
            owner = "Sophia's agent" if port in _RESERVED else f"`{taken[port]}`" if port is not None else ""
            note = f"its files say {port}, which {owner} has" if port is not None else None
            chosen.append(replace(proposal, port=free, port_note=note))
    return chosen


def _wanted(proposal: Proposal) -> tuple[int | None, bool]:
    if proposal.binds_itself or any(entry.form is Form.WORKER for entry in proposal.entries[:1]):
        return None, False
    for entry in sorted(proposal.entries, key=_publicity):
        if entry.port is not None and (entry.port >= 1024 or entry.form is Form.COMPOSE):
            return entry.port, entry.form in _PUBLIC
    return None, False


def _publicity(entry: Entry) -> int:
    return _PUBLIC.index(entry.form) if entry.form in _PUBLIC else len(_PUBLIC)


def _is_server(proposal: Proposal) -> bool:
    return not proposal.binds_itself and any(
        entry.form in (Form.SCRIPT, Form.APP, Form.FACTORY, Form.ATTRIBUTE) for entry in proposal.entries
    )


def _free(taken: dict[int, str]) -> int:
    port = _FIRST
    while port in taken or port in _RESERVED:
        port += 1
    return port
