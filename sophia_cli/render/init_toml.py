"""The settings file that `sophia init` writes, as text: every service with the evidence for it above."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sophia_cli.project.discovery.model import Listening, Proposal

_WIDTH = 100
_MOST_EVIDENCE = 12


def settings_text(name: str, proposals: Sequence[Proposal]) -> str:
    """Return a settings file with the services; those in doubt are commented out below the others, with the reason."""
    ready = [proposal for proposal in proposals if proposal.doubt is None]
    aside = [proposal for proposal in proposals if proposal.doubt is not None]
    lines = [
        "# Written by `sophia init` from what the files of this project say; yours to change.",
        "# `sophia config show` prints what counts in the end, defaults included.",
        "",
        "[project]",
        f"name = {quoted(name)}",
    ]
    for proposal in ready:
        lines += ["", *_evidence(proposal), *_table(proposal)]
    if aside:
        lines += ["", "# Found and left out. To run one, take the `#` away from its table."]
    for proposal in aside:
        assert proposal.doubt is not None
        lines += ["", *_evidence(proposal), f"# Left out: {proposal.doubt.value}."]
        if proposal.app is not None or proposal.words:
            lines += [f"# {line}" for line in _table(proposal)]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return a TOML string."""
    plain = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(proposal: Proposal) -> Iterator[str]:
    yield f"[services.{proposal.name}]"
    if proposal.app is not None:
        yield f"app = {quoted(proposal.app)}"
    else:
        yield f"command = [{', '.join(quoted(word) for word in proposal.words)}]"
    if proposal.cwd:
        yield f"cwd = {quoted(proposal.cwd)}"
    if proposal.port is not None:
        note = f"  # {_plain(proposal.port_note)}" if proposal.port_note else ""
        yield f"port = {proposal.port}{note}"
    if proposal.replicas > 1:
        yield f"replicas = {proposal.replicas}  # as many processes as its server was told to have"
    elif proposal.replicas == 0:
        yield "replicas = 1  # its code works out how many processes it has; write how many are wanted"
    if proposal.listening is Listening.ITSELF:
        yield 'strategy = "replace"  # it binds its port itself, where nothing can be handed over'
    if proposal.depends_on:
        yield f"depends_on = [{', '.join(quoted(name) for name in proposal.depends_on)}]"
    if proposal.probe is not None and proposal.port is not None:
        yield f"readiness = {{ http = {quoted(proposal.probe)} }}"
    if proposal.secrets:
        yield f"secrets = [{', '.join(quoted(name) for name in proposal.secrets)}]"
    if proposal.unset:
        yield f"# Named by its files, without a value that works here: {_plain(', '.join(proposal.unset))}"
    line = f"env = {{ {', '.join(f'{name} = {quoted(value)}' for name, value in proposal.env)} }}"
    if proposal.env and len(line) <= _WIDTH:
        yield line
    elif proposal.env:
        yield f"[services.{proposal.name}.env]"
        yield from (f"{name} = {quoted(value)}" for name, value in proposal.env)


def _evidence(proposal: Proposal) -> Iterator[str]:
    for entry in proposal.entries[:_MOST_EVIDENCE]:
        yield f"# {_plain(f'{entry.path}:{entry.line}: {entry.text}')}"
    if len(proposal.entries) > _MOST_EVIDENCE:
        yield f"# and {len(proposal.entries) - _MOST_EVIDENCE} more places"
    if not proposal.compiles:
        yield "# This file does not compile; `sophia fix` first."


def _plain(text: str) -> str:
    """Return a text that stays within one comment."""
    line = "".join(char if char.isprintable() else " " for char in text.encode("utf-8", "replace").decode("utf-8"))
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."
